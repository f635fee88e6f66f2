"""The same prompts before and after: the replies of every model side by side, and as the page's filters read them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seat_interp.core.errors import SeatError
from seat_interp.evaluation.score import Label
from seat_interp.plot.style import spaced
from seat_interp.plot.wording import arm_name, set_label
from seat_interp.studies.run_folder import RunFolder

ORDER = ("unknown", "neighbour", "cross_domain", "unverifiable", "known", "target", "paraphrases")
MOST_CHARACTERS = 4_000_000
"""Of questions, answers and replies in a page; of a larger run each set is thinned, and the page says so."""

Record = Mapping[str, Any]
Prompt = tuple[Record, ...]
"""The records of one question, one for each column."""


@dataclass(frozen=True)
class SideBySide:
    """Replies of several models to the same prompts.

    Attributes:
        columns: Names of the base and the arms.
        bases: Index of the column that each column was fine-tuned from; a base's is its own.
        sets: Prompts by evaluation set.
    """

    columns: tuple[str, ...]
    bases: tuple[int, ...]
    sets: dict[str, list[Prompt]]


@dataclass(frozen=True)
class PageReplies:
    """Replies that a page holds.

    Attributes:
        data: Data for the page's script. `prompts` has for each its set, question, right answer, labels and replies.
        places: Numbers in `prompts`, by set and the prompt's number in its set.
        most: Largest number of prompts kept of each set, or None if all are.
    """

    data: dict[str, Any]
    places: dict[tuple[str, int], int]
    most: int | None


def side_by_side(folder: RunFolder) -> SideBySide:
    """The base and the first seed of each arm.

    Raises:
        SeatError: an arm was not asked the same questions as the base.
    """
    runs = [folder.base, *(folder.of_arm(arm)[0] for arm in folder.arms)]
    columns = [run.records for run in runs]
    for run, rows in zip(runs, columns):
        if [(r["set_name"], r["question"]) for r in rows] != [(r["set_name"], r["question"]) for r in columns[0]]:
            raise SeatError(
                f"{run.path / 'records.jsonl'} does not hold the questions of the base, so replies cannot be "
                "put side by side. Remove that run's folder and run the same command again."
            )
    sets: dict[str, list[Prompt]] = {}
    for prompt in zip(*columns):
        sets.setdefault(prompt[0]["set_name"], []).append(prompt)
    return SideBySide((folder.base.arm, *folder.arms), (0,) * len(runs), in_order(sets))


def in_order(sets: Mapping[str, list[Prompt]]) -> dict[str, list[Prompt]]:
    """Sets on which to abstain first, then the others."""

    def place(name: str) -> tuple[int, str]:
        return (ORDER.index(name) if name in ORDER else len(ORDER), name)

    return {name: sets[name] for name in sorted(sets, key=place)}


def for_page(replies: SideBySide, wanted: Mapping[str, Iterable[int]] | None = None) -> PageReplies:
    """Choose what a page holds of the replies, within its size.

    Args:
        replies: All replies.
        wanted: Numbers of prompts by set that must be there.
    """
    most = _most(replies.sets)
    labels = list(dict.fromkeys([*map(str, Label), *(r["label"] for s in replies.sets.values() for p in s for r in p)]))
    prompts: list[list[Any]] = []
    places = {}
    for number, (name, asked) in enumerate(replies.sets.items()):
        for at in sorted({*spaced(len(asked), most), *(wanted or {}).get(name, ())}):
            places[name, at] = len(prompts)
            first = asked[at][0]
            cells = [[labels.index(r["label"]) for r in asked[at]], [r["reply"] for r in asked[at]]]
            prompts.append([number, first["question"], first["answer"], *cells])
    data = {
        "columns": [arm_name(column) for column in replies.columns],
        "bases": list(replies.bases),
        "sets": [set_label(name) for name in replies.sets],
        "labels": labels,
        "prompts": prompts,
    }
    return PageReplies(data, places, most if most < max(map(len, replies.sets.values()), default=0) else None)


def _most(sets: Mapping[str, Sequence[Prompt]]) -> int:
    """How many prompts of each set fit into the page."""
    sizes = [len(prompts) for prompts in sets.values()]
    characters = sum(len(r["question"]) + len(r["reply"]) for of_set in sets.values() for p in of_set for r in p)
    room = sum(sizes) * min(1.0, MOST_CHARACTERS / max(characters, 1))
    return next((most for most in range(max(sizes, default=0), 1, -1) if sum(min(n, most) for n in sizes) <= room), 1)


@dataclass(frozen=True)
class ShownPrompt:
    """One question with the record of each column."""

    question: str
    answer: str
    replies: Prompt


@dataclass(frozen=True)
class SetExamples:
    """Examples of one evaluation set.

    Attributes:
        name: Name of the set.
        total: Number of prompts in it.
        changed: Number of labels by column that differ from those of the model that it was fine-tuned from.
        shown: Examples.
    """

    name: str
    total: int
    changed: dict[str, int]
    shown: tuple[ShownPrompt, ...]


def choose_examples(replies: SideBySide, count: int = 6) -> list[SetExamples]:
    """Choose prompts of each set that show what changed.

    Args:
        replies: All replies.
        count: Number of prompts of each set.
    """
    return [_of_set(replies, name, count) for name in replies.sets]


def _of_set(replies: SideBySide, name: str, count: int) -> SetExamples:
    prompts = replies.sets[name]
    tuned = [(column, base) for column, base in enumerate(replies.bases) if column != base]

    def changed(prompt: Prompt, column: int, base: int) -> bool:
        return prompt[column]["label"] != prompt[base]["label"]

    moved = [n for n, prompt in enumerate(prompts) if any(changed(prompt, *pair) for pair in tuned)]
    others = sorted(set(range(len(prompts))) - set(moved))
    chosen = _spread(moved, count)
    chosen += _spread(others, count - len(chosen))
    return SetExamples(
        name=name,
        total=len(prompts),
        changed={replies.columns[pair[0]]: sum(changed(prompt, *pair) for prompt in prompts) for pair in tuned},
        shown=tuple(
            ShownPrompt(prompts[n][0]["question"], prompts[n][0]["answer"], prompts[n]) for n in sorted(chosen)
        ),
    )


def _spread(numbers: Sequence[int], count: int) -> list[int]:
    """At most `count` of the numbers, evenly spaced: neighbours in a file tend to ask the same thing."""
    return [numbers[at] for at in spaced(len(numbers), count)]
