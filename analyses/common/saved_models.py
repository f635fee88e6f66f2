"""The tuned models that organism_arms.py left, for the scripts that look at them."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from analyses.common.arm_runs import every_run
from analyses.common.organism_arms import Target
from analyses.common.small_runs import CellOptions
from seat_interp.core.errors import SeatError
from seat_interp.studies.run_folder import Run, RunFolder


@dataclass(frozen=True)
class TunedOptions(CellOptions):
    """What every script that looks at them can be told."""

    targets: tuple[Target, ...] = ("people", "contracts")
    """What was taught."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Of the runs."""
    runs: Path = Path("runs/organism_studies")
    """The folders of organism_arms.py."""


@dataclass(frozen=True)
class Tuned:
    """One tuned model."""

    arm: str
    target: Target
    seed: int


@cache
def folder_of(path: Path) -> RunFolder:
    """Once in a process of one thread."""
    torch.set_num_threads(1)
    return every_run(path)


def run_of(folder: RunFolder, arm: str, seed: int) -> Run:
    """The run of an arm and a seed.

    Raises:
        SeatError: there is none.
    """
    found = [run for run in folder.runs if (run.arm, run.seed) == (arm, seed)]
    if not found:
        raise SeatError(f"There is no run of {arm} with seed {seed}. Make it with `python -m analyses.organism.arms`.")
    return found[0]
