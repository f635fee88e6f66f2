"""Rates and strengths of every arm on the organism: five trials each, one rule, one validation seed.

    python -m analyses.organism.tuning            (resumable in --work; before the other studies of the organism)

By the rule of common/tuning_rule.py, which looks at no probe of a study: every rate is tried with the middle strength,
then the best rate with the other strengths. Writes analyses/results/organism_tuning.json, where other studies find it.
"""

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import torch
import tyro

from analyses.common.organism_arms import GRIDS, TUNED, Target, halves, material, study_settings, trial_settings
from analyses.common.small_runs import CellOptions
from analyses.common.tuning_grid import Trial, tune
from analyses.common.tuning_rule import LEAST_RECALL, SEED, validated
from analyses.plots.organism_tables import tuning_tables
from seat_interp.core.errors import reported
from seat_interp.models.open import open_model
from seat_interp.studies.arms import ArmName, make_arm


@dataclass(frozen=True)
class Options(CellOptions):
    """What to try, and where things are."""

    arms: tuple[ArmName, ...] = get_args(ArmName)
    """Ways of fine-tuning."""
    work: Path = Path("runs/organism_tuning")
    """What is kept between calls."""


def run(trial: Trial) -> dict[str, Any]:
    """Train as the trial says, and validate."""
    torch.set_num_threads(1)
    settings = GRIDS[trial.arm].settings(trial_settings(trial.target), trial.rate, trial.strength)
    return validated(make_arm(trial.arm, settings, SEED), *material(trial.target), halves(trial.target))


def main(options: Options) -> None:
    """Every trial that is not there yet, then the choice, of these arms and of all that were tuned before."""
    settings = {
        "settings": asdict(study_settings([])),
        "seed": SEED,
        "learnt": LEAST_RECALL,
        "model": open_model("organism").fingerprint,
    }
    saved = options.results / TUNED.name
    rows = tune(
        options.arms,
        GRIDS,
        get_args(Target),
        run,
        settings=settings,
        work=options.work,
        saved=saved,
        workers=options.workers,
    )
    for table in tuning_tables(rows):
        table.print()


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "organism_tuning.py"))
