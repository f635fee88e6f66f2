"""Where fine-tuning moved the prompts: along the ignorance direction, orthogonal to it, and against nulls.

Displacement of a prompt at a layer is the tuned minus the base activation, projected on the base's unit vector
and divided by the base's unknown-known separation: -1 means that it now sits where known prompts sat. The same figure
for norm-matched random, label-shuffled and within-class principal directions tells what would be seen along
any direction, so no displacement is given without them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from einops import einsum
from jaxtyping import Float
from scipy.stats import bootstrap
from sklearn.metrics import roc_auc_score
from torch import Tensor

from seat_interp.capture import AtToken, Capture, capture_sets
from seat_interp.core.errors import SeatError, see
from seat_interp.directions.direction import IgnoranceDirection, mean_difference
from seat_interp.directions.nulls import Nulls, null_directions, units
from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel

Activations = Mapping[str, Float[Tensor, "_ layers width"] | Capture]


@dataclass(frozen=True)
class SetDisplacement:
    """Displacement of one probe set, in units of the base's unknown-known separation at each layer, float64.

    Attributes:
        along: of every prompt, along the direction.
        orthogonal: length of every prompt's shift orthogonal to the direction.
        cosine_drift: 1 - cosine of base and tuned activation of every prompt.
        mean, low, high: mean along the direction with its 95 % bootstrap interval, per layer.
        nulls: for each kind of null, the mean displacement along every null direction, per layer.
    """

    along: Float[Tensor, "prompts layers"]
    orthogonal: Float[Tensor, "prompts layers"]
    cosine_drift: Float[Tensor, "prompts layers"]
    mean: Float[Tensor, " layers"]
    low: Float[Tensor, " layers"]
    high: Float[Tensor, " layers"]
    nulls: dict[str, Float[Tensor, "_ layers"]]

    def band(self, kind: str, layer: int) -> list[float]:
        """The 2.5 % and 97.5 % points of a kind of null at a layer."""
        return torch.quantile(self.nulls[kind][:, layer], torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()

    def summary(self, layer: int) -> dict[str, Any]:
        """The row of `summary.json`, at one layer."""
        return {
            "mean": float(self.mean[layer]),
            "interval": [float(self.low[layer]), float(self.high[layer])],
            "orthogonal": float(self.orthogonal[:, layer].mean()),
            "cosine_drift": float(self.cosine_drift[:, layer].mean()),
            "null": {kind: self.band(kind, layer) for kind in self.nulls},
        }


@dataclass(frozen=True)
class Displacement:
    """Displacement of every probe set between a base and a tuned model.

    Attributes:
        sets: by probe set.
        direction: the base's direction; its layer is the one that summaries report.
        linear_probe_auroc: of the base's direction on the tuned model's activations, unknown against known, per layer.
        base_auroc: the same on the base.
        refit_cosine: cosine of the base's direction and one fitted to the tuned model on the probe sets, per layer.
        base_refit_cosine: the same with the base in place of the tuned model: what other prompts alone do to it.
        same_weights: whether the direction was fitted on exactly the base that was given.
    """

    sets: dict[str, SetDisplacement]
    direction: IgnoranceDirection
    linear_probe_auroc: list[float]
    base_auroc: list[float]
    refit_cosine: list[float]
    base_refit_cosine: list[float]
    same_weights: bool

    def __repr__(self) -> str:
        lines = [f"Displacement at layer {self.direction.layer}, in gaps:"]
        for name, row in self.summary().items():
            (low, high), (least, most) = row["interval"], row["null"]["random"]
            band = f"random directions {least:+.2f} to {most:+.2f}"
            lines.append(f"  {name} {row['mean']:+.2f} [{low:+.2f}, {high:+.2f}], {band}")
        return "\n".join(lines)

    def summary(self) -> dict[str, dict[str, Any]]:
        """By probe set, at the direction's layer."""
        return {name: moved.summary(self.direction.layer) for name, moved in self.sets.items()}

    def by_layer(self, probe: str = "unknown") -> list[dict[str, Any]]:
        """The summaries of one set after every block, as a run folder keeps them.

        Raises:
            SeatError: no set of that name was measured.
        """
        if probe not in self.sets:
            raise SeatError(f"Displacement was not measured on a set {probe!r}; there are {', '.join(self.sets)}.")
        moved = self.sets[probe]
        return [moved.summary(layer) for layer in range(len(moved.mean))]

    def angle(self) -> list[float]:
        """Degrees between the base's direction and the one fitted to the tuned model, per layer."""
        return np.degrees(np.arccos(np.clip(self.refit_cosine, -1, 1))).tolist()

    def base_angle(self) -> list[float]:
        """Degrees between the base's direction and one fitted to the base on the probe sets: the floor of `angle`."""
        return np.degrees(np.arccos(np.clip(self.base_refit_cosine, -1, 1))).tolist()


