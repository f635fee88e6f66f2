"""Other directions to compare the ignorance direction with: random, label-shuffled and principal ones."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from sklearn.decomposition import PCA
from torch import Tensor

from seat_interp.capture import capture_sets
from seat_interp.directions.direction import IgnoranceDirection, mean_difference
from seat_interp.facts import FactSets
from seat_interp.models.open import LanguageModel


@dataclass(frozen=True)
class Nulls:
    """Unit vectors to compare the direction with, float64.

    Attributes:
        random: drawn from the unit sphere.
        shuffled: mean differences with the labels known and unknown permuted, class means removed before.
        pca: principal components of the base's activations within the classes, both signs.
    """

    random: Float[Tensor, "draws layers width"]
    shuffled: Float[Tensor, "draws layers width"]
    pca: Float[Tensor, "signed_components layers width"]

    def __iter__(self):
        return iter(vars(self).items())


def null_directions(
    unknown: Float[Tensor, "n layers width"],
    known: Float[Tensor, "m layers width"],
    *,
    draws: int = 200,
    components: int = 10,
    seed: int = 0,
) -> Nulls:
    """Make null directions from the base's activations of known and unknown prompts.

    Shuffled and principal directions are taken within the classes, the mean of each removed: where known and unknown
    differ much, the mean difference of any split of both together still points along the ignorance direction.

    Args:
        unknown: Base activations of unknown prompts, [n, layers, width].
        known: Base activations of known prompts, [m, layers, width].
        draws: Number of random directions, and of shuffled ones.
        components: Number of principal components; fewer where there are not that many.
        seed: Seed of the draws.

    Returns:
        Unit vectors of each kind.
    """
    rng = np.random.default_rng(seed)
    centred = np.concatenate([part.double().numpy() - part.double().numpy().mean(0) for part in (unknown, known)])
    layers, width = centred.shape[1:]
    random = units(rng.standard_normal((draws, layers, width)))
    shuffled = []
    for _ in range(draws):
        order = rng.permutation(len(centred))
        shuffled.append(mean_difference(centred[order[: len(unknown)]], centred[order[len(unknown) :]]))
    count = min(components, width, len(centred) - 1)
    pca = np.stack([PCA(count, random_state=0).fit(centred[:, la]).components_ for la in range(layers)], axis=1)
    return Nulls(*(torch.from_numpy(units(v)) for v in (random, np.stack(shuffled), np.concatenate([pca, -pca]))))


def nulls_of(
    lm: LanguageModel,
    sets: FactSets,
    direction: IgnoranceDirection,
    *,
    draws: int = 200,
    batch_size: int = 32,
) -> Nulls:
    """Make null directions of a base from the facts that its direction was fitted on.

    Args:
        lm: Base model.
        sets: Sets of facts, of which `fit_unknown` and `fit_known` are captured.
        direction: Direction of the base, at whose position they are captured.
        draws: Number of random directions, and of shuffled ones.
        batch_size: Number of prompts in a forward pass.

    Returns:
        Unit vectors of each kind.

    Raises:
        SeatError: As `capture`.
    """
    asked = {"unknown": sets.fit_unknown, "known": sets.fit_known}
    fit = capture_sets(lm, asked, direction.position, batch_size=batch_size)
    return null_directions(fit["unknown"], fit["known"], draws=draws)


def units(vectors: Float[np.ndarray, "... width"]) -> Float[np.ndarray, "... width"]:
    """Divide every vector by its length.

    Args:
        vectors: Vectors, [..., width].

    Returns:
        Unit vectors of the same shape.
    """
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-300)
