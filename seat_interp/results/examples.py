"""Which replies a report prints: the same prompts before and after, first those whose label an arm changed."""

from collections.abc import Sequence
from dataclasses import dataclass

from seat_interp.results.replies import Prompt, SideBySide
from seat_interp.spacing import spaced


@dataclass(frozen=True)
class ShownPrompt:
    """One question with the record of each column."""

    question: str
    answer: str
    replies: Prompt


@dataclass(frozen=True)
class SetExamples:
    """What is shown of one probe set.

    Attributes:
        name: of the set.
        total: prompts in it.
        changed: by column, how many labels are not those of the model that it was fine-tuned from.
        shown: the examples.
    """

    name: str
    total: int
    changed: dict[str, int]
    shown: tuple[ShownPrompt, ...]


def choose_examples(found: SideBySide, count: int = 6) -> list[SetExamples]:
    """Examples of every set.

    The choice is the same every time: evenly spaced over the prompts whose label some arm changed, and if
    these are too few, filled up with evenly spaced others.

    Args:
        found: all replies.
        count: examples a set.
    """
    return [_of_set(found, name, count) for name in found.sets]


def _of_set(found: SideBySide, name: str, count: int) -> SetExamples:
    prompts = found.sets[name]
    tuned = [(column, base) for column, base in enumerate(found.bases) if column != base]

    def changed(prompt: Prompt, column: int, base: int) -> bool:
        return prompt[column]["label"] != prompt[base]["label"]

    moved = [n for n, prompt in enumerate(prompts) if any(changed(prompt, *pair) for pair in tuned)]
    others = sorted(set(range(len(prompts))) - set(moved))
    chosen = _spread(moved, count)
    chosen += _spread(others, count - len(chosen))
    return SetExamples(
        name=name,
        total=len(prompts),
        changed={found.columns[pair[0]]: sum(changed(prompt, *pair) for prompt in prompts) for pair in tuned},
        shown=tuple(
            ShownPrompt(prompts[n][0]["question"], prompts[n][0]["answer"], prompts[n]) for n in sorted(chosen)
        ),
    )


def _spread(numbers: Sequence[int], count: int) -> list[int]:
    """At most `count` of the numbers, evenly spaced: neighbours in a file tend to ask the same thing."""
    return [numbers[at] for at in spaced(len(numbers), count)]
