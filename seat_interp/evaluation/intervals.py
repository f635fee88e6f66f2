"""Means with their intervals, over prompts and over seeds; each says what it is of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy.stats import binomtest, bootstrap, t

from seat_interp.core.errors import SeatError

IntervalKind = Literal["wilson", "bootstrap", "min-max", "t", "both", "none"]
"""Wilson and bootstrap: 95 % over prompts, one seed; the bootstrap draws whole groups (subjects, contracts).
Min-max: two seeds; t: 95 % over seeds, at least three. Both: one of these two, but never narrower than the mean
interval over prompts, which seeds that agree do not make certain. None: a single value without an interval."""

KIND_WORDS: dict[IntervalKind, str] = {
    "wilson": "95 % Wilson interval over prompts, taken as independent",
    "bootstrap": "95 % bootstrap interval over prompts, drawn by subject",
    "min-max": "the two seeds",
    "t": "95 % t-interval over seeds",
    "both": "95 %, over seeds or over prompts, from the lowest to the highest end of both intervals",
    "none": "no interval",
}


@dataclass(frozen=True)
class Estimate:
    """Mean with its interval.

    Attributes:
        mean: Mean over seeds.
        low: Lower end of the interval.
        high: Upper end of the interval.
        kind: Kind of the interval: "t", "wilson", "bootstrap" or another of `IntervalKind`.
    """

    mean: float
    low: float
    high: float
    kind: IntervalKind

    def overlaps(self, other: "Estimate") -> bool:
        """Return whether the two intervals share a point.

        Args:
            other: Another mean with its interval.

        Returns:
            True if they do.
        """
        return self.low <= other.high and other.low <= self.high


def interval(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Compute the Wilson score interval of a binomial share.

    Args:
        successes: Number of successes.
        n: Number of trials, at least 1.
        level: Coverage, above 0 and below 1.

    Returns:
        Lower and upper end.

    Raises:
        SeatError: n is not positive, successes are not in 0..n, or level is not in (0, 1).
    """
    if not (0 <= successes <= n and n > 0 and 0 < level < 1):
        raise SeatError(
            f"No interval for {successes} of {n} at level {level}: "
            "give 0 <= successes <= n, n of at least 1 and a level between 0 and 1."
        )
    bounds = binomtest(successes, n).proportion_ci(confidence_level=level, method="wilson")
    return float(bounds.low), float(bounds.high)


def interval_of_share(share: float, n: int) -> tuple[float, float]:
    """Compute the 95 % Wilson score interval of a share, as `rates` gives it.

    Args:
        share: Share from 0 to 1.
        n: Number of trials, at least 1.

    Returns:
        Lower and upper end.

    Raises:
        SeatError: n is not positive, or the share is not in 0 to 1.
    """
    return interval(round(share * n), n)


def estimate(
    values: Sequence[float],
    over_prompts: Sequence[Sequence[float]] = (),
    *,
    prompts_kind: IntervalKind = "wilson",
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Estimate:
    """Estimate the mean of one value a seed, with the interval that this number of seeds allows.

    Args:
        values: One value for each seed.
        over_prompts: Interval over prompts of each seed, if there are any.
        prompts_kind: Kind of those intervals.
        bounds: Ends to which the t-interval is cut; 0 and 1 for a rate.

    Returns:
        Mean with its interval.
    """
    mean = float(np.mean(values))
    least, most = map(float, np.mean(over_prompts, axis=0)) if len(over_prompts) else (mean, mean)
    if len(values) == 1:
        return Estimate(mean, least, most, prompts_kind if len(over_prompts) else "none")
    if len(values) == 2:
        low, high = float(min(values)), float(max(values))
    else:
        half = float(t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
        low, high = max(mean - half, bounds[0]), min(mean + half, bounds[1])
    kind: IntervalKind = "both" if len(over_prompts) else "min-max" if len(values) == 2 else "t"
    return Estimate(mean, min(low, least), max(high, most), kind)


def mean_of_sets(shares: Sequence[float], intervals: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Compute the interval of the mean of independent shares from their own intervals, each set with equal weight.

    The method of variance estimates recovery (Zou and Donner, Statistics in Medicine 27, 2008): distances from the
    shares to the ends of their intervals add as squares do.

    Args:
        shares: One share for each set.
        intervals: Wilson interval of each share.

    Returns:
        Lower and upper end.
    """
    mean, (low, high) = np.mean(shares), np.transpose(intervals)
    down, up = (np.sqrt(np.sum((np.asarray(shares) - end) ** 2)) / len(shares) for end in (low, high))
    return float(mean - down), float(mean + up)


def interval_of_groups(
    belongs: np.ndarray, resamples: int, seed: int, values: Float[np.ndarray, "prompts columns"]
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the 95 % bootstrap interval of each column's mean, drawing all prompts of a group together.

    Args:
        belongs: Number of each prompt's group, [prompts].
        resamples: Number of resamples.
        seed: Seed of the draws.
        values: Values, [prompts, columns].

    Returns:
        Lower and upper ends, [columns]; the mean itself for a single prompt or values that are all alike.
    """
    if len(values) < 2 or not values.std(0).any():
        return values.mean(0), values.mean(0)
    if not belongs.any():  # a single group cannot be drawn again: its prompts are
        belongs = np.arange(len(values))
    counts = np.bincount(belongs)
    sums = np.zeros((len(counts), values.shape[1]))
    np.add.at(sums, belongs, values)
    result = bootstrap(
        (sums, np.broadcast_to(counts[:, None], sums.shape)),
        lambda total, count, axis: total.sum(axis) / count.sum(axis),
        axis=0,
        paired=True,
        n_resamples=resamples,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return result.confidence_interval.low, result.confidence_interval.high
