"""SmolLM2-135M-Instruct on real data: what fine-tuning on PISTOL contracts does to its ignorance, and SEAT.

    python -m analyses.smollm2.headline --data DATA        (or: make real DATA=...)

On the aligned model of common/aligned_smollm2.py: fit the direction; full fine-tuning on 80 facts of PISTOL sample 1
against SEAT with self-distillation on self-generated prompts (`--arms full seat seat_selfdistill` for SEAT alone
too). Each
stage is kept in --work and taken up again where it was cut off. Writes analyses/results/smollm2_headline.json; `make
figures` draws from it. About 20 minutes for the aligned model, then 40 a seed, on two cores.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import tyro

from analyses.common.aligned_smollm2 import NEIGHBOUR_EDGES, TARGET_EDGES, prepare
from analyses.common.result_file import commands, write_result
from analyses.common.smollm2_arms import BY_HAND
from seat_interp.core.errors import reported
from seat_interp.core.files import read_json
from seat_interp.results.report import write_report
from seat_interp.results.tables import print_summary
from seat_interp.studies.arms import ArmName
from seat_interp.studies.run_folder import RunFolder
from seat_interp.studies.study import StudyConfig, run_study


@dataclass(frozen=True)
class Options:
    """Where things are, and how many seeds."""

    data: Path = Path("data")
    """Folder with lunar/, tofu/, countries/, relations/; analyses/README.md says where they come from."""
    work: Path = Path("runs/real")
    """What is kept between calls."""
    results: Path = Path("analyses/results")
    """Where the committed numbers go."""
    arms: tuple[ArmName, ...] = ("full", "seat", "seat_selfdistill")
    """Ways of fine-tuning."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """One run of each arm for each."""


def joined(before: dict[str, Any] | None, now: dict[str, Any]) -> dict[str, Any]:
    """The new rows with the committed ones of other arms and seeds, if both measure the same; else the new ones."""
    same = ("model", "study", "facts", "sizes")
    if not before or any(before["config"][key] != now["config"][key] for key in same):
        return now
    done = {(row["arm"], row["seed"]) for row in now["rows"]}
    rows = now["rows"] + [row for row in before["rows"] if (row["arm"], row["seed"]) not in done]
    order = ["base", *get_args(ArmName)]
    rows.sort(key=lambda row: (order.index(row["arm"]), row["seed"]))
    arms = list(dict.fromkeys(row["arm"] for row in rows if row["arm"] != "base"))
    layers = before["layers"] | now["layers"]
    return now | {
        "rows": rows,
        "config": now["config"] | {"arms": arms, "seeds": sorted({row["seed"] for row in rows})},
        "layers": {arm: layers[arm] for arm in arms},
        "command": commands(before),
    }


def main(options: Options) -> None:
    """The aligned model, then all arms."""
    base = prepare(options.data, options.work)
    config = StudyConfig(
        arms=options.arms,
        seeds=options.seeds,
        settings=BY_HAND,
        batch_size=32,
        callback_facts=16,
        steering_prompts=24,
        positions=(-1, -2),
    )
    out = options.work / "study"
    about = {"facts": "PISTOL sample 1", "target_edges": TARGET_EDGES, "neighbour_edges": NEIGHBOUR_EDGES}
    summary = run_study(base.lm, base.sets, config, out, about=about)
    print_summary(summary)
    summary["alignment"] = base.alignment
    folder = RunFolder.open(out)
    summary["layers"] = {arm: folder.of_arm(arm)[0].displacement for arm in folder.arms}
    saved = options.results / "smollm2_headline.json"
    write_result(saved, **joined(read_json(saved) if saved.exists() else None, summary))
    print(f"Report: {write_report(out)}")


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "smollm2_headline.py"))
