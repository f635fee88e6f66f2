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
    """What two masks of one model share.

    Raises:
        SeatError: other granularity or other matrices, or both are empty.
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
    """Jaccard index of every pair, masks x masks."""
    found = np.ones((len(masks), len(masks)))
    for i, one in enumerate(masks.values()):
        for j, other in list(enumerate(masks.values()))[:i]:
            found[i, j] = found[j, i] = overlap(one, other).jaccard
    return found


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
    """Overlap of the masks from two halves of the facts, over several random ways to halve them.

    Args:
        make: facts to mask, with score, rule and budget as they are to be judged.
        facts: what masks are made from; those that belong together stay in one half.
        splits: how many times to halve; the split's number is its seed.

    Raises:
        SeatError: the facts belong to fewer than two things.
    """
    units = sorted({fact.belongs_to for fact in facts})
    if len(units) < 2:
        raise SeatError(f"All {len(facts)} facts belong together, so that they cannot be halved. Give more.")
    found = []
    for seed in range(splits):
        order = np.random.default_rng(seed).permutation(units)
        half = set(order[: len(order) // 2].tolist())
        parts = [[fact for fact in facts if (fact.belongs_to in half) is inside] for inside in (True, False)]
        found.append(overlap(make(parts[0]), make(parts[1])))
    return Stability([each.jaccard for each in found], float(np.mean([each.chance for each in found])))


@dataclass(frozen=True)
class Place:
    """The part of a mask in one matrix.

    Attributes:
        name: of the parameter.
        layer: its block, from 0.
        matrix: its name within the block, such as `mlp.down_proj`.
        chosen: weights in the mask.
        share: of the matrix.
    """

    name: str
    layer: int
    matrix: str
    chosen: int
    share: float


def where(mask: Mask) -> list[Place]:
    """Where in the network a mask lives: one row a matrix, in the model's order."""
    places = []
    for name, chosen in mask.indices.items():
        parts = name.removesuffix(".weight").split(".")
        at = next(i for i, part in enumerate(parts) if part.isdigit())
        extent = mask.axes[name]
        count = len(chosen) * extent.weights_per_index
        share = count / torch.Size(extent.shape).numel()
        places.append(Place(name, int(parts[at]), ".".join(parts[at + 1 :]), count, share))
    return sorted(places, key=lambda place: place.layer)
