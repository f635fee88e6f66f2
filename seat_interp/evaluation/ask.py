"""Asking a model every question of several sets of facts, and labelling its replies."""

from collections.abc import Mapping, Sequence

from seat_interp.evaluation.generate import generate
from seat_interp.evaluation.score import Record, records
from seat_interp.facts.records import Fact
from seat_interp.models.open import LanguageModel


def ask(
    lm: LanguageModel,
    sets: Mapping[str, Sequence[Fact]],
    *,
    max_new_tokens: int = 32,
    batch_size: int = 64,
    progress: bool = True,
) -> dict[str, list[Record]]:
    """The labelled greedy replies to each set, all sets asked in one pass.

    Args:
        lm: the model.
        sets: facts by the name of their set.
        max_new_tokens: of each reply.
        batch_size: prompts a forward pass.
        progress: show a bar.

    Raises:
        SeatError: there are no questions, or one leaves no room for the reply in the model's context.
    """
    questions = [fact.question for facts in sets.values() for fact in facts]
    replies = iter(generate(lm, questions, max_new_tokens=max_new_tokens, batch_size=batch_size, progress=progress))
    return {name: records(name, facts, [next(replies) for _ in facts]) for name, facts in sets.items()}
