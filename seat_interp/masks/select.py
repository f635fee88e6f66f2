"""From scores to a mask: a budget spent on what is useful for the target and does little harm to what must stay."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from seat_interp.attribution import Scores
from seat_interp.core.errors import SeatError
from seat_interp.masks.mask import Mask, neuron_mask
from seat_interp.masks.random import largest_remainders
from seat_interp.models.axes import coordinate_axes
from seat_interp.models.open import LanguageModel

_Ranking = Mapping[str, Float[Tensor, "..."]]
"""What to select by, highest first, under the names of the scores; minus infinity is never chosen willingly."""

Rule = Callable[[Scores, Scores], _Ranking]
"""(usefulness for the target, harm to what must stay) -> a ranking."""


def ratio(useful: Scores, harm: Scores, *, floor: float = 0.1) -> _Ranking:
    """Rank by usefulness divided by harm.

    Args:
        useful: Usefulness for the target.
        harm: Harm to what must stay.
        floor: Share of the mean harm that is added, so that no tiny harm decides alone.

    Returns:
        Ranking by parameter, best highest.
    """
    offset = floor * float(harm.flat().mean())

    def traded(u: Tensor, h: Tensor) -> Tensor:
        weight = h + offset + 1e-30
        return torch.where(u > 0, u / weight, u * weight)  # of what is of no use, the less harmful first

    return _pairwise(useful, harm, traded)


def difference(useful: Scores, harm: Scores, *, weight: float = 1.0) -> _Ranking:
    """Rank by the rank of usefulness less `weight` times the rank of harm, both from 0 to 1 over the whole model.

    Args:
        useful: Usefulness for the target.
        harm: Harm to what must stay.
        weight: Weight of harm.

    Returns:
        Ranking by parameter, best highest.
    """
    ranks = [_ranks(scores) for scores in (useful, harm)]
    return _pairwise(ranks[0], ranks[1], lambda u, h: u - weight * h)


def exclude(useful: Scores, harm: Scores, *, top: float = 0.2) -> _Ranking:
    """Rank by usefulness, without the most harmful share.

    Args:
        useful: Usefulness for the target.
        harm: Harm to what must stay.
        top: Share by harm that is never chosen.

    Returns:
        Ranking by parameter, best highest.

    Raises:
        SeatError: `top` is not a share.
    """
    if not 0 <= top < 1:
        raise SeatError(f"The share to exclude is {top}; it must be at least 0 and below 1.")
    ranks = _ranks(harm)
    return _pairwise(useful, ranks, lambda u, r: torch.where(r >= 1 - top, -torch.inf, u))


def inverted(rule: Rule | None = None) -> Rule:
    """Make the opposite of a rule, or of usefulness alone, as a control.

    What a rule never chooses comes first, the most harmful of it before all.

    Args:
        rule: Rule to invert; None for usefulness without regard to harm.

    Returns:
        The opposite rule.
    """

    def opposite(useful: Scores, harm: Scores) -> _Ranking:
        ranking = useful.values if rule is None else rule(useful, harm)
        never = {name: value == -torch.inf for name, value in ranking.items()}
        last = {name: -value.masked_fill(never[name], 0.0) for name, value in ranking.items()}
        order, worst = _ranks(replace(useful, values=last)).values, _ranks(harm).values
        return {name: torch.where(never[name], 2 + worst[name], order[name]) for name in ranking}

    opposite.__name__ = f"inverted_{_described(rule) if rule else 'usefulness'}"
    return opposite


@dataclass(frozen=True)
class Spread:
    """Spread of the budget over the layers (over the matrices in an unstructured mask).

    Attributes:
        per_layer: Whether each has the same share, in place of one ranking over the whole model.
        floor: Smallest share of each.
        cap: Largest share of each.
    """

    per_layer: bool = False
    floor: float = 0.0
    cap: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.floor <= self.cap <= 1:
            raise SeatError(f"Floor {self.floor} and cap {self.cap} must be shares, and the floor not above the cap.")
        if self.per_layer and (self.floor > 0 or self.cap < 1):
            raise SeatError("With the same share in every layer there is neither a floor nor a cap: leave them out.")


def select(
    lm: LanguageModel,
    scores: Scores,
    budget: float | int = 0.1,
    *,
    protect: Scores | None = None,
    rule: Rule = ratio,
    spread: Spread | None = None,
    origin: Mapping[str, Any] | None = None,
) -> Mask:
    """Choose the mask of the highest scores within a budget.

    Args:
        lm: Model that the scores are of.
        scores: Usefulness for the target of each neuron or weight, most useful highest; take `.abs()` of signed effects
            if size is what counts. Of layers that have no scores nothing is chosen.
        budget: Share (float, up to 1) or number (int) of the neurons or weights that have scores. SEAT's own is not
            published; the default is ours.
        protect: Harm to what must stay, in the same granularity.
        rule: Trade of usefulness against harm: `ratio`, `difference`, `exclude`, or a function of yours.
        spread: Spread over the layers; one ranking over all of them if not given.
        origin: More entries for the mask's header.

    Returns:
        The mask.

    Raises:
        SeatError: The budget chooses nothing or more than there is within floors and caps, or the scores do not fit.

    Example:
        >>> mask = si.select(lm, si.attribute(lm, facts.target[:4], absolute=True), budget=0.1)
        >>> mask.granularity, round(mask.budget, 2)
        ('neuron', 0.1)
    """
    scores.require_fits(lm)
    ranking = scores.values if protect is None else rule(scores, protect)
    spread = spread or Spread()
    counts = _counts(ranking, budget, spread)
    chosen = {name: ranking[name].flatten().topk(count).indices for name, count in counts.items()}
    described = {
        "scored": dict(scores.origin),
        "protected": dict(protect.origin) if protect is not None else None,
        "rule": _described(rule) if protect is not None else None,
        "asked_budget": budget,
        "spread": {"per_layer": spread.per_layer, "floor": spread.floor, "cap": spread.cap},
        "uses_evaluation_data": bool(
            scores.origin.get("uses_evaluation_data")
            or (protect is not None and protect.origin.get("uses_evaluation_data"))
        ),
        **(origin or {}),
    }
    nothing = torch.empty(0, dtype=torch.long)
    if scores.granularity == "neuron":
        return neuron_mask(lm, [chosen.get(f"{mlp.down}.weight", nothing) for mlp in lm.sites.mlps], described)
    axes = coordinate_axes(lm)
    indices = {name: chosen.get(name, nothing).sort().values.to(torch.int32) for name in axes}
    return Mask("coordinate", indices, axes, {**described, "model": lm.fingerprint})


def _described(rule: Rule) -> str:
    """Name of a rule, with the settings of a partial one."""
    if isinstance(rule, partial):
        return f"{_described(rule.func)}({', '.join(f'{name}={value}' for name, value in rule.keywords.items())})"
    return getattr(rule, "__name__", repr(rule))


def _counts(ranking: _Ranking, budget: float | int, spread: Spread) -> dict[str, int]:
    """How many to choose of each layer or matrix."""
    sizes = {name: value.numel() for name, value in ranking.items()}
    total = sum(sizes.values())
    whole = isinstance(budget, int) and not isinstance(budget, bool)
    count = int(budget) if whole else round(budget * total)
    if not 0 < count <= total:
        raise SeatError(f"A budget of {budget} chooses {count} of {total}. Ask for a share above 0, or for a count.")
    # What a rule excludes stays out, even where the budget would have room for it.
    free = {name: int((value > -torch.inf).sum()) for name, value in ranking.items()}
    if spread.per_layer:
        even = dict(zip(sizes, largest_remainders(list(sizes.values()), count)))
        _require_room(even, free, count, total)
        return even
    least = {name: round(spread.floor * size) for name, size in sizes.items()}
    most = {name: min(round(spread.cap * size), free[name]) for name, size in sizes.items()}
    _require_room(least, most, count, total)
    if not sum(least.values()) <= count <= sum(most.values()):
        raise SeatError(
            f"{count} of {total} cannot be chosen: with a floor of {spread.floor}, a cap of {spread.cap} and without "
            f"what the rule excludes, from {sum(least.values())} to {sum(most.values())} can. Exclude less, or change "
            "the budget."
        )
    # The best of each layer up to its cap compete for what the floors leave over.
    best = {name: ranking[name].flatten().topk(most[name]).values for name in sizes}
    rest = torch.cat([best[name][least[name] :] for name in sizes])
    owner = torch.cat([torch.full((most[name] - least[name],), place) for place, name in enumerate(sizes)])
    won = owner[rest.topk(count - sum(least.values())).indices].bincount(minlength=len(sizes))
    return {name: least[name] + int(won[place]) for place, name in enumerate(sizes)}


def _require_room(wanted: Mapping[str, int], free: Mapping[str, int], count: int, total: int) -> None:
    for name, number in wanted.items():
        if number > free[name]:
            raise SeatError(
                f"{count} of {total} cannot be chosen: {name} must take {number}, and has room for {free[name]} beside "
                "what the rule excludes. Exclude less, or choose fewer."
            )


def _pairwise(one: Scores, other: Scores, rule: Callable[[Tensor, Tensor], Tensor]) -> _Ranking:
    if one.granularity != other.granularity or one.values.keys() != other.values.keys():
        raise SeatError(
            f"Scores of granularity {one.granularity} and {other.granularity} over {len(one.values)} and "
            f"{len(other.values)} tensors cannot be traded off: make both for the same model and granularity."
        )
    return {name: rule(value, other.values[name]) for name, value in one.values.items()}


def _ranks(scores: Scores) -> Scores:
    flat = scores.flat()
    ranks: Float[Tensor, " all"] = torch.empty_like(flat)
    ranks[flat.argsort(stable=True)] = torch.linspace(0, 1, len(flat))
    parts = ranks.split([value.numel() for value in scores.values.values()])
    return Scores(scores.granularity, {n: p.view(v.shape) for (n, v), p in zip(scores.values.items(), parts)})
