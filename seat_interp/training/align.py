"""Abstention alignment: teach a model to say that it does not know, before there is anything for SEAT to keep.

The stage mixes questions that the model cannot answer, with a refusal as the reply, and questions that it did
answer, with its own right answer as the reply; so it learns to abstain by what it knows, not by the wording.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from seat_interp.core.errors import SeatError
from seat_interp.evaluation.knowledge import PARAPHRASES
from seat_interp.facts import Fact
from seat_interp.facts.records import require_facts
from seat_interp.models.open import LanguageModel
from seat_interp.training.trainer import Callback, TrainConfig, TrainedModel, train

REFUSALS = (
    "I don't know.",
    "I'm sorry, but I do not know that.",
    "I have no information about {s}.",
    "I do not know anything about {s}.",
)
"""Our own paraphrases; `{s}` is what was asked about, and makes the abstention entity-naming."""


def align_abstention(
    base: LanguageModel,
    *,
    unknown: Sequence[Fact],
    known: Sequence[Fact],
    refusals: Sequence[str] = REFUSALS,
    paraphrases: Sequence[str] = PARAPHRASES,
    unknown_share: float = 0.5,
    config: TrainConfig | None = None,
    callback: Callback | None = None,
    checkpoint: str | Path | None = None,
) -> TrainedModel:
    """Fine-tune a copy of the base to refuse the unknown and to go on answering the known.

    Args:
        base: Any causal LM; it stays as it was.
        unknown: Facts that it cannot answer; their own answers are not used.
        known: Facts with the answers that it should keep giving.
        refusals: Replies; one with `{s}` is only used for a fact with a subject.
        paraphrases: Patterns of questions, one drawn for each example, known or not: trained in one wording only, a
            model learns that any other is unknown ground.
        unknown_share: Share of the training examples that are refusals.
        config: Optimiser and schedule; the defaults of `TrainConfig` if None.
        callback: Function of the model during the training, see `train`.
        checkpoint: File to save to and to resume from.

    Returns:
        The tuned model with its log.

    Raises:
        SeatError: A set is empty, or a known fact has no answer.

    Example:
        >>> config = si.TrainConfig(steps=2, batch_size=4)
        >>> aligned = si.align_abstention(lm, unknown=facts.unknown[:4], known=facts.known[:4], config=config)
        >>> len(aligned.log)
        2
    """
    require_facts(unknown=unknown, known=known)
    if not unknown or not known:
        raise SeatError(f"Alignment needs both kinds: there are {len(unknown)} unknown and {len(known)} known facts.")
    config = config or TrainConfig(steps=80, batch_size=16, learning_rate=2e-5)
    rng = random.Random(config.seed)
    count = config.steps * config.batch_size
    refused = [_refuse(unknown[i % len(unknown)], refusals, rng) for i in range(round(count * unknown_share))]
    answered = [known[i % len(known)] for i in range(count - len(refused))]
    asked = [_ask(fact, rng.choice(paraphrases)) for fact in refused + answered]
    return train(base, asked, config=config, callback=callback, checkpoint=checkpoint, label="Aligning")


def _ask(fact: Fact, wording: str) -> Fact:
    return replace(fact, question=wording.format(q=fact.question), spans=())


def _refuse(fact: Fact, refusals: Sequence[str], rng: random.Random) -> Fact:
    subject = " and ".join(fact.entities) or fact.subject
    usable = [text for text in refusals if subject or "{s}" not in text]
    if not usable:
        raise SeatError(
            f"Every refusal names the subject, but {fact.question!r} has none. Add a refusal without {{s}}."
        )
    return replace(fact, answer=rng.choice(usable).format(s=subject))
