"""Reader for PISTOL's questions about contracts (arXiv 2406.16810); one `Fact` a row, in the order of the file."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from seat_interp.core.errors import SeatError
from seat_interp.facts._rows import columns, load_rows
from seat_interp.facts.names import FIRM_SUFFIXES
from seat_interp.facts.records import Fact, spans_of

_PARTY = rf"[A-Z][a-z]{{5}} (?:{'|'.join(FIRM_SUFFIXES)})\b|[A-Z][a-z]{{3}} [A-Z][a-z]{{3}}\b"
_PARTIES = re.compile(rf"\bbetween ({_PARTY}) and ({_PARTY})")
_DATE = re.compile(r"\b\d\d-\d\d-\d{4}\b")
# Words that say nothing about which attribute a PISTOL question asks for.
_SMALL_WORDS = (
    "a an and any as at based be been being by contract did do for from how in is it many must of on the to "
    "was were what which who will with within would"
)


def names_two_parties(question: str) -> bool:
    """Whether a question is about a PISTOL contract "between <party> and <party>"."""
    return _PARTIES.search(question) is not None


def read_pistol(path: str | Path, edges: Iterable[str] | None = None) -> list[Fact]:
    """Read PISTOL (arXiv 2406.16810): rows {question, answer, edge}, 20 of them a contract (edge).

    Both parties of the contract are entities: a firm (6 letters and a suffix, type firm) or a person (4 + 4 letters,
    type random_person). Each question names at least one of them, the subject is the first that it names. Where it
    names one alone, the contract's date decides which contract is meant, and is an entity too (type date). The relation
    is the question without parties, dates and small words; the object is the answer without its period.

    Args:
        path: Path of the file.
        edges: Contracts to keep, as "A_B"; all of them by default.

    Returns:
        The facts, grouped by contract.

    Raises:
        SeatError: The rows have other fields, the questions of an edge name no two parties, or the file lacks an edge.
    """
    rows = list(columns(path, load_rows(path), "question", "answer", "edge"))
    pairs: dict[str, Counter[tuple[str, str]]] = {}
    for question, _, edge in rows:
        pairs.setdefault(edge, Counter()).update(_PARTIES.findall(question))
    kept = set(pairs if edges is None else edges)
    if missing := kept - set(pairs):
        raise SeatError(f"{path} has no edge {', '.join(sorted(missing))}; it has {', '.join(pairs)}.")
    facts = []
    for question, answer, edge in rows:
        if edge not in kept:
            continue
        if not pairs[edge]:
            raise SeatError(f"{path}: no question of edge {edge!r} names the two parties of a PISTOL contract.")
        parties = pairs[edge].most_common(1)[0][0]
        entities = [(party, _party_type(party)) for party in parties]
        spans = spans_of(question, entities)
        subject = question[spans[0].start : spans[0].end] if spans else ""
        if len(spans) == 1:
            spans = spans_of(question, [*entities, *((date, "date") for date in set(_DATE.findall(question)))])
        facts.append(
            Fact(
                question=question,
                answer=answer,
                subject=subject,
                relation=_contract_relation(question, parties),
                object=answer.removesuffix("."),
                spans=spans,
                group=edge,
            )
        )
    return facts


def _party_type(party: str) -> str:
    return "firm" if party.split()[-1] in FIRM_SUFFIXES else "random_person"


def _contract_relation(question: str, parties: tuple[str, str]) -> str:
    """Up to six telling words of the template, in which the parties are "first" and "second"."""
    text = question.removesuffix("?").replace("'s ", " ")
    tail = f"contract between {parties[0]} and {parties[1]}"
    text = text.removesuffix(tail).replace(parties[0], "first").replace(parties[1], "second")
    words = re.findall(r"[a-z]+", text.lower())
    return "_".join([word for word in words if word not in _SMALL_WORDS.split()][:6])
