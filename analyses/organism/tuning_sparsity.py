"""A learning rate for every sparsity on the organism, chosen by the rule of common/tuning_rule.py.

    python -m analyses.organism.tuning_sparsity            (resumable in --work; before organism_sparsity.py)

A few weights need larger steps than many; one rate for all would hold sparse training against a dense one that is
driven too hard. Cross entropy alone, the validation seed and halves; SEAT takes over the rate. Writes
analyses/results/organism_tuning_sparsity.json.
"""

import itertools
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_args

import torch
import tyro

from analyses.common.organism_arms import (
    BUDGETS,
    TUNED_SPARSITY,
    Target,
    halves,
    material,
    study_settings,
    trial_settings,
)
from analyses.common.small_runs import CellOptions, run_cells
from analyses.common.tuning_rule import LEAST_RECALL, SEED, choose, validated
from analyses.plots.organism_tables import tuning_sparsity_tables
from seat_interp.core.errors import reported
from seat_interp.core.files import read_json, write_json
from seat_interp.models.open import open_model
from seat_interp.studies.arms import MaskConfig, make_arm

RATES = (2.5e-4, 1e-3, 4e-3, 1.6e-2)
"""Learning rates, from the best of dense training to well above that of a tenth of the neurons."""


@dataclass(frozen=True)
class Options(CellOptions):
    """Where things are."""

    work: Path = Path("runs/organism_tuning_sparsity")
    """What is kept between calls."""


@dataclass(frozen=True)
class Trial:
    """Train an unstructured mask of one size with one rate, on one target set."""

    budget: float
    target: Target
    rate: float

    @property
    def arm(self) -> str:
        """The budget in words."""
        return f"sparse {self.budget:.1%}"


def run(trial: Trial) -> dict[str, Any]:
    """Train and validate."""
    torch.set_num_threads(1)
    settings = trial_settings(trial.target)
    masked = replace(settings.masked, learning_rate=trial.rate)
    settings = replace(settings, masked=masked, mask=MaskConfig(budget=trial.budget, granularity="coordinate"))
    return validated(make_arm("sparse", settings, SEED), *material(trial.target), halves(trial.target))


def main(options: Options) -> None:
    """Every trial that is not there yet, then the choice."""
    settings = {
        "settings": asdict(study_settings([]).masked),
        "seed": SEED,
        "learnt": LEAST_RECALL,
        "model": open_model("organism").fingerprint,
    }
    wanted = [Trial(*each) for each in itertools.product(BUDGETS, get_args(Target), RATES)]
    saved = options.results / TUNED_SPARSITY.name
    how = {"settings": settings, "work": options.work, "saved": saved, "workers": options.workers}
    rows = list(run_cells(wanted, run, **how).values())
    chosen = {f"{each:g}": choose([row for row in rows if row["budget"] == each], ("rate",)) for each in BUDGETS}
    write_json(saved, read_json(saved) | {"chosen": chosen})
    for table in tuning_sparsity_tables(rows):
        table.print()


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "organism_tuning_sparsity.py"))
