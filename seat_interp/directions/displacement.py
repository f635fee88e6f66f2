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
from sklearn.metrics import roc_auc_score
from torch import Tensor

from seat_interp.capture import AtToken, Capture, capture_sets
from seat_interp.core.errors import SeatError, see
from seat_interp.directions.direction import IgnoranceDirection, mean_difference
from seat_interp.directions.nulls import Nulls, null_directions, units
from seat_interp.evaluation.intervals import interval_of_groups
from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel

Activations = Mapping[str, Float[Tensor, "_ layers width"] | Capture]


@dataclass(frozen=True)
class SetDisplacement:
    """Displacement of one evaluation set, in separations: units of the base's class-mean separation at each layer,
    float64.

    Attributes:
        along: Displacement of every prompt along the direction, [prompts, layers].
        orthogonal: Length of every prompt's shift orthogonal to the direction, [prompts, layers].
        cosine_drift: One less the cosine of base and tuned activation of every prompt, [prompts, layers].
        mean: Mean displacement along the direction, [layers].
        low: Lower end of its 95 % bootstrap interval, [layers].
        high: Upper end of the interval, [layers].
        nulls: Mean displacement along every null direction by kind, [directions, layers].
    """

    along: Float[Tensor, "prompts layers"]
    orthogonal: Float[Tensor, "prompts layers"]
    cosine_drift: Float[Tensor, "prompts layers"]
    mean: Float[Tensor, " layers"]
    low: Float[Tensor, " layers"]
    high: Float[Tensor, " layers"]
    nulls: dict[str, Float[Tensor, "_ layers"]]

    def band(self, kind: str, layer: int) -> list[float]:
        """Return the 2.5 % and 97.5 % points of a kind of null at a layer.

        Args:
            kind: Kind of null: "random", "shuffled" or "pca".
            layer: Layer from 0.

        Returns:
            The two points, in separations.
        """
        return torch.quantile(self.nulls[kind][:, layer], torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()

    def summary(self, layer: int) -> dict[str, Any]:
        """Return the row of `summary.json` at one layer.

        Args:
            layer: Layer from 0.

        Returns:
            Mean, interval, null bands, orthogonal shift and cosine drift.
        """
        return {
            "mean": float(self.mean[layer]),
            "interval": [float(self.low[layer]), float(self.high[layer])],
            "orthogonal": float(self.orthogonal[:, layer].mean()),
            "cosine_drift": float(self.cosine_drift[:, layer].mean()),
            "null": {kind: self.band(kind, layer) for kind in self.nulls},
        }


@dataclass(frozen=True)
class Displacement:
    """Displacement of every evaluation set between a base and a tuned model.

    Attributes:
        sets: Displacement by evaluation set.
        direction: The base's direction; its layer is the one that summaries report.
        linear_probe_auroc: AUROC of the base's direction on the tuned model's activations, unknown against known, of
            each layer.
        base_auroc: AUROC of the same on the base, of each layer.
        refit_cosine: Cosine of the base's direction and one fitted to the tuned model on the evaluation sets, of each
            layer.
        base_refit_cosine: Cosine of the base's direction and one fitted to the base on the evaluation sets: the effect
            of other prompts alone.
        same_weights: Whether the direction was fitted on exactly the base that was given.

    Example:
        >>> direction = si.fit_direction(lm, unknown=facts.fit_unknown[:20], known=facts.fit_known[:20])
        >>> sets = {"unknown": facts.unknown[:8], "known": facts.known[:8]}
        >>> moved = si.displacement(base=lm, tuned=lm.copy(), sets=sets, direction=direction, resamples=20)
        >>> moved.summary()["unknown"]["mean"]
        0.0
    """

    sets: dict[str, SetDisplacement]
    direction: IgnoranceDirection
    linear_probe_auroc: list[float]
    base_auroc: list[float]
    refit_cosine: list[float]
    base_refit_cosine: list[float]
    same_weights: bool

    def __repr__(self) -> str:
        lines = [f"Displacement at layer {self.direction.layer}, in separations:"]
        for name, row in self.summary().items():
            (low, high), (least, most) = row["interval"], row["null"]["random"]
            band = f"random directions {least:+.2f} to {most:+.2f}"
            lines.append(f"  {name} {row['mean']:+.2f} [{low:+.2f}, {high:+.2f}], {band}")
        return "\n".join(lines)

    def summary(self) -> dict[str, dict[str, Any]]:
        """Return each evaluation set's row at the direction's layer.

        Returns:
            Rows of `summary.json` by evaluation set.
        """
        return {name: moved.summary(self.direction.layer) for name, moved in self.sets.items()}

    def by_layer(self, set_name: str = "unknown") -> list[dict[str, Any]]:
        """Return the rows of one set after every block, as a run folder keeps them.

        Args:
            set_name: Name of the evaluation set.

        Returns:
            One row for each layer.

        Raises:
            SeatError: No set of that name was measured.
        """
        if set_name not in self.sets:
            raise SeatError(f"Displacement was not measured on a set {set_name!r}; there are {', '.join(self.sets)}.")
        moved = self.sets[set_name]
        return [moved.summary(layer) for layer in range(len(moved.mean))]

    def angle(self) -> list[float]:
        """Return the angle between the base's direction and the one fitted to the tuned model.

        Returns:
            Degrees of each layer.
        """
        return np.degrees(np.arccos(np.clip(self.refit_cosine, -1, 1))).tolist()

    def base_angle(self) -> list[float]:
        """Return the angle between the base's direction and one fitted to the base on the evaluation sets, the floor of
        `angle`.

        Returns:
            Degrees of each layer.
        """
        return np.degrees(np.arccos(np.clip(self.base_refit_cosine, -1, 1))).tolist()


def displace(
    *,
    base: Activations,
    tuned: Activations,
    direction: IgnoranceDirection,
    unknown: str = "unknown",
    known: str = "known",
    sets: Mapping[str, Sequence[Fact]] | None = None,
    nulls: Nulls | None = None,
    resamples: int = 1000,
    seed: int = 0,
    same_weights: bool = True,
) -> Displacement:
    """Measure displacement on activations that were captured before, at the direction's position.

    Args:
        base: Activations of the base by evaluation set: tensors, or captures of all layers at the direction's token,
            which are checked against the direction's model.
        tuned: Activations of the tuned model, the same prompts in the same order.
        direction: Direction fitted on the base.
        unknown: Name of the set that stands for unknown in nulls and linear probes.
        known: Name of the set that stands for known.
        sets: Facts that were asked, by evaluation set. The bootstrap draws all prompts of a group or subject together,
            since they are not independent; without the facts, or with a single group, it draws prompts.
        nulls: Null directions; made from `base` if not given.
        resamples: Number of resamples of the bootstrap.
        seed: Seed of nulls and bootstrap.
        same_weights: Whether the direction was fitted on exactly this base; recorded in the result.

    Returns:
        Displacement in separations, with nulls and intervals.

    Raises:
        SeatError: The two sides, or the facts, do not have the same sets and sizes; the base has no separation; or a
        capture is of another model, token, layers or kind than the direction, or of other prompts than its counterpart.

    Example:
        >>> direction = si.fit_direction(lm, unknown=facts.fit_unknown[:20], known=facts.fit_known[:20])
        >>> before = si.capture_sets(lm, {"unknown": facts.unknown[:8], "known": facts.known[:8]})
        >>> after = {name: values + direction.raw for name, values in before.items()}
        >>> moved = si.displace(base=before, tuned=after, direction=direction, resamples=20)
        >>> round(moved.summary()["known"]["mean"], 3)
        1.0
    """
    for name in sorted(base.keys() & tuned.keys()):
        _require_same_prompts(base[name], tuned[name], name)
    base, tuned = (
        {name: _comparable(capture_of, direction, name) for name, capture_of in side.items()} for side in (base, tuned)
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
        interval = partial(interval_of_groups, _groups(sets[name] if sets else None, len(base[name])), resamples, seed)
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
    properties = {**captured.origin, **captured.origin["model"], "captured layers": list(captured.layers)}
    for key, value in wanted.items():
        if properties.get(key) != value:
            raise SeatError(
                f"The capture of {name!r} has {key} {properties.get(key)}, but the direction was fitted with {value}. "
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
    *,
    base: LanguageModel,
    tuned: LanguageModel,
    sets: Mapping[str, Sequence[Fact]],
    direction: IgnoranceDirection,
    unknown: str = "unknown",
    known: str = "known",
    resamples: int = 1000,
    seed: int = 0,
    batch_size: int = 32,
) -> Displacement:
    """Capture evaluation sets on both models and measure the displacement of each.

    Args:
        base: Model before fine-tuning.
        tuned: Model after it.
        sets: Facts by evaluation set.
        direction: Direction fitted on the base.
        unknown: Name of the set that stands for unknown in nulls and linear probes.
        known: Name of the set that stands for known.
        resamples: Number of resamples of the bootstrap.
        seed: Seed of nulls and bootstrap.
        batch_size: Number of prompts in a forward pass.

    Returns:
        Displacement in separations, with nulls and intervals; `displace` says how they are made.

    Raises:
        SeatError: The models or the direction are of different architectures, or a set is missing.

    Example:
        >>> direction = si.fit_direction(lm, unknown=facts.fit_unknown[:20], known=facts.fit_known[:20])
        >>> sets = {"unknown": facts.unknown[:8], "known": facts.known[:8]}
        >>> moved = si.displacement(base=lm, tuned=lm.copy(), sets=sets, direction=direction, resamples=20)
        >>> sorted(moved.summary())
        ['known', 'unknown']
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
        base=before,
        tuned=after,
        direction=direction,
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
    """Compute one less the cosine of every prompt's activation before and after (arXiv 2604.15574, Fig. 5).

    Args:
        before: Activations of the base, [prompts, layers, width].
        after: Activations of the tuned model, of the same prompts.

    Returns:
        Drift, [prompts, layers], float64.
    """
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


def _refit_cosine(direction: IgnoranceDirection, unknown: Tensor, known: Tensor) -> list[float]:
    refit = units(mean_difference(unknown.double().numpy(), known.double().numpy()))
    return (torch.from_numpy(refit) * direction.vectors).sum(-1).tolist()


def _aurocs(direction: IgnoranceDirection, unknown: Tensor, known: Tensor) -> list[float]:
    scores = torch.cat([direction.project(unknown), direction.project(known)]).numpy()
    labels = np.r_[np.ones(len(unknown)), np.zeros(len(known))]
    return [float(roc_auc_score(labels, scores[:, layer])) for layer in range(scores.shape[1])]
