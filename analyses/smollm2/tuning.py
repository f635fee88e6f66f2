"""Rates and strengths of every arm on SmolLM2-135M-Instruct: five trials each, one rule, one validation seed.

    python -m analyses.smollm2.tuning --data DATA            (resumable in --work; before real_arms.py)

As organism_tuning.py, by the rule of common/tuning_rule.py: every rate is tried with the middle strength, then the best
rate with the other strengths. Taught are contracts of PISTOL, for TOFU too; what validates is in no probe.
Writes analyses/results/smollm2_tuning.json, where real_arms.py finds it.
"""

import sys
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, get_args

import torch
import tyro

from analyses.common.aligned_smollm2 import about
from analyses.common.small_runs import CellOptions
from analyses.common.smollm2_arms import GRIDS, MOST_TOKENS, SETTINGS, TUNED, Folders, aligned
from analyses.common.tuning_grid import Trial, tune
from analyses.common.tuning_rule import LEAST_RECALL, SEED, validated
from analyses.plots.smollm2_tables import tuning_tables
from seat_interp.core.errors import reported
from seat_interp.studies.arms import ArmName, make_arm


@dataclass(frozen=True)
class Options(CellOptions):
    """What to try, and where things are."""

    data: Path = Path("data")
    """Folder with lunar/, tofu/, countries/, relations/; analyses/README.md says where they come from."""
    real: Path = Path("runs/real")
    """The work folder of smollm2_headline.py, whose aligned model is taken up or made."""
    arms: tuple[ArmName, ...] = get_args(ArmName)
    """Ways of fine-tuning."""
    work: Path = Path("runs/smollm2_tuning")
    """What is kept between calls."""
    workers: int = 1
    """Processes; a GPU with room for several models takes a dozen."""
    threads: int = 2
    """Of each process."""


def run(folders: Folders, threads: int, trial: Trial) -> dict[str, Any]:
    """Train as the trial says, and validate."""
    torch.set_num_threads(threads)
    base = aligned(folders)
    names = {name for fact in base.validation.known for name in about(fact)}
    sets = replace(
        base.sets, unknown=[*base.sets.unknown, *base.validation.unknown], reserved=base.sets.reserved | names
    )
    settings = GRIDS[trial.arm].settings(SETTINGS, trial.rate, trial.strength)
    settings = settings.with_questions(sets.fit_known, sets.fit_unknown)
    return validated(make_arm(trial.arm, settings, SEED), base.lm, sets, base.validation, max_new_tokens=MOST_TOKENS)


def main(options: Options) -> None:
    """Every trial that is not there yet, then the choice, of these arms and of all that were tuned before."""
    folders = Folders(options.data, options.real)
    base = aligned(folders)  # made before the processes look for it
    settings = {"settings": asdict(SETTINGS), "seed": SEED, "learnt": LEAST_RECALL, "model": base.lm.fingerprint}
    rows = tune(
        options.arms,
        GRIDS,
        ("pistol",),
        partial(run, folders, options.threads),
        settings=settings,
        work=options.work,
        saved=options.results / TUNED.name,
        workers=options.workers,
    )
    for table in tuning_tables(rows):
        table.print()


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "smollm2_tuning.py"))
