"""Reader for TOFU (arXiv 2401.06121): 20 questions an invented author, whose name is no field of its own."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from seat_interp.core.errors import SeatError
from seat_interp.facts._rows import columns, load_rows
from seat_interp.facts.names import PARTICLES, parts_of_name
from seat_interp.facts.records import Fact, Span

ROWS_AN_AUTHOR = 20


def read_tofu(path: str | Path) -> list[Fact]:
    """Read a TOFU file (forget, retain, full; arXiv 2401.06121): rows {question, answer} in blocks of 20, one author
    each.

    The author's name is found in the block (see `author_of`). Its spans in a question are the full name or the part of
    it that stands there ("Vasquez", "Jaime"), of type person; rows that say "the author" have no span, nor has any row
    of the one author of the full set who is never named. The object is the whole answer, since TOFU marks no part of
    it, and the group is "author_<n>", counted from 0 within the file. Real authors and world facts (rows with option1,
    option2, ...) are real questions without blocks: plain question and answer, no spans.

    Args:
        path: Path of the file.

    Returns:
        The facts, grouped by author.

    Raises:
        SeatError: The rows have other fields, or their number is not a multiple of 20.
    """
    rows = load_rows(path)
    pairs = [(row[0], row[1]) for row in columns(path, rows, "question", "answer")]
    if "option1" in rows[0]:
        return [Fact(question=question, answer=answer, object=answer) for question, answer in pairs]
    if len(pairs) % ROWS_AN_AUTHOR:
        raise SeatError(
            f"{path} has {len(pairs)} rows, but TOFU has {ROWS_AN_AUTHOR} an author. Give a whole file, "
            "or read it as JSON lines with a subject in each row."
        )
    facts = []
    for start in range(0, len(pairs), ROWS_AN_AUTHOR):
        block = pairs[start : start + ROWS_AN_AUTHOR]
        name = author_of([question for question, _ in block])
        for question, answer in block:
            matches = [match.span() for match in re.finditer(parts_of_name(name), question)] if name else []
            facts.append(
                Fact(
                    question=question,
                    answer=answer,
                    subject=max((question[slice(*span)] for span in matches), key=len, default=""),
                    object=answer,
                    spans=tuple(Span(*span, "person") for span in matches),
                    group=f"author_{start // ROWS_AN_AUTHOR}",
                )
            )
    return facts


def looks_like_tofu(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether rows are of TOFU: with options, or question and answer only, 20 on each named author."""
    if "option1" in rows[0]:
        return True
    if any(set(row) != {"question", "answer"} for row in rows) or len(rows) % ROWS_AN_AUTHOR:
        return False
    return bool(author_of([str(row["question"]) for row in rows[:ROWS_AN_AUTHOR]]))


def author_of(questions: Sequence[str]) -> str:
    """The full name that a block's questions share, or "" where no name is in half of them.

    Counted are all runs of two to five capitalised words (particles such as "van der" and a nickname in
    parentheses inside). The full name is the most frequent run or the longest one around it that is nearly as
    frequent: "Maria Estela Gutierrez" rather than "Maria Estela", and not "Has Maria Estela Gutierrez".
    """
    counts: Counter[str] = Counter()
    for question in questions:
        counts.update(set(_runs(question)))
    if not counts:
        return ""
    core = max(counts, key=lambda run: (counts[run], len(run), run))
    if counts[core] < len(questions) / 2:
        return ""
    around = [run for run, count in counts.items() if core in run and count >= 0.75 * counts[core]]
    return max(around, key=lambda run: (len(run), run))


def _runs(text: str) -> Iterator[str]:
    """All runs of two to five words that may be a name, without a possessive at the end."""
    words: list[str] = []
    for word in [*re.findall(r"\(?\w[\w'’-]*\)?|[^\w\s]", text), "."]:
        bare = re.sub(r"['’]s?$", "", word)
        is_name = bare[:1].isupper() or re.fullmatch(r"\(\w+\)", bare) or bare in PARTICLES
        if is_name:
            words.append(bare)
        if not is_name or bare != word:
            for start in range(len(words)):
                for end in range(start + 2, min(start + 5, len(words)) + 1):
                    if words[start][0].isupper() and words[end - 1][0].isupper():
                        yield " ".join(words[start:end])
            words = []
