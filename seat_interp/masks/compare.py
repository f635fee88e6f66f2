"""Masks held against each other: how much they share, how stable a way of making them is, where they live."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from seat_interp.core.errors import SeatError
from seat_interp.facts import Fact
from seat_interp.masks.mask import Mask


@dataclass(frozen=True)
class Overlap:
    """What two masks share, in weights.

    Attributes:
        shared, first, second: weights in both, only in the first, only in the second.
        jaccard: shared over all that either holds.
        chance: the Jaccard index that two random masks of these sizes have on average, to first order.
    """

    shared: int
    first: int
    second: int
    jaccard: float
    chance: float


def overlap(one: Mask, other: Mask) -> Overlap:
    """Compute what two masks of one model share.

    Args:
        one: Mask.
        other: Mask of the same granularity and matrices.

    Returns:
        Jaccard index, with that of random masks.

    Raises:
        SeatError: The masks are of different granularity or matrices, or both are empty.
    """
    shared, first, second = len(one & other), len(one - other), len(other - one)
    if not shared + first + second:
        raise SeatError("Both masks are empty, so there is nothing to compare.")
    expected = len(one) * other.budget
    return Overlap(
        shared=shared,
        first=first,
        second=second,
        jaccard=shared / (shared + first + second),
        chance=expected / (len(one) + len(other) - expected),
    )


def jaccard_matrix(masks: Mapping[str, Mask]) -> np.ndarray:
    """Compute the Jaccard index of every pair of masks.

    Args:
        masks: Masks by name.

    Returns:
        Matrix, [masks, masks].
    """
    matrix = np.ones((len(masks), len(masks)))
    for i, one in enumerate(masks.values()):
        for j, other in list(enumerate(masks.values()))[:i]:
            matrix[i, j] = matrix[j, i] = overlap(one, other).jaccard
    return matrix


@dataclass(frozen=True)
class Stability:
    """How much of a mask stays when the data change.

    Attributes:
        jaccard: one index for each pair of masks from disjoint halves of the facts.
        chance: the mean index that random masks of the same sizes have.
    """

    jaccard: list[float]
    chance: float


def stability(make: Callable[[Sequence[Fact]], Mask], facts: Sequence[Fact], *, splits: int = 5) -> Stability:
    """Measure the overlap of the masks from two halves of the facts, over several random halvings.

    Args:
        make: Function from facts to a mask, with score, rule and budget as they are to be judged.
        facts: Facts that masks are made from; those that belong together stay in one half.
        splits: Number of halvings; the split's number is its seed.

    Returns:
        Jaccard index of each split, with that of random masks.

    Raises:
        SeatError: The facts belong to fewer than two groups.
    """
    units = sorted({fact.belongs_to for fact in facts})
    if len(units) < 2:
        raise SeatError(f"All {len(facts)} facts belong together, so that they cannot be halved. Give more.")
    overlaps = []
    for seed in range(splits):
        order = np.random.default_rng(seed).permutation(units)
        half = set(order[: len(order) // 2].tolist())
        parts = [[fact for fact in facts if (fact.belongs_to in half) is inside] for inside in (True, False)]
        overlaps.append(overlap(make(parts[0]), make(parts[1])))
    return Stability([shared.jaccard for shared in overlaps], float(np.mean([shared.chance for shared in overlaps])))


@dataclass(frozen=True)
class Place:
    """Part of a mask in one matrix.

    Attributes:
        name: Name of the parameter.
        layer: Block, from 0.
        matrix: Name within the block, such as `mlp.down_proj`.
        chosen: Number of weights in the mask.
        share: Share of the matrix, 0 to 1.
    """

    name: str
    layer: int
    matrix: str
    chosen: int
    share: float


def where(mask: Mask) -> list[Place]:
    """Count a mask's weights in each matrix of the network.

    Args:
        mask: Mask.

    Returns:
        One row for each matrix, in the model's order.
    """
    places = []
    for name, chosen in mask.indices.items():
        parts = name.removesuffix(".weight").split(".")
        at = next(i for i, part in enumerate(parts) if part.isdigit())
        extent = mask.axes[name]
        count = len(chosen) * extent.weights_per_index
        share = count / torch.Size(extent.shape).numel()
        places.append(Place(name, int(parts[at]), ".".join(parts[at + 1 :]), count, share))
    return sorted(places, key=lambda place: place.layer)
