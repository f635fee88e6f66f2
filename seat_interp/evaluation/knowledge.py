"""What a model knows: let it answer first, and keep what it got right."""

import re
from collections.abc import Sequence
from dataclasses import replace

from seat_interp.errors import SeatError
from seat_interp.evaluation.generate import generate
from seat_interp.evaluation.score import Label, label
from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel

WORDINGS = ("{q}", "Please answer this question. {q}")
"""Ways to ask; a fact counts as known if it is answered right in each. Ours."""


def split_by_knowledge(
    lm: LanguageModel,
    facts: Sequence[Fact],
    *,
    wordings: Sequence[str] = WORDINGS,
    max_new_tokens: int = 32,
    batch_size: int = 64,
) -> tuple[list[Fact], list[Fact]]:
    """(known, not known): facts whose greedy reply is right in its first sentence, in every wording, and the others.

    The answer of a known fact becomes that sentence of the model's own, so that training on it teaches no new
    style. A question that holds its own answer ("the capital of Singapore") shows nothing and is not known.

    Raises:
        SeatError: a fact has no accepted answer to compare with.
    """
    if bare := next((fact for fact in facts if not fact.accepted()), None):
        raise SeatError(f"The fact {bare.question!r} has no answer, so nobody can tell whether the model knows it.")
    questions = [wording.format(q=fact.question) for wording in wordings for fact in facts]
    replies = generate(lm, questions, max_new_tokens=max_new_tokens, batch_size=batch_size)
    sentences = [first_sentence(reply) for reply in replies]
    known, unknown = [], []
    for index, fact in enumerate(facts):
        tries = sentences[index :: len(facts)]
        right = all(label(sentence, fact) is Label.CORRECT for sentence in tries)
        if right and label(fact.question, fact) is not Label.CORRECT:
            known.append(replace(fact, answer=tries[0], object=fact.accepted()[0]))
        else:
            unknown.append(fact)
    return known, unknown


def first_sentence(text: str) -> str:
    """Up to the first full stop, question or exclamation mark that ends a sentence, or the first line."""
    line = text.strip().split("\n", 1)[0]
    # A single capital or a short title before the stop ("J. R. R.", "Dr.") does not end a sentence.
    found = re.search(r"(?<!\b[A-Z])(?<!\b[DMS][rst])(?<!\bMrs)[.!?](?=\s|$)", line)
    return line[: found.end()] if found else line
