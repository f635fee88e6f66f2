"""The frozen base as a teacher: its log-probabilities on fixed texts are computed once and kept."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from seat_interp.models.open import LanguageModel
from seat_interp.models.prompts import Example, encode_examples, reply_logits
from seat_interp.training.objectives.terms import mean_of_means

CHUNK = 64
"""Texts that the base is asked on together: always the same ones, so that rounding does not depend on which batch of
the training came first."""


@dataclass(frozen=True)
class TeacherTargets:
    """Text with the base's log-probabilities on it.

    Attributes:
        example: Tokens of the text.
        first: Index of the first token that counts.
        log_probabilities: The base's log-probabilities from there to the end, [tokens, vocabulary], float16 on the CPU.
    """

    example: Example
    first: int
    log_probabilities: Float[Tensor, "tokens vocabulary"]


@torch.no_grad()
def teacher_targets(
    base: LanguageModel,
    questions: Sequence[str],
    replies: Sequence[str],
    entity_ends: Sequence[int] | None = None,
) -> list[TeacherTargets]:
    """Compute the base's log-probabilities on replies, in its evaluation precision whatever the training's.

    Args:
        base: Frozen reference.
        questions: Questions, without any template.
        replies: Replies of any origin.
        entity_ends: Index of the character behind the first entity of each question; given, tokens count from there on,
            otherwise the reply and its end token do.
    """
    examples = encode_examples(base, questions, replies, entity_ends)
    firsts = [e.start if entity_ends is None else min(e.marked + 1, e.start) for e in examples]
    with torch.autocast(base.model.device.type, enabled=False):
        rows = reply_logits(base, examples, firsts)
    return [TeacherTargets(e, f, row.float().log_softmax(-1).half().cpu()) for e, f, row in zip(examples, firsts, rows)]


def kl_to_base(
    lm: LanguageModel, texts: Sequence[TeacherTargets], *, reverse: bool = False, temperature: float = 1.0
) -> Float[Tensor, ""]:
    """Compute KL(base || tuned) in nats, or KL(tuned || base) if `reverse`: mean over texts of the mean over tokens.

    Args:
        lm: Model that is tuned.
        texts: Texts with the base's log-probabilities.
        reverse: Whether the direction is the other one.
        temperature: Divisor of the logits of both.
    """
    rows = reply_logits(lm, [text.example for text in texts], [text.first for text in texts])
    device = rows[0].device
    with torch.autocast(device.type, enabled=False):
        target = torch.cat([text.log_probabilities for text in texts]).to(device).float()
        tuned = (torch.cat(rows).float() / temperature).log_softmax(-1)
        if temperature != 1.0:
            target = (target / temperature).log_softmax(-1)
        first, second = (target, tuned) if reverse else (tuned, target)
        losses = F.kl_div(first, second, log_target=True, reduction="none").sum(-1)
    return mean_of_means(losses, rows)