def displace(
    base: Activations,
    tuned: Activations,
    direction: IgnoranceDirection,
    *,
    unknown: str = "unknown",
    known: str = "known",
    sets: Mapping[str, Sequence[Fact]] | None = None,
    nulls: Nulls | None = None,
    resamples: int = 1000,
    seed: int = 0,
    same_weights: bool = True,
) -> Displacement:
    """Displacement from activations that were captured before, at the direction's position.

    Args:
        base: activations of the base, by probe set: tensors, or captures of all layers at the direction's token, which
            are held against the direction's model.
        tuned: of the tuned model, the same prompts in the same order.
        direction: fitted on the base.
        unknown: the set that stands for unknown in nulls and probe transfer.
        known: the set that stands for known.
        sets: the facts that were asked, by probe set. The bootstrap draws all prompts of a group or subject together,
            since they are not independent; without the facts, or with a single group, it draws prompts.
        nulls: made from `base` if not given.
        resamples: of the bootstrap.
        seed: of nulls and bootstrap.
        same_weights: recorded in the result.

    Raises:
        SeatError: the two sides, or the facts, do not have the same sets and sizes, the base has no separation, or a
            capture is of another model, token, layers or kind than the direction, or of other prompts than its
            counterpart.
    """
    for name in sorted(base.keys() & tuned.keys()):
        _require_same_prompts(base[name], tuned[name], name)
    base, tuned = (
        {name: _comparable(found, direction, name) for name, found in side.items()} for side in (base, tuned)
    )
    for name in (*base, unknown, known):
        if name not in base or name not in tuned or base[name].shape != tuned[name].shape:
            raise SeatError(f"Set {name!r} is missing, or is not the same prompts before and after.")
        if sets is not None and len(sets.get(name, ())) != len(base[name]):
            raise SeatError(f"Set {name!r} has {len(sets.get(name, ()))} facts but {len(base[name])} prompts.")
    if not bool((direction.separation > 0).all()):
        raise SeatError(
            "The direction has no separation between unknown and known at some layer, so nothing can be in its units."
        )
    nulls = nulls or null_directions(base[unknown], base[known], seed=seed)
    moved = {}
    for name in base:
        interval = partial(_interval, _groups(sets[name] if sets else None, len(base[name])), resamples, seed)
        moved[name] = _displace_set(base[name], tuned[name], direction, nulls, interval)
    return Displacement(
        moved,
        direction,
        _aurocs(direction, tuned[unknown], tuned[known]),
        _aurocs(direction, base[unknown], base[known]),
        _refit_cosine(direction, tuned[unknown], tuned[known]),
        _refit_cosine(direction, base[unknown], base[known]),
        same_weights,
    )


def _comparable(
    captured: Float[Tensor, "prompts layers width"] | Capture, direction: IgnoranceDirection, name: str
) -> Float[Tensor, "prompts layers width"]:
    """What was captured, a `Capture` only if it was made as the direction was."""
    if not isinstance(captured, Capture):
        return captured
    wanted = {
        "captured layers": list(range(len(direction.vectors))),
        "reduce": repr(AtToken(direction.position)),
        **{key: direction.origin.get(key) for key in ("kind", "processing")},
        **{key: value for key, value in direction.origin.get("model", {}).items() if key != "weights"},
    }
    found = {**captured.origin, **captured.origin["model"], "captured layers": list(captured.layers)}
    for key, value in wanted.items():
        if found.get(key) != value:
            raise SeatError(
                f"The capture of {name!r} has {key} {found.get(key)}, but the direction was fitted with {value}. "
                f"Capture all layers of the same model with reduce=AtToken({direction.position}). "
                + see("file_formats")
            )
    return captured.values


def _require_same_prompts(before: object, after: object, name: str) -> None:
    if isinstance(before, Capture) and isinstance(after, Capture):
        asked = {side.origin["prompts"] for side in (before, after) if "prompts" in side.origin}
        if len(asked) > 1:
            raise SeatError(
                f"The captures of {name!r} are of other prompts after than before. Capture the same on both."
            )


