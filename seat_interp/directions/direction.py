"""The ignorance direction: one vector a layer from known to unknown in the base model's residual stream."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from einops import einsum
from jaxtyping import Float
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from seat_interp.capture import AtToken, capture
from seat_interp.core.errors import SeatError, require_type
from seat_interp.core.files import load_tensors, save_tensors, text_hash
from seat_interp.facts import Fact
from seat_interp.facts.records import require_facts, split_by_group
from seat_interp.models.open import LanguageModel, require_same_architecture

FORMAT = "seat_interp.direction"
VERSION = 2
"""Version 1 called the separation by another name."""

Method = Callable[[Float[np.ndarray, "n w"], Float[np.ndarray, "m w"]], Float[np.ndarray, " w"]]
"""(unknown, known) activations at one layer, float64 -> a vector that points towards unknown."""


def mean_difference(
    unknown: Float[np.ndarray, "n ... width"], known: Float[np.ndarray, "m ... width"]
) -> Float[np.ndarray, "... width"]:
    """Return the mean over unknown minus the mean over known (as in 2406.11717).

    Args:
        unknown: Activations of unknown prompts, float64: [n, width] of one layer, or [n, layers, width].
        known: Activations of known prompts, of the same form.

    Returns:
        The difference, [width] or [layers, width].
    """
    return unknown.mean(0) - known.mean(0)


def first_component(
    unknown: Float[np.ndarray, "n width"], known: Float[np.ndarray, "m width"]
) -> Float[np.ndarray, " width"]:
    """Return the first principal component of both sets together, turned towards unknown.

    Args:
        unknown: Activations of unknown prompts at one layer, [n, width], float64.
        known: Activations of known prompts at the same layer, [m, width], float64.

    Returns:
        Unit vector, [width].
    """
    component = PCA(n_components=1, random_state=0).fit(np.concatenate([unknown, known])).components_[0]
    return component * np.sign(component @ mean_difference(unknown, known) or 1.0)


def logistic_probe(
    unknown: Float[np.ndarray, "n width"], known: Float[np.ndarray, "m width"]
) -> Float[np.ndarray, " width"]:
    """Return the weights of a linear probe, a logistic regression of unknown against known, per unit of activation.

    It is fitted on standardised activations; its penalty, C = 0.1, is ours.

    Args:
        unknown: Activations of unknown prompts at one layer, [n, width], float64.
        known: Activations of known prompts at the same layer, [m, width], float64.

    Returns:
        Weights, [width].
    """
    inputs = np.concatenate([unknown, known])
    labels = np.r_[np.ones(len(unknown)), np.zeros(len(known))]
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000)).fit(inputs, labels)
    return probe[-1].coef_[0] / probe[0].scale_


@dataclass(frozen=True)
class IgnoranceDirection:
    """Unit vectors from known to unknown, with the scale in which displacement is measured.

    `+`, `-`, `*` and unary `-` act on the raw vectors, which are unit vector times separation.

    Attributes:
        vectors: Unit vectors, [layers, width], float64.
        separation: Distance between the class means of the base's projections, unknown and known, [layers], float64.
        layer: Layer chosen on the held-out part of the fit sets.
        position: Token that it was fitted at, counted from the end of the prompt.
        auroc: AUROC of the held-out part, unknown against known, of each layer at this position.
        scan: AUROC of each layer by position, for every position tried.
        origin: Fingerprint of the model, method, hash of the fit sets, backend and processing state, versions.

    Example:
        >>> direction = si.fit_direction(lm, unknown=facts.fit_unknown[:20], known=facts.fit_known[:20])
        >>> direction.vectors.shape, direction.save("direction.safetensors").name
        (torch.Size([4, 128]), 'direction.safetensors')
        >>> si.IgnoranceDirection.load("direction.safetensors").layer == direction.layer
        True
    """

    vectors: Float[Tensor, "layers width"]
    separation: Float[Tensor, " layers"]
    layer: int
    position: int = -1
    auroc: tuple[float, ...] = ()
    scan: dict[int, tuple[float, ...]] = field(default_factory=dict)
    origin: dict[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        layers, width = self.vectors.shape
        auroc = f", AUROC {self.auroc[self.layer]:.3f}" if self.auroc else ""
        return f"IgnoranceDirection({layers} layers of width {width}: layer {self.layer}, token {self.position}{auroc})"

    @property
    def raw(self) -> Float[Tensor, "layers width"]:
        """Unit vector times separation: what is added to a known activation to put it where unknown ones are."""
        return self.vectors * self.separation[:, None]

    def _with_raw(self, raw: Tensor, origin: dict[str, Any]) -> "IgnoranceDirection":
        separation = raw.norm(dim=-1)
        vectors = raw / separation.clamp_min(1e-300)[:, None]
        return replace(
            self, vectors=vectors, separation=separation, auroc=(), scan={}, origin={**self.origin, **origin}
        )

    def __add__(self, other: "IgnoranceDirection") -> "IgnoranceDirection":
        self._require_like(other)
        return self._with_raw(self.raw + other.raw, {"sum_of": [self.origin, other.origin]})

    def __neg__(self) -> "IgnoranceDirection":
        return self * -1.0

    def __sub__(self, other: "IgnoranceDirection") -> "IgnoranceDirection":
        self._require_like(other)
        return self + (-other)

    def __mul__(self, factor: int | float) -> "IgnoranceDirection":
        require_type("factor", factor, (int, float), "a number")
        return self._with_raw(self.raw * factor, {"times": factor})

    __rmul__ = __mul__

    def cosine(self, other: "IgnoranceDirection") -> Float[Tensor, " layers"]:
        """Compute the cosine between two directions at each layer.

        Args:
            other: Direction of the same depth and width.

        Returns:
            Cosines, [layers].
        """
        self._require_like(other)
        return (self.vectors * other.vectors).sum(-1)

    def _require_like(self, other: "IgnoranceDirection") -> None:
        require_type("other", other, IgnoranceDirection, "another IgnoranceDirection")
        if self.vectors.shape != other.vectors.shape:
            raise SeatError(
                f"Directions of shapes {tuple(self.vectors.shape)} and {tuple(other.vectors.shape)} cannot be "
                "combined: fit both on models of the same architecture."
            )

    def project(self, activations: Float[Tensor, "prompts layers width"]) -> Float[Tensor, "prompts layers"]:
        """Project activations on the unit vectors.

        Args:
            activations: Residual-stream activations, [prompts, layers, width].

        Returns:
            Projections, [prompts, layers], float64.
        """
        return einsum(activations.double(), self.vectors, "prompt layer width, layer width -> prompt layer")

    def require_fits(self, lm: LanguageModel) -> bool:
        """Check that the direction can be used on a model.

        Args:
            lm: Model with its tokenizer.

        Returns:
            Whether the model has the very weights of the fit.

        Raises:
            SeatError: The model is of another family, width, depth or processing state.
        """
        if self.origin.get("processing", "none") != "none":
            raise SeatError(
                f"The direction was fitted on activations processed by {self.origin['processing']}; "
                f"{lm.name!r} is captured unprocessed. Fit it again."
            )
        if "model" not in self.origin:
            raise SeatError("The direction does not say which model it was fitted on. Fit it with `fit_direction`.")
        require_same_architecture(self.origin["model"], lm.architecture, "The direction")
        return self.origin["model"]["weights"] == lm.fingerprint["weights"]

    def save(self, path: str | Path) -> Path:
        """Write a direction file.

        Args:
            path: Path of the file.

        Returns:
            The path.
        """
        header = {
            "format": FORMAT,
            "version": VERSION,
            "layer": self.layer,
            "position": self.position,
            "auroc": list(self.auroc),
            "scan": {str(position): list(values) for position, values in self.scan.items()},
            "origin": self.origin,
        }
        return save_tensors(path, {"vectors": self.vectors, "separation": self.separation}, header)

    @classmethod
    def load(cls, path: str | Path) -> "IgnoranceDirection":
        """Read a direction file.

        Args:
            path: Path of the file.

        Returns:
            The direction.

        Raises:
            SeatError: The file is missing, truncated, no direction, of another version, or holds NaN.
        """
        tensors, header = load_tensors(path, FORMAT, VERSION)
        return cls(
            **tensors,
            layer=header["layer"],
            position=header["position"],
            auroc=tuple(header["auroc"]),
            scan={int(position): tuple(values) for position, values in header["scan"].items()},
            origin=header["origin"],
        )


def fit_direction(
    lm: LanguageModel,
    *,
    unknown: Sequence[Fact],
    known: Sequence[Fact],
    method: Method = mean_difference,
    positions: Sequence[int] = (-1,),
    held_out: float = 0.4,
    deepest: float = 0.8,
    seed: int = 0,
    batch_size: int = 32,
) -> IgnoranceDirection:
    """Fit the ignorance direction on one part of the facts, and choose layer and position on the other.

    The parts are split by group, so that no subject stands in both. Layer and position are those with the highest AUROC
    on the held-out part; among equals, the largest separation in units of the spread within the classes.

    Args:
        lm: Base model.
        unknown: Facts that it does not know.
        known: Facts that it answers right.
        method: `mean_difference`, `first_component`, `logistic_probe`, or a function of your own.
        positions: Tokens to try, counted from the end of the prompt.
        held_out: Share of the groups to choose on.
        deepest: Share of the depth above which no layer is chosen: such layers hold the next token more than what led
            to it, and nothing above them is left to act on (2406.11717 has the same bound).
        seed: Seed of the split.
        batch_size: Number of prompts in a forward pass.

    Returns:
        The direction, with the AUROC of every layer and position.

    Raises:
        SeatError: There are fewer than four facts on a side, or no difference at all.

    Example:
        >>> direction = si.fit_direction(lm, unknown=facts.fit_unknown[:40], known=facts.fit_known[:40])
        >>> direction.auroc[direction.layer] > 0.9
        True
    """
    require_facts(unknown=unknown, known=known)
    (fit_u, test_u), (fit_k, test_k) = (split_by_group(facts, held_out, seed) for facts in (unknown, known))
    for name, part in (("unknown", fit_u), ("unknown", test_u), ("known", fit_k), ("known", test_k)):
        if len(part) < 2:
            raise SeatError(f"The {name} set is too small to fit and choose a direction on: give at least 4 subjects.")
    questions = [fact.question for fact in (*fit_u, *fit_k, *test_u, *test_k)]
    cuts = np.cumsum([len(fit_u), len(fit_k), len(test_u)])
    best: tuple[tuple[float, float], IgnoranceDirection] | None = None
    scan: dict[int, tuple[float, ...]] = {}
    for position in positions:
        captured = capture(lm, questions, reduce=AtToken(position), batch_size=batch_size)
        parts = np.split(captured.values.double().numpy(), cuts)
        sides = [(parts[0][:, la], parts[1][:, la]) for la in range(lm.sites.n_layers)]
        for side in sides:
            # No more apart than the rounding of activations of this size is not apart.
            if np.linalg.norm(mean_difference(*side)) <= 1e-6 * np.linalg.norm(side[0], axis=-1).mean():
                raise SeatError("Known and unknown prompts have equal activations, so no direction separates them.")
        vectors = np.stack([_unit(method(*side)) for side in sides])
        # A method may find the line but not its sense: unknown is the positive side.
        ahead = einsum(vectors, parts[0].mean(0) - parts[1].mean(0), "layer width, layer width -> layer")
        vectors = np.where(ahead < 0, -1.0, 1.0)[:, None] * vectors
        on = [einsum(part, vectors, "prompt layer width, layer width -> prompt layer") for part in parts]
        auroc, d_prime = separability(on[2], on[3])
        scan[position] = tuple(float(value) for value in auroc)
        layer = _choose_layer(auroc, d_prime, deepest)
        candidate = IgnoranceDirection(
            vectors=torch.from_numpy(vectors),
            separation=torch.from_numpy(on[0].mean(0) - on[1].mean(0)).abs(),
            layer=layer,
            position=position,
            auroc=scan[position],
            origin={
                **captured.origin,
                "method": method.__name__,
                "fit_set": text_hash(questions),
            },
        )
        rank = (round(float(auroc[layer]), 4), float(d_prime[layer]))
        if best is None or rank > best[0]:
            best = (rank, candidate)
    if best is None:
        raise SeatError("No position was given to fit the direction at.")
    return replace(best[1], scan=scan)


def _choose_layer(auroc: Float[np.ndarray, " layers"], d_prime: Float[np.ndarray, " layers"], deepest: float) -> int:
    """Choose the layer of highest AUROC, among equals (to four digits) of largest d', not above a share of the depth.

    Args:
        auroc: AUROC of each layer, 0 to 1.
        d_prime: Separation of each layer, as `separability` gives it.
        deepest: Share of the depth, above 0 and up to 1; the first layer may always be chosen.
    """
    eligible = range(max(1, int(deepest * len(auroc))))
    return max(eligible, key=lambda layer: (round(float(auroc[layer]), 4), d_prime[layer]))


def separability(
    unknown: Float[np.ndarray, "n layers"], known: Float[np.ndarray, "m layers"]
) -> tuple[Float[np.ndarray, " layers"], Float[np.ndarray, " layers"]]:
    """Measure how well projections separate unknown from known prompts, layer by layer.

    Args:
        unknown: Projections of unknown prompts, [n, layers], in the activations' units.
        known: Projections of known prompts, [m, layers], in the same units.

    Returns:
        AUROC, [layers], above one half where unknown projects further; and d', [layers]: the distance of the two means
        in units of the spread within the classes, the root of their mean variance.
    """
    labels = np.r_[np.ones(len(unknown)), np.zeros(len(known))]
    scores = np.concatenate([unknown, known])
    auroc = np.array([roc_auc_score(labels, scores[:, layer]) for layer in range(scores.shape[1])])
    spread = np.sqrt((unknown.var(0) + known.var(0)) / 2)
    return auroc, (unknown.mean(0) - known.mean(0)) / np.maximum(spread, 1e-12)


def _unit(vector: np.ndarray) -> np.ndarray:
    norm = np.linalg.norm(vector)
    if norm == 0:
        raise SeatError("The method found no direction between known and unknown prompts: it is zero.")
    return vector / norm
