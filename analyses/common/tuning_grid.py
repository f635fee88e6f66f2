"""What is tuned for each arm: the learning rate, and how strong its other part is; five trials for every arm alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from analyses.common.small_runs import Row, run_cells
from analyses.common.tuning_rule import choose
from seat_interp.core.errors import SeatError
from seat_interp.core.files import read_json, write_json
from seat_interp.studies.arms import ArmConfig, ArmName

Training = Literal["dense", "masked", "regularised", "low_rank"]
TRAININGS: tuple[Training, ...] = get_args(Training)
"""The settings that arms train by."""


@dataclass(frozen=True)
class Grid:
    """The trials of an arm: every rate with the middle strength, then the best rate with every strength.

    Attributes:
        training: the settings that the arm trains by.
        rates: learning rates.
        strengths: of `apply`.
        apply: (settings, strength) -> settings with it.
    """

    training: Training
    rates: tuple[float, float, float]
    strengths: tuple[float, float, float]
    apply: Callable[[ArmConfig, float], ArmConfig]

    def settings(self, base: ArmConfig, rate: float, strength: float) -> ArmConfig:
        """Those of one trial."""
        found = self.apply(base, strength)
        return replace(found, **{self.training: replace(getattr(found, self.training), learning_rate=rate)})  # type: ignore[arg-type]


def longer(training: Training) -> Callable[[ArmConfig, float], ArmConfig]:
    """The strength is how long it trains, as a multiple: for arms that have nothing beside the cross entropy."""

    def apply(settings: ArmConfig, times: float) -> ArmConfig:
        config = getattr(settings, training)
        return replace(settings, **{training: replace(config, steps=round(times * config.steps))})  # type: ignore[arg-type]

    return apply


def heavier(term: Literal["kl", "kl_on_facts", "keep", "ewc", "l2sp"]) -> Callable[[ArmConfig, float], ArmConfig]:
    """The strength is the weight of a term."""
    return lambda settings, weight: replace(settings, **{term: replace(getattr(settings, term), weight=weight)})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Trial:
    """One arm with one rate and one strength, on one target set."""

    arm: ArmName
    target: str
    rate: float
    strength: float


def in_grid(grids: Mapping[ArmName, Grid], row: Row) -> bool:
    """Whether a trial is of the grid as it is now: one of an earlier grid would be one more than the others have."""
    grid = grids[row["arm"]]
    return row["rate"] in grid.rates and row["strength"] in grid.strengths


def tune(
    arms: Sequence[ArmName],
    grids: Mapping[ArmName, Grid],
    targets: Sequence[str],
    run: Callable[[Trial], Row],
    *,
    settings: dict[str, Any],
    work: Path,
    saved: Path,
    workers: int,
) -> list[Row]:
    """Every trial that is not there yet, then the choice, of these arms and of all that were tuned before.

    Args:
        arms: to be tuned.
        grids: what is tried for each.
        targets: the target sets of every trial.
        run, settings, work, saved, workers: as `run_cells` takes them.

    Returns:
        The trials of the grid.
    """

    def best(of: Callable[[ArmName], Sequence[tuple[float, float]]]) -> tuple[list[Row], dict[ArmName, dict[str, Any]]]:
        """The trials so far, and every arm's choice, once these rates and strengths have been tried."""
        wanted = [Trial(arm, target, *pair) for arm in arms for pair in of(arm) for target in targets]
        found = run_cells(wanted, run, settings=settings, work=work, saved=saved, workers=workers)
        rows = [row for row in found.values() if in_grid(grids, row)]
        tried = dict.fromkeys(row["arm"] for row in rows)
        return rows, {arm: choose([row for row in rows if row["arm"] == arm]) for arm in tried}

    _, first = best(lambda arm: [(rate, grids[arm].strengths[1]) for rate in grids[arm].rates])
    rows, found = best(lambda arm: [(first[arm]["rate"], strength) for strength in grids[arm].strengths])
    write_json(saved, read_json(saved) | {"chosen": found})  # not before both stages are through
    return rows


@cache
def chosen(path: Path) -> dict[str, dict[str, float]]:
    """What a script that tunes chose, by arm or budget.

    Raises:
        SeatError: it has not been run.
    """
    found = read_json(path).get("chosen") if path.exists() else None
    if not found:
        raise SeatError(f"{path} is not there or not finished. Make it with `python analyses/{path.stem}.py`.")
    return found
