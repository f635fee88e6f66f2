"""Every arm on the organism, people and contracts, five seeds: the four rates, and displacement beside its nulls.

    python analyses/organism_arms.py            (resumable in --work; half an hour a target set)

Writes analyses/results/organism_arms_people.json and ..._contracts.json; `make figures` draws from them.
"""

import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import tyro
from parallel import in_parallel

from seat_interp.arms import ArmName
from seat_interp.errors import reported
from seat_interp.files import write_json
from seat_interp.models.open import open_model
from seat_interp.organism import organism_facts
from seat_interp.organism.settings import ORGANISM
from seat_interp.results.folder import RunFolder
from seat_interp.results.tables import print_summary
from seat_interp.study import run_study
from seat_interp.training.objectives import OwnAnswersKL

Target = Literal["people", "contracts"]


@dataclass(frozen=True)
class Options:
    """What to run and where."""

    targets: tuple[Target, ...] = ("people", "contracts")
    """What is taught."""
    arms: tuple[ArmName, ...] = get_args(ArmName)
    """Ways of fine-tuning."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """One run of each arm for each."""
    workers: int = 2
    """Processes of one thread each."""
    work: Path = Path("runs/organism_arms")
    """What is kept between calls."""
    results: Path = Path("analyses/results")
    """Where the committed numbers go."""


def study(target: Target, out: Path, arms: tuple[ArmName, ...], seeds: tuple[int, ...]) -> dict[str, Any]:
    """Some arms and seeds, in the folder of all."""
    sets = organism_facts(target)
    # It never learnt to ask: what it keeps are its own replies about people or firms that no probe is about.
    keep = OwnAnswersKL(questions=tuple(fact.question for fact in sets.fit_known))
    config = replace(ORGANISM, arms=arms, seeds=seeds, settings=replace(ORGANISM.settings, keep=keep))
    about = {"facts": f"organism, {target}"}
    return run_study(open_model("organism"), sets, config, out, about=about, say=lambda text: None)


def main(options: Options) -> None:
    """Run the studies and keep their numbers."""
    for target in options.targets:
        out = options.work / target
        summary = in_parallel(partial(study, target, out), options.arms, options.seeds, workers=options.workers)
        print_summary(summary)
        folder = RunFolder.open(out)
        summary["command"] = "python analyses/organism_arms.py"
        summary["layers"] = {arm: folder.of_arm(arm)[0].displacement for arm in folder.arms}
        write_json(options.results / f"organism_arms_{target}.json", summary)


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "organism_arms.py"))
