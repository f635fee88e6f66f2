"""Does displacement along the ignorance direction tell which fine-tunings lose abstention, better than its nulls do?

Runs of many arms and seeds differ in how much abstention they lose. A direction is worth its name if the displacement
along it orders the runs by that loss, and orders them better than displacement along other directions.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.stats import rankdata
from torch import Tensor

from seat_interp.core.errors import SeatError

FEWEST = 5
"""Runs; of fewer a rank correlation says nothing."""


@dataclass(frozen=True)
class Prediction:
    """How displacement orders runs by the abstention that they lost.

    Attributes:
        correlation: Spearman's, of displacement along the direction with the loss; negative where those that moved
            towards known prompts lost more.
        interval: 95 %, by a bootstrap over groups of runs.
        size: the same correlation for the length of the shift, whatever its direction.
        lead: 95 % interval of how much stronger the direction's is than that of the length, by the same draws.
        nulls: for each kind of null, the correlation for every null direction.
        runs: how many.
    """

    correlation: float
    interval: tuple[float, float]
    size: float
    lead: tuple[float, float]
    nulls: dict[str, Float[np.ndarray, " draws"]]
    runs: int

    def beats(self, kind: str) -> float:
        """Share of a kind of null directions that order the runs less well, whichever way round."""
        return float((np.abs(self.nulls[kind]) < abs(self.correlation)).mean())

    def to_json(self) -> dict[str, Any]:
        """Everything, the nulls as the 2.5, 50 and 97.5 % points of their absolute correlations."""
        return {
            "correlation": self.correlation,
            "interval": list(self.interval),
            "size": self.size,
            "lead": list(self.lead),
            "nulls": {
                kind: np.quantile(np.abs(found), [0.025, 0.5, 0.975]).tolist() for kind, found in self.nulls.items()
            },
            "beats": {kind: self.beats(kind) for kind in self.nulls},
            "runs": self.runs,
        }


def predict_loss(
    shifts: Float[Tensor, "runs width"],
    loss: Sequence[float],
    direction: Float[Tensor, " width"],
    nulls: Mapping[str, Float[Tensor, "_ width"]],
    *,
    groups: Sequence[str],
    resamples: int = 2000,
    seed: int = 0,
) -> Prediction:
    """Correlate displacement with lost abstention over runs.

    Args:
        shifts: mean tuned less base activation of a probe set, at one layer and position, a row for each run.
        loss: the base's abstention less the run's, on the same set.
        direction: the ignorance direction there.
        nulls: by kind, other directions, a row each.
        groups: arm of each run: seeds of one arm are alike, so that arms are what is drawn again.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        SeatError: too few runs, or all of them lost the same.
    """
    if len(loss) < FEWEST:
        raise SeatError(f"{len(loss)} runs say nothing about what orders them; give at least {FEWEST}.")
    lost = np.asarray(loss, dtype=float)
    if np.ptp(lost) == 0:
        raise SeatError("All runs lost the same share of abstention, so that nothing can order them.")
    moved = shifts.double()

    def along(directions: Float[Tensor, "_ width"]) -> Float[np.ndarray, "_ runs"]:
        return (directions.double() @ moved.T).numpy()

    ours, size = along(direction[None])[0], torch.linalg.vector_norm(moved, dim=-1).numpy()
    correlation, low, high = rank_correlation(ours, lost, groups, resamples=resamples, seed=seed)
    leads = [
        abs(_spearman(ours[chosen], lost[chosen])) - abs(_spearman(size[chosen], lost[chosen]))
        for chosen in _draws(ours, lost, groups, resamples, seed)
    ]
    return Prediction(
        correlation=correlation,
        interval=(low, high),
        size=_spearman(size, lost),
        lead=_middle(leads),
        nulls={kind: np.array([_spearman(each, lost) for each in along(found)]) for kind, found in nulls.items()},
        runs=len(lost),
    )


def rank_correlation(
    x: Float[np.ndarray, " runs"],
    y: Float[np.ndarray, " runs"],
    groups: Sequence[Hashable],
    *,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Spearman's correlation over runs, and its 95 % interval by a bootstrap over groups.

    Args:
        x: what is to tell.
        y: what is told.
        groups: of each run: runs of one group are alike, so that groups are what is drawn again.
        resamples: of the bootstrap; those in which x or y is the same everywhere are left out.
        seed: of the bootstrap.

    Returns:
        Correlation, low and high end; the ends are -1 and 1 where no resample is left.
    """
    drawn = [_spearman(x[chosen], y[chosen]) for chosen in _draws(x, y, groups, resamples, seed)]
    return _spearman(x, y), *_middle(drawn)


def _draws(
    x: Float[np.ndarray, " runs"], y: Float[np.ndarray, " runs"], groups: Sequence[Hashable], resamples: int, seed: int
) -> Iterator[Int[np.ndarray, " drawn"]]:
    """Runs of groups drawn with replacement, where both differ between them."""
    members = [np.array([n for n, each in enumerate(groups) if each == group]) for group in dict.fromkeys(groups)]
    rng = np.random.default_rng(seed)
    for _ in range(resamples):
        chosen = np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])
        if np.ptp(x[chosen]) > 0 and np.ptp(y[chosen]) > 0:
            yield chosen


def _middle(values: Sequence[float]) -> tuple[float, float]:
    """The 2.5 and 97.5 % points of correlations."""
    low, high = np.quantile(values, [0.025, 0.975]) if values else (-1.0, 1.0)
    return float(low), float(high)


def _spearman(x: Float[np.ndarray, " runs"], y: Float[np.ndarray, " runs"]) -> float:
    return float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])
