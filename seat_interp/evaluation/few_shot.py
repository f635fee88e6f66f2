"""Few-shot prompts: a question behind others of its relation with answers, as plain lines or as a conversation."""

import random
from collections.abc import Sequence

from seat_interp.errors import SeatError
from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel


def draw_exemplars(
    facts: Sequence[Fact], dev: Sequence[Fact], *, prompts: int, exemplars: int, seed: int = 0
) -> dict[str, list[tuple[Fact, ...]]]:
    """By relation of the facts, so many draws of exemplars from the dev split, the same for all facts of the relation.

    A dev fact about the subject of one of the facts is left out: it might give the answer away.

    Raises:
        SeatError: the dev split has too few facts of a relation.
    """
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


def few_shot_ids(lm: LanguageModel, question: str, exemplars: Sequence[Fact], *, chat: bool) -> list[int]:
    """Token ids of a question behind its exemplars, ready for the answer.

    Args:
        lm: the model whose tokenizer to use.
        question: as asked.
        exemplars: with their answers, the object alone.
        chat: exemplars as turns of a conversation in the model's template; else lines "Q: ..." and "A: ..." (arXiv
            2405.05904).

    Raises:
        SeatError: a conversation with a model that has no template.
    """
    if not chat:
        lines = "".join(f"Q: {each.question}\nA: {each.accepted()[0]}\n" for each in exemplars)
        return lm.tokenizer(f"{lines}Q: {question}\nA:", add_special_tokens=True)["input_ids"]
    if lm.tokenizer.chat_template is None:
        raise SeatError(f"{lm.name!r} has no chat template. Ask in plain lines, without chat.")
    turns = [] if lm.system is None else [{"role": "system", "content": lm.system}]
    for each in exemplars:
        turns.append({"role": "user", "content": each.question})
        turns.append({"role": "assistant", "content": each.accepted()[0]})
    turns.append({"role": "user", "content": question})
    text = lm.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    return lm.tokenizer(text, add_special_tokens=False)["input_ids"]
