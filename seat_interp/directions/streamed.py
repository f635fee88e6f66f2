"""Direction, nulls and principal components of prompt sets larger than memory: each prompt is seen once, none is kept.

What is kept is sums: a mean and a matrix of squares a layer, and a vector for each null. They give what `fit_direction`
and `null_directions` give to within rounding in float64.
"""

import functools
import itertools
import operator
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from einops import einsum
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from seat_interp.capture import AtToken, CaptureConfig, stream
from seat_interp.core.errors import SeatError
from seat_interp.core.files import text_hash
from seat_interp.directions.direction import IgnoranceDirection, _choose_layer, separability
from seat_interp.directions.nulls import Nulls
from seat_interp.facts import Fact
from seat_interp.facts.records import split_by_group
from seat_interp.models.open import LanguageModel

_Chunks = Iterable[Float[Tensor, "_ layers width"]]
"""Activations, some prompts at a time: from `stream`, or from `Shards`."""


@dataclass(frozen=True)
class Moments:
    """Count, mean and scatter of activations, float64; those of two sets add up to those of both.

    Attributes:
        count: Number of prompts.
        mean: Mean over the prompts, [layers, width].
        scatter: Sum of the outer products of the centred activations; over count - 1, the covariance.
    """

    count: int
    mean: Float[Tensor, "layers width"]
    scatter: Float[Tensor, "layers width width"]

    @classmethod
    def of(cls, values: Float[Tensor, "prompts layers width"]) -> "Moments":
        """Compute the moments of activations in memory.

        Args:
            values: Activations, [prompts, layers, width].

        Returns:
            Their moments.
        """
        values = values.double()
        mean = values.mean(0)
        rest = values - mean
        return cls(len(values), mean, einsum(rest, rest, "n layer a, n layer b -> layer a b"))

    def __add__(self, other: "Moments") -> "Moments":
        """Of both (Chan, Golub and LeVeque 1979)."""
        count, apart = self.count + other.count, other.mean - self.mean
        mean = self.mean + apart * (other.count / count)
        between = einsum(apart, apart, "layer a, layer b -> layer a b") * (self.count * other.count / count)
        return Moments(count, mean, self.scatter + other.scatter + between)

    def components(self, count: int) -> Float[Tensor, "components layers width"]:
        """Compute principal components, the largest variance first; their signs are arbitrary.

        Args:
            count: Number of components.

        Returns:
            Unit vectors, [components, layers, width].
        """
        vectors = torch.linalg.eigh(self.scatter).eigenvectors
        return vectors.flip(-1)[..., :count].permute(2, 0, 1)


def moments(chunks: _Chunks) -> Moments:
    """Compute the moments of all chunks.

    Args:
        chunks: Activations, chunk by chunk.

    Returns:
        Their moments.

    Raises:
        SeatError: There are no chunks.
    """
    _, rest = _peeked(chunks)
    return functools.reduce(operator.add, map(Moments.of, rest))


def fit_direction_streamed(
    lm: LanguageModel,
    *,
    unknown: Sequence[Fact],
    known: Sequence[Fact],
    position: int = -1,
    held_out: float = 0.4,
    deepest: float = 0.8,
    seed: int = 0,
    chunk: int = 512,
    **options: Any,
) -> IgnoranceDirection:
    """Fit as `fit_direction` does with the mean difference at one position, keeping at most a number a layer of each
    prompt.

    Args:
        lm: Base model.
        unknown: Facts that it does not know.
        known: Facts that it answers right.
        position: Token, counted from the end of the prompt.
        held_out: Share of the groups to choose on.
        deepest: Share of the depth above which no layer is chosen.
        seed: Seed of the split.
        chunk: Number of prompts at a time.
        options: Other arguments of `capture`.

    Returns:
        The direction.

    Raises:
        SeatError: As `fit_direction`.
    """
    (fit_u, test_u), (fit_k, test_k) = (split_by_group(facts, held_out, seed) for facts in (unknown, known))
    if min(map(len, (fit_u, test_u, fit_k, test_k))) < 2:
        raise SeatError("A set is too small to fit and choose a direction on: give at least 4 subjects of each kind.")

    def seen(facts: Sequence[Fact]) -> _Chunks:
        return stream(lm, [f.question for f in facts], chunk=chunk, reduce=AtToken(position), **options)

    mean_u, mean_k = (_mean(seen(facts)) for facts in (fit_u, fit_k))
    apart = mean_u - mean_k
    separation = apart.norm(dim=-1)
    if bool((separation <= 1e-6 * mean_u.norm(dim=-1)).any()):
        raise SeatError("Known and unknown prompts have equal activations, so no direction separates them.")
    vectors = apart / separation[:, None]
    on = [
        torch.cat([einsum(v.double(), vectors, "n layer width, layer width -> n layer") for v in seen(facts)]).numpy()
        for facts in (test_u, test_k)
    ]
    auroc, d_prime = separability(*on)
    asked = [fact.question for fact in (*fit_u, *fit_k, *test_u, *test_k)]
    return IgnoranceDirection(
        vectors=vectors,
        separation=separation,
        layer=_choose_layer(auroc, d_prime, deepest),
        position=position,
        auroc=tuple(auroc.tolist()),
        scan={position: tuple(auroc.tolist())},
        origin={
            **CaptureConfig.of(lm, reduce=AtToken(position), **options).origin(),
            "prompts": text_hash(asked),
            "method": "mean_difference",
            "fit_set": text_hash(asked),
        },
    )


