"""Readers for LUNAR's own questions (arXiv 2502.07218): unverifiable ones, real facts.

Each reader returns one `Fact` a row, in the order of the file. The data stay where the user has them; none
are shipped with the package.
"""

import re
from pathlib import Path

from seat_interp.core.errors import SeatError
from seat_interp.facts._rows import columns, load_rows
from seat_interp.facts.records import Fact, Span

# LUNAR's unverifiable questions: relation, and the words before the invented token.
_UNVERIFIABLE = {
    "dish_ingredients": "dish from",
    "planet_capital": "planet called",
    "sport_rules": "sport",
    "creature_lifespan": "creature from",
    "land_president": "land of",
    "technology_function": "technology",
    "event_date": "When did the",
    "country_currency": "country",
    "object_history": "object",
    "phenomenon_physics": "phenomenon",
}


def read_unverifiable(path: str | Path) -> list[Fact]:
    """Read LUNAR's questions on invented things (arXiv 2502.07218): rows {instruction}; nothing is a right answer.

    The invented token is the only span: 7 capital letters are an upper_place, 7 to 12 small ones a lower_thing. A
    question of none of the ten forms has no span.

    Args:
        path: Path of the file.

    Returns:
        Facts without answers.

    Raises:
        SeatError: The rows have other fields, or no question has one of the ten forms.
    """
    facts = []
    for (question,) in columns(path, load_rows(path), "instruction"):
        fact = Fact(question=question)
        for relation, before in _UNVERIFIABLE.items():
            if match := re.search(rf"\b{before} ([A-Z]{{7}}|[a-z]{{7,12}})\b", question):
                spans = (Span(*match.span(1), "upper_place" if match[1].isupper() else "lower_thing"),)
                fact = Fact(question=question, subject=match[1], relation=relation, spans=spans)
                break
        facts.append(fact)
    if not any(fact.spans for fact in facts):
        raise SeatError(f"{path}: no instruction asks about an invented thing as LUNAR's unverifiable questions do.")
    return facts


def read_factual(path: str | Path) -> list[Fact]:
    """Read LUNAR's real facts: rows {question, answer, edge}; spans are only the titles in single quotes.

    `edge` is LUNAR's own split (retain or forget), not something that facts belong to: it is no group here.

    Args:
        path: Path of the file.

    Returns:
        The facts.
    """
    facts = []
    for question, answer, _ in columns(path, load_rows(path), "question", "answer", "edge"):
        # An apostrophe inside a word ("The Servant's Tale") is no quote.
        titles = [match.span(1) for match in re.finditer(r"(?<!\w)'(.+?)'(?!\w)", question)]
        facts.append(
            Fact(
                question=question,
                answer=answer,
                subject=question[slice(*titles[0])] if titles else "",
                object=answer.removesuffix("."),
                spans=tuple(Span(*title, "title") for title in titles),
            )
        )
    return facts