def displacement(
    base: LanguageModel,
    tuned: LanguageModel,
    sets: Mapping[str, Sequence[Fact]],
    direction: IgnoranceDirection,
    *,
    unknown: str = "unknown",
    known: str = "known",
    resamples: int = 1000,
    seed: int = 0,
    batch_size: int = 32,
) -> Displacement:
    """Capture the sets on both models and measure the displacement of each. See `displace` for the arguments.

    Raises:
        SeatError: the models or the direction are of different architectures, or a set is missing.
    """
    same = direction.require_fits(base)
    direction.require_fits(tuned)
    sets = dict(sets)
    for name in (unknown, known):
        if not sets.get(name):
            raise SeatError(
                f"There is no set {name!r} among {sorted(sets)}; displacement needs unknown and known prompts."
            )
    before, after = (capture_sets(lm, sets, direction.position, batch_size=batch_size) for lm in (base, tuned))
    return displace(
        before,
        after,
        direction,
        unknown=unknown,
        known=known,
        sets=sets,
        resamples=resamples,
        seed=seed,
        same_weights=same,
    )


def cosine_drift(
    before: Float[Tensor, "prompts layers width"], after: Float[Tensor, "prompts layers width"]
) -> Float[Tensor, "prompts layers"]:
    """One less the cosine of every prompt's activation before and after, float64 (arXiv 2604.15574, Fig. 5)."""
    return 1 - torch.nn.functional.cosine_similarity(before.double(), after.double(), dim=-1)


def _groups(facts: Sequence[Fact] | None, prompts: int) -> np.ndarray:
    """For each prompt the number of what it belongs to; of prompts that nothing is known of, each its own."""
    if facts is None:
        return np.arange(prompts)
    return np.unique([fact.belongs_to for fact in facts], return_inverse=True)[1]


def _displace_set(
    before: Tensor,
    after: Tensor,
    direction: IgnoranceDirection,
    nulls: Nulls,
    interval: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
) -> SetDisplacement:
    before, after = before.double(), after.double()
    shift = after - before
    along = direction.project(shift)
    orthogonal = (shift - along[..., None] * direction.vectors).norm(dim=-1)
    mean_shift = shift.mean(0)
    along = along / direction.separation
    low, high = interval(along.numpy())
    return SetDisplacement(
        along=along,
        orthogonal=orthogonal / direction.separation,
        cosine_drift=cosine_drift(before, after),
        mean=along.mean(0),
        low=torch.from_numpy(low),
        high=torch.from_numpy(high),
        nulls={
            kind: einsum(drawn, mean_shift, "draw layer width, layer width -> draw layer") / direction.separation
            for kind, drawn in nulls
        },
    )


def _interval(
    belongs: np.ndarray, resamples: int, seed: int, values: Float[np.ndarray, "prompts layers"]
) -> tuple[np.ndarray, np.ndarray]:
    if len(values) < 2 or not values.std(0).any():  # one prompt, or the base against itself
        return values.mean(0), values.mean(0)
    if not belongs.any():  # a single group cannot be drawn again: its prompts are
        belongs = np.arange(len(values))
    counts = np.bincount(belongs)
    sums = np.zeros((len(counts), values.shape[1]))
    np.add.at(sums, belongs, values)
    found = bootstrap(
        (sums, np.broadcast_to(counts[:, None], sums.shape)),
        lambda total, count, axis: total.sum(axis) / count.sum(axis),
        axis=0,
        paired=True,
        n_resamples=resamples,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return found.confidence_interval.low, found.confidence_interval.high


def _refit_cosine(direction: IgnoranceDirection, unknown: Tensor, known: Tensor) -> list[float]:
    refit = units(mean_difference(unknown.double().numpy(), known.double().numpy()))
    return (torch.from_numpy(refit) * direction.vectors).sum(-1).tolist()


def _aurocs(direction: IgnoranceDirection, unknown: Tensor, known: Tensor) -> list[float]:
    scores = torch.cat([direction.project(unknown), direction.project(known)]).numpy()
    labels = np.r_[np.ones(len(unknown)), np.zeros(len(known))]
    return [float(roc_auc_score(labels, scores[:, layer])) for layer in range(scores.shape[1])]
