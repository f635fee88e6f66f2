"""Take back part of what an update has beyond its need, which is what keeps the facts that it taught.

Between the weights before and after fine-tuning lie models that have most of what was learnt and more of what was there
before (2109.01903). How far to go back is read off the taught facts alone; that choice is ours. At the very edge the
facts are held by a hair and what goes first is their recall in other paraphrases, so part of the way is left.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from seat_interp.core.errors import SeatError
from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel
from seat_interp.models.prompts import Example, batches_by_length, encode_examples, reply_logits

_HALVINGS = 6
"""Of the interval in which the share is sought: it is found to within 1/64."""


@dataclass(frozen=True)
class Interpolated:
    """Model between base and tuned.

    Attributes:
        model: Copy with the weights base + share x (tuned - base).
        share: Share of the update that is left, above 0 and at most 1.
        needed: Smallest share that was seen to keep the facts.
    """

    model: LanguageModel
    share: float
    needed: float


def interpolate_towards_base(
    *,
    base: LanguageModel,
    tuned: LanguageModel,
    facts: Sequence[Fact],
    slack: float = 0.5,
    batch_size: int = 64,
) -> Interpolated:
    """Interpolate weights towards the base (WiSE-FT, arXiv 2109.01903) as far as the taught facts allow.

    The smallest share is sought that answers every fact which the whole update answers. A fact is answered if each
    token of its answer, and the end, is the likeliest one after the question and those before it. The share is sought
    by halving, as if more of the update always kept more. Where the whole update taught nothing, all of it is left.
    Recall in paraphrases that were not trained is what a small slack costs: measure it.

    Args:
        base: Model before.
        tuned: Model after; its weights have the same names and shapes.
        facts: Facts that were taught.
        slack: Share of the update beyond need that is left, 0 to 1; ours. At 0 only what is needed stays.
        batch_size: Number of facts in a forward pass.

    Returns:
        The model in between, with its share.

    Raises:
        SeatError: There are no facts, the slack is out of range, or the two models do not fit.

    Example:
        >>> tuned = si.train(lm, facts.target[:4], config=si.TrainConfig(steps=2)).model
        >>> 0 < si.interpolate_towards_base(base=lm, tuned=tuned, facts=facts.target[:4]).share <= 1
        True
    """
    if not facts:
        raise SeatError("There are no facts to keep. Give the facts that were taught.")
    if not 0 <= slack <= 1:
        raise SeatError(f"The slack is {slack}; it is a share and must be from 0 to 1.")
    examples = encode_examples(tuned, [fact.question for fact in facts], [fact.answer for fact in facts])
    wanted = _answered(tuned, examples, batch_size)
    between = tuned.copy()
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS if wanted.any() else 0):
        middle = (low + high) / 2
        _interpolate_into(base, tuned, middle, into=between)
        if bool(_answered(between, examples, batch_size)[wanted].all()):
            high = middle
        else:
            low = middle
    share = high + slack * (1 - high)
    _interpolate_into(base, tuned, share, into=between)
    return Interpolated(between, share, high)


@torch.no_grad()
def _interpolate_into(base: LanguageModel, tuned: LanguageModel, share: float, *, into: LanguageModel) -> None:
    """Set the weights of a copy to base + share x (tuned - base), in float32; what did not change stays bit-identical.

    Raises:
        SeatError: the models do not have the same weights by name and shape.
    """
    # Parameters, not the state dict: tied weights must be moved once.
    before, after, between = (dict(lm.model.named_parameters()) for lm in (base, tuned, into))
    if {name: weight.shape for name, weight in before.items()} != {
        name: weight.shape for name, weight in after.items()
    }:
        raise SeatError("The weights before and after differ in name or shape. Give the base that was tuned.")
    for name, weight in between.items():
        if share == 1:
            weight.copy_(after[name])
        else:
            start = before[name].to(weight.device, torch.float32)
            weight.copy_(start + share * (after[name].float() - start))


@torch.no_grad()
def _answered(lm: LanguageModel, examples: Sequence[Example], batch_size: int = 64) -> Bool[Tensor, " examples"]:
    """Whether every token of each reply, its end included, is the likeliest one there."""
    hits = torch.zeros(len(examples), dtype=torch.bool)
    for group in batches_by_length([len(example.ids) for example in examples], batch_size):
        chosen = [examples[index] for index in group]
        for index, example, logits in zip(
            group, chosen, reply_logits(lm, chosen, [example.start for example in chosen])
        ):
            hits[index] = logits.argmax(-1).tolist() == list(example.ids[example.start :])
    return hits
