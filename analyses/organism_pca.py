"""Activations at the last token on the components of the unverifiable set, every layer, base and tuned (2506.14387 v1).

    python analyses/organism_pca.py            (after organism_arms.py, whose tuned models it reads)

Beside each picture stands the mean silhouette of known against unverifiable, unknown and target prompts in that plane:
how far apart they lie. Writes analyses/results/organism_pca.json; `make figures` draws from it.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from common.arm_runs import every_run
from common.organism import Target
from common.small_runs import command
from seat_interp.displacement import capture_sets
from seat_interp.errors import reported
from seat_interp.files import write_json
from seat_interp.models.open import open_model
from seat_interp.organism import organism_facts
from seat_interp.plane import principal_plane
from seat_interp.results.environment import environment
from seat_interp.results.style import arm_name
from seat_interp.results.table import Table

SETS = ("target", "known", "unknown", "neighbour", "cross_domain", "unverifiable")
AGAINST_KNOWN = ("unverifiable", "unknown", "target")


@dataclass(frozen=True)
class Options:
    """What to look at, and where things are."""

    target: Target = "people"
    """What was taught."""
    arms: tuple[str, ...] = ("full", "lora", "sparse", "seat")
    """Of organism_arms.py."""
    seed: int = 0
    """Of their runs."""
    runs: Path = Path("runs/organism_studies")
    """The folders of organism_arms.py."""
    results: Path = Path("analyses/results")
    """Where the committed numbers go."""


def tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """How far known prompts lie from others in the plane of every layer: mean silhouettes."""
    heads = ("model", "layer", *(f"known against {name}" for name in AGAINST_KNOWN))
    lines = [
        (arm_name(row["arm"]), row["layer"], *(f"{value:.2f}" for value in row["separation"].values())) for row in rows
    ]
    return [Table.of(heads, lines, "Mean silhouette in the plane of the unverifiable set's components.")]


def main(options: Options) -> None:
    """A plane for every layer."""
    folder = every_run(options.runs / options.target)
    facts = organism_facts(options.target)
    sets = {name: getattr(facts, name) for name in SETS}
    models = {"base": open_model("organism")}
    for arm in options.arms:
        (run,) = [run for run in folder.of_arm(arm) if run.seed == options.seed]
        models[arm] = open_model(str(run.path / "model"))
    found = {name: capture_sets(lm, sets, -1) for name, lm in models.items()}

    def at(name: str, layer: int) -> dict[str, Any]:
        return {probe: values[:, layer] for probe, values in found[name].items()}

    rows: list[dict[str, Any]] = []
    for layer in range(models["base"].sites.layers):
        plane = principal_plane(at("base", layer), {arm: at(arm, layer) for arm in options.arms})
        for name in models:
            apart = {other: plane.separation(name, "known", other) for other in AGAINST_KNOWN}
            rows.append({"arm": name, "seed": options.seed, "layer": layer, "separation": apart})
        rows[-len(models)]["plane"] = plane.thinned(60).to_json()
    for table in tables(rows):
        table.print()
    config = {"target": options.target, "arms": list(options.arms), "position": -1}
    summary = {
        "rows": rows,
        "config": config,
        "environment": environment(),
        "command": command(sys.argv),
    }
    write_json(options.results / "organism_pca.json", summary)


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "organism_pca.py"))
