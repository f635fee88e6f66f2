"""Fact sources as they are written on a command line: files, folders, groups within them, hub data sets."""

from collections.abc import Sequence

from seat_interp.core.errors import SeatError
from seat_interp.facts.readers import read_facts, read_hub, slick_categories
from seat_interp.facts.records import Fact

_HUB = "hf:"


def read_sources(sources: Sequence[str]) -> list[Fact]:
    """Read the facts of several sources and join them.

    A source is a file or folder in any known format; `FILE#GROUP,GROUP` for some of its groups (the edges of PISTOL,
    the authors of TOFU, the categories of SLiCK); or `hf:DATASET#SPLIT` for a split of a data set of the Hugging Face
    hub, `train` if none is named, with columns `question`, `answer` and, where entities are to be perturbed, `subject`.

    Args:
        sources: Sources, one or more.

    Returns:
        The facts, in the order of the sources.

    Raises:
        SeatError: A source is missing, empty or of no known format, or has no such group.
    """
    return [fact for source in sources for fact in _read(source)]


def thinned_facts(facts: Sequence[Fact], most: int) -> list[Fact]:
    """Return at most `most` facts, evenly spaced: the first of each of as many equal parts.

    Args:
        facts: Facts in their order.
        most: Highest number of facts.

    Returns:
        The facts themselves if there are no more of them.
    """
    if len(facts) <= most:
        return list(facts)
    return [facts[index * len(facts) // most] for index in range(most)]


def _read(source: str) -> list[Fact]:
    if source.startswith(_HUB):
        name, _, split = source.removeprefix(_HUB).partition("#")
        return read_hub(name, split=split or "train")
    path, _, wanted = source.partition("#")
    facts = read_facts(path)
    if not wanted:
        return facts
    groups = wanted.split(",")
    of = slick_categories(path) or [fact.group for fact in facts]
    present = dict.fromkeys(of)
    if missing := [group for group in groups if group not in present]:
        raise SeatError(f"{path} has no group {missing[0]!r}. It has {', '.join(list(present)[:30])}.")
    return [fact for fact, group in zip(facts, of) if group in groups]
