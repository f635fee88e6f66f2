"""What a model knows: let it answer first, and keep what it got right."""

import re
from collections.abc import Sequence
from dataclasses import replace

import torch

from seat_interp.core.errors import SeatError
from seat_interp.evaluation.abstention import is_abstention
from seat_interp.evaluation.generate import generate, replies
from seat_interp.evaluation.score import Label, label
from seat_interp.facts import Fact
from seat_interp.facts.records import require_facts
from seat_interp.models.open import LanguageModel
from seat_interp.models.prompts import batches_by_length, encode_replies, reply_logits

PARAPHRASES = (
    "{q}",
    "Please answer this question. {q}",
    "{q} Answer in one short sentence.",
    "Quick quiz: {q}",
    "Here is a question: {q}",
)
"""Ways to ask; a fact counts as known if it is answered right in each. Ours."""


def split_by_knowledge(
    lm: LanguageModel,
    facts: Sequence[Fact],
    *,
    paraphrases: Sequence[str] = PARAPHRASES,
    max_new_tokens: int = 32,
    batch_size: int = 64,
) -> tuple[list[Fact], list[Fact]]:
    """Split facts in those whose greedy reply is right in its first sentence in every paraphrase, and the others.

    The answer of a known fact becomes the model's own first sentence, so that training on it teaches no new style. A
    question that holds its own answer ("the capital of Singapore") shows nothing and is not known; nor is one whose
    reply does not come to the end of a sentence.

    Args:
        lm: Model with its tokenizer.
        facts: Facts with answers.
        paraphrases: Patterns with `{q}` for the question.
        max_new_tokens: Largest number of tokens in a reply.
        batch_size: Number of prompts in a forward pass.

    Returns:
        Known facts, and facts that are not known.

    Raises:
        SeatError: A fact has no accepted answer to compare with, or a paraphrase has no place for the question.

    Example:
        >>> known, not_known = si.split_by_knowledge(lm, facts.known[:4], paraphrases=["{q}"])
        >>> len(known) + len(not_known)
        4
    """
    require_facts(facts=facts)
    if bad := next((wording for wording in paraphrases if "{q}" not in wording), None):
        raise SeatError(f"The wording {bad!r} has no place for the question. Write {{q}} where it stands.")
    if bare := next((fact for fact in facts if not fact.accepted()), None):
        raise SeatError(f"The fact {bare.question!r} has no answer, so nobody can tell whether the model knows it.")
    known = {i: "" for i, fact in enumerate(facts) if label(fact.question, fact) is not Label.CORRECT}
    for number, wording in enumerate(paraphrases):
        if not known:
            break
        asked = [wording.format(q=facts[index].question) for index in known]
        replies = generate(lm, asked, max_new_tokens=max_new_tokens, batch_size=batch_size)
        sentences = {index: _first_sentence(reply) for index, reply in zip(known, replies)}
        known = {
            index: known[index] or sentence
            for index, sentence in sentences.items()
            if label(sentence, facts[index]) is Label.CORRECT and (number or sentence[-1:] in ".!?")
        }
    known_facts = [replace(facts[i], answer=sentence, object=facts[i].accepted()[0]) for i, sentence in known.items()]
    return known_facts, [fact for index, fact in enumerate(facts) if index not in known]


def _first_sentence(text: str) -> str:
    """Up to the first full stop, question or exclamation mark that ends a sentence, or the first line."""
    line = text.strip().split("\n", 1)[0]
    # A single capital or a short title before the stop ("J. R. R.", "Dr.") does not end a sentence.
    end = re.search(r"(?<!\b[A-Z])(?<!\b[DMS][rst])(?<!\bMrs)[.!?](?=\s|$)", line)
    return line[: end.end()] if end else line


@torch.no_grad()
def confident(
    lm: LanguageModel, facts: Sequence[Fact], *, least: float = 0.9, max_new_tokens: int = 32, batch_size: int = 32
) -> list[Fact]:
    """Return the facts that the model answers with confidence and does not abstain on; their own answers are not used.

    Args:
        lm: Model with its tokenizer.
        facts: Questions of any kind.
        least: Lowest geometric mean of the probabilities of the reply's tokens.
        max_new_tokens: Largest number of tokens in a reply.
        batch_size: Number of prompts in a forward pass.

    Returns:
        Some of the facts, in their order.

    Raises:
        SeatError: There are no facts, or as `replies`.
    """
    questions = [fact.question for fact in facts]
    answers = replies(lm, questions, max_new_tokens=max_new_tokens, batch_size=batch_size)
    examples = encode_replies(lm, questions, [reply.ids for reply in answers])
    sure: dict[int, float] = {}
    for group in batches_by_length([len(example.ids) for example in examples], batch_size):
        batch = [examples[index] for index in group]
        for index, example, row in zip(group, batch, reply_logits(lm, batch, [example.start for example in batch])):
            reply = torch.tensor(example.ids[example.start :], device=row.device)
            sure[index] = float(row.float().log_softmax(-1).gather(-1, reply[:, None]).mean().exp())
    return [f for i, f in enumerate(facts) if sure[i] >= least and not is_abstention(answers[i].text)]
