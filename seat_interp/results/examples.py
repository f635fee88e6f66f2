"""Which replies a report shows: the same prompts before and after, first those whose label an arm changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seat_interp.errors import SeatError
from seat_interp.results.folder import RunFolder

ORDER = ("unknown", "neighbour", "cross_domain", "unverifiable", "known", "target", "rewordings")


@dataclass(frozen=True)
class Example:
    """One question with the record of the base and of each arm."""

    question: str
    answer: str
    replies: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class SetExamples:
    """What is shown of one probe set.

    Attributes:
        name: of the set.
        total: prompts in it.
        changed: how many labels each arm changed.
        shown: the examples.
    """

    name: str
    total: int
    changed: dict[str, int]
    shown: tuple[Example, ...]


def choose_examples(folder: RunFolder, count: int = 6) -> list[SetExamples]:
    """Examples of every set, from the first seed of each arm.

    The choice is the same every time: evenly spaced over the prompts whose label some arm changed, and if
    these are too few, filled up with evenly spaced others.

    Args:
        folder: of the study.
        count: examples a set.

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
    by_set: dict[str, list[tuple[Mapping[str, Any], ...]]] = {}
    for replies in zip(*columns):
        by_set.setdefault(replies[0]["set_name"], []).append(replies)
    names = sorted(by_set, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    return [_of_set(name, by_set[name], folder.arms, count) for name in names]


def _of_set(
    name: str, prompts: Sequence[tuple[Mapping[str, Any], ...]], arms: Sequence[str], count: int
) -> SetExamples:
    changed = [n for n, (base, *tuned) in enumerate(prompts) if any(r["label"] != base["label"] for r in tuned)]
    chosen = _spread(changed, count)
    chosen += _spread([n for n in range(len(prompts)) if n not in set(changed)], count - len(chosen))
    return SetExamples(
        name=name,
        total=len(prompts),
        changed={
            arm: sum(replies[0]["label"] != replies[at]["label"] for replies in prompts)
            for at, arm in enumerate(arms, 1)
        },
        shown=tuple(Example(prompts[n][0]["question"], prompts[n][0]["answer"], prompts[n]) for n in sorted(chosen)),
    )


def _spread(numbers: Sequence[int], count: int) -> list[int]:
    """At most `count` of the numbers, evenly spaced: neighbours in a file tend to ask the same thing."""
    if not numbers or count <= 0:
        return []
    at = np.linspace(0, len(numbers) - 1, min(count, len(numbers))).round().astype(int)
    return [numbers[index] for index in dict.fromkeys(at.tolist())]
