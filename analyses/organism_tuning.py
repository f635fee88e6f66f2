"""Rates and strengths of every arm on the organism: five trials each, one rule, one validation seed.

    python analyses/organism_tuning.py            (resumable in --work; before the other studies of the organism)

By the rule of common/tuning_rule.py, which looks at no probe of a study: every rate is tried with the middle strength,
then the best rate with the other strengths. Writes analyses/results/organism_tuning.json, where other studies find it.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import torch
import tyro

from common.organism import TUNED, Target, material, study_settings
from common.small_runs import CellOptions, run_cells
from common.tuning_grid import GRIDS
from common.tuning_rule import LEARNT, SEED, choose, halves, trial_settings, trials_table, validated
from seat_interp.arms import ArmName, make_arm
from seat_interp.errors import reported
from seat_interp.files import read_json, write_json
from seat_interp.models.open import open_model
from seat_interp.results.style import arm_name
from seat_interp.results.table import Table


@dataclass(frozen=True)
class Options(CellOptions):
    """What to try, and where things are."""

    arms: tuple[ArmName, ...] = get_args(ArmName)
    """Ways of fine-tuning."""
    work: Path = Path("runs/organism_tuning")
    """What is kept between calls."""


@dataclass(frozen=True)
class Trial:
    """One arm with one rate and one strength, on one target set."""

    arm: ArmName
    target: Target
    rate: float
    strength: float


def run(trial: Trial) -> dict[str, Any]:
    """Train as the trial says, and validate."""
    torch.set_num_threads(1)
    settings = GRIDS[trial.arm].settings(trial_settings(trial.target), trial.rate, trial.strength)
    return validated(make_arm(trial.arm, settings, SEED), *material(trial.target), halves(trial.target))


def in_grid(row: dict[str, Any]) -> bool:
    """Whether a trial is of the grid as it is now: one of an earlier grid would be one more than the others have."""
    grid = GRIDS[row["arm"]]
    return row["rate"] in grid.rates and row["strength"] in grid.strengths


def tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """Every trial of the grid as it is now."""
    return [trials_table([row for row in rows if in_grid(row)], "arm", arm_name)]


def main(options: Options) -> None:
    """Every trial that is not there yet, then the choice, of these arms and of all that were tuned before."""
    settings = {
        "settings": asdict(study_settings([])),
        "seed": SEED,
        "learnt": LEARNT,
        "model": open_model("organism").fingerprint,
    }
    saved = options.results / TUNED.name
    how = {"settings": settings, "work": options.work, "saved": saved, "workers": options.workers}

    def best(of: Callable[[ArmName], Sequence[tuple[float, float]]]) -> dict[ArmName, dict[str, Any]]:
        """Every arm's choice once these rates and strengths have been tried."""
        wanted = [Trial(arm, target, *pair) for arm in options.arms for pair in of(arm) for target in get_args(Target)]
        rows = [row for row in run_cells(wanted, run, **how).values() if in_grid(row)]
        tried = dict.fromkeys(row["arm"] for row in rows)
        return {arm: choose([row for row in rows if row["arm"] == arm]) for arm in tried}

    first = best(lambda arm: [(rate, GRIDS[arm].strengths[1]) for rate in GRIDS[arm].rates])
    found = best(lambda arm: [(first[arm]["rate"], strength) for strength in GRIDS[arm].strengths])
    write_json(saved, read_json(saved) | {"chosen": found})  # not before both stages are through
    rows = read_json(saved)["rows"]
    for table in tables(rows):
        table.print()


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "organism_tuning.py"))