def null_directions_streamed(
    unknown: _Chunks,
    known: _Chunks,
    counts: tuple[int, int],
    *,
    draws: int = 200,
    components: int = 10,
    seed: int = 0,
) -> Nulls:
    """Make null directions as `null_directions` does, in one pass over each set.

    Args:
        unknown: Base activations of unknown prompts, chunk by chunk.
        known: Base activations of known prompts, chunk by chunk.
        counts: Number of prompts of each; permutations of the labels need it.
        draws: Number of random directions, and of shuffled ones.
        components: Number of principal components.
        seed: Seed of the draws.

    Returns:
        Unit vectors of each kind.

    Raises:
        SeatError: A set has more or fewer prompts than `counts` says.
    """
    rng = np.random.default_rng(seed)
    first, rest = _peeked(unknown)
    random = torch.from_numpy(rng.standard_normal((draws, *first.shape[1:])))
    weights = _permuted(rng, draws, counts)
    shuffled, within = torch.zeros_like(random), []
    for chunks, of_class in zip((rest, known), weights.split(counts, dim=1)):
        sums, seen = None, 0
        for values in chunks:
            labels = of_class[:, seen : seen + len(values)]
            seen += len(values)
            if seen > of_class.shape[1]:
                raise SeatError(f"A set has more than the {of_class.shape[1]} prompts that were said. Count them anew.")
            shuffled += einsum(labels, values.double(), "draw n, n layer width -> draw layer width")
            sums = Moments.of(values) if sums is None else sums + Moments.of(values)
        if sums is None or seen < of_class.shape[1]:
            raise SeatError(f"A set has {seen} prompts where {of_class.shape[1]} were said. Count them anew.")
        # Each class without its mean: what the mean has put into every sum is taken out again.
        shuffled -= of_class.sum(1)[:, None, None] * sums.mean
        within.append(sums)
    pooled = Moments(sum(counts), torch.zeros_like(within[0].mean), within[0].scatter + within[1].scatter)
    pca = pooled.components(min(components, pooled.mean.shape[-1], sum(counts) - 1))
    return Nulls(*(normalize(vectors, dim=-1, eps=1e-300) for vectors in (random, shuffled, torch.cat([pca, -pca]))))


def _peeked(chunks: _Chunks) -> tuple[Tensor, _Chunks]:
    """The first chunk, and all of them.

    Raises:
        SeatError: there are none.
    """
    rest = iter(chunks)
    first = next(rest, None)
    if first is None:
        raise SeatError("There are no prompts: the set is empty.")
    return first, itertools.chain([first], rest)


def _permuted(rng: np.random.Generator, draws: int, counts: tuple[int, int]) -> Float[Tensor, "draws prompts"]:
    """For each draw, what every prompt adds to the mean difference of permuted labels."""
    unknown, known = counts
    weights = torch.empty(draws, unknown + known, dtype=torch.float64)
    for row in weights:
        order = rng.permutation(unknown + known)
        row[order[:unknown]] = 1 / unknown
        row[order[unknown:]] = -1 / known
    return weights


def _mean(chunks: _Chunks) -> Float[Tensor, "layers width"]:
    first, rest = _peeked(chunks)
    total, count = torch.zeros(first.shape[1:], dtype=torch.float64), 0
    for values in rest:
        total += values.double().sum(0)
        count += len(values)
    return total / count
