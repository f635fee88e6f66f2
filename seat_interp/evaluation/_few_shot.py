"""Few-shot prompts: a question behind others of its relation with answers, as plain lines or as a conversation."""

import random
from collections.abc import Sequence

from seat_interp.core.errors import SeatError
from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel
from seat_interp.models.prompts import conversation_text, most_tokens


def draw_exemplars(
    facts: Sequence[Fact], dev: Sequence[Fact], *, prompts: int, exemplars: int, seed: int = 0
) -> dict[str, list[tuple[Fact, ...]]]:
    """By relation of the facts, so many draws of exemplars from the dev split, the same for all facts of the relation.

    A dev fact about the subject of one of the facts is left out: it might give the answer away.

    Raises:
        SeatError: a fact without a relation, or the dev split has too few facts of one.
    """
    if exemplars and (bare := next((fact for fact in facts if not fact.relation), None)):
        raise SeatError(f"The fact {bare.question!r} has no relation, so no exemplar is like it. Give it one.")
    asked = {fact.subject for fact in facts if fact.subject} | {fact.question for fact in facts}
    drawn = {}
    for relation in dict.fromkeys(fact.relation for fact in facts):
        pool = [f for f in dev if f.relation == relation and f.accepted() and not asked & {f.subject, f.question}]
        if len(pool) < exemplars:
            raise SeatError(
                f"The dev split has {len(pool)} facts of the relation {relation!r} about other subjects; {exemplars} "
                "exemplars a prompt need as many. Give a larger dev split, or fewer exemplars."
            )
        rng = random.Random(f"{seed} {relation}")
        drawn[relation] = [tuple(rng.sample(pool, exemplars)) for _ in range(prompts)]
    return drawn


def few_shot_ids(
    lm: LanguageModel, question: str, exemplars: Sequence[Fact], *, chat: bool, room: int = 1
) -> list[int]:
    """Tokenize a question behind its exemplars, ready for the answer.

    Args:
        lm: Model whose tokenizer is used.
        question: Question, without any template.
        exemplars: Facts with their answers, of which the object alone is shown.
        chat: Whether exemplars are turns of a conversation in the model's template; else lines "Q: ..." and "A: ..."
            (arXiv 2405.05904).
        room: Number of tokens that must fit behind it.

    Raises:
        SeatError: The prompt is too long for the model, or a conversation is refused by the template.
    """
    ids = _as_turns(lm, question, exemplars) if chat else _as_lines(lm, question, exemplars)
    if (most := most_tokens(lm)) is not None and len(ids) + room > most:
        raise SeatError(
            f"The prompt of {question[:60]!r}... has {len(ids)} tokens with its exemplars; {lm.name!r} takes {most}, "
            f"the {room} of the answer among them. Give fewer exemplars, or allow shorter answers."
        )
    return ids


def _as_lines(lm: LanguageModel, question: str, exemplars: Sequence[Fact]) -> list[int]:
    lines = "".join(f"Q: {fact.question}\nA: {fact.accepted()[0]}\n" for fact in exemplars)
    return lm.tokenizer(f"{lines}Q: {question}\nA:", add_special_tokens=True)["input_ids"]


def _as_turns(lm: LanguageModel, question: str, exemplars: Sequence[Fact]) -> list[int]:
    if lm.tokenizer.chat_template is None:
        raise SeatError(f"{lm.name!r} has no chat template. Ask in plain lines, without chat.")
    turns = []
    for fact in exemplars:
        turns.append({"role": "user", "content": fact.question})
        turns.append({"role": "assistant", "content": fact.accepted()[0]})
    turns.append({"role": "user", "content": question})
    return lm.tokenizer(conversation_text(lm, turns), add_special_tokens=False)["input_ids"]
