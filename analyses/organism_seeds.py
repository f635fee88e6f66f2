"""The main job on the organism with several seeds and all arms, so that the demo's one seed can be judged.

    python analyses/organism_seeds.py            (resumable in --work)

Writes analyses/results/organism_seeds.json; `make figures` draws from it.
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import tyro

from seat_interp.arms import ArmName
from seat_interp.errors import reported
from seat_interp.files import write_json
from seat_interp.models.open import open_model
from seat_interp.organism import organism_facts
from seat_interp.organism.settings import ORGANISM
from seat_interp.results.folder import RunFolder
from seat_interp.results.tables import print_summary
from seat_interp.study import run_study


@dataclass(frozen=True)
class Options:
    """What to run and where."""

    target: str = "people"
    """What to teach: people or contracts."""
    arms: tuple[ArmName, ...] = ("full", "full_ep_kl", "sparse", "seat")
    """Ways of fine-tuning."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """One run of each arm for each."""
    work: Path = Path("runs/organism_seeds")
    """What is kept between calls."""
    results: Path = Path("analyses/results")
    """Where the committed numbers go."""


def main(options: Options) -> None:
    """Run the study and keep its numbers."""
    config = replace(ORGANISM, arms=options.arms, seeds=options.seeds)
    about = {"facts": f"organism, {options.target}"}
    summary = run_study(open_model("organism"), organism_facts(options.target), config, options.work, about=about)
    print_summary(summary)
    folder = RunFolder.open(options.work)
    summary["command"] = "python analyses/organism_seeds.py"
    summary["layers"] = {arm: folder.of_arm(arm)[0].displacement for arm in folder.arms}
    write_json(options.results / "organism_seeds.json", summary)


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "organism_seeds.py"))
