"""Training sets of known and unknown facts at a fixed size and mix of relations, as 2405.05904 varies them."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from seat_interp.core.errors import SeatError
from seat_interp.facts import Fact

Sizes = Mapping[str, int]
"""Facts of each relation."""


@dataclass(frozen=True)
class Mixture:
    """A training set of both kinds."""

    known: tuple[Fact, ...]
    unknown: tuple[Fact, ...]

    @property
    def facts(self) -> list[Fact]:
        """All of them, known ones first; the trainer shuffles."""
        return [*self.known, *self.unknown]

    def known_alone(self) -> "Mixture":
        """The control D_Known: the same set without its unknown facts, so a smaller one."""
        return Mixture(self.known, ())


def sizes_for(*kinds: Sequence[Fact]) -> dict[str, int]:
    """For each relation as many facts as every kind has of it: the size of all variants.

    Args:
        kinds: facts of each kind, such as known and unknown ones, or the four categories.

    Raises:
        SeatError: no relation that they all have.
    """
    counts = [Counter(fact.relation for fact in kind) for kind in kinds]
    shared = {relation: min(count[relation] for count in counts) for relation in counts[0]}
    found = {relation: size for relation, size in shared.items() if size}
    if not found:
        raise SeatError("There is no relation of which each kind has a fact, so no mixture of them. Give more facts.")
    return found


def draw(facts: Sequence[Fact], sizes: Sizes, seed: int = 0) -> list[Fact]:
    """So many facts of each relation, at random; with a larger size and the same seed all of them come again.

    Raises:
        SeatError: there are fewer.
    """
    drawn = []
    for relation, size in sizes.items():
        same = [fact for fact in facts if fact.relation == relation]
        if len(same) < size:
            raise SeatError(f"{size} facts of the relation {relation!r} are wanted and there are {len(same)}.")
        drawn += random.Random(f"{seed} {relation}").sample(same, len(same))[:size]
    return drawn


def mix(
    known: Sequence[Fact], unknown: Sequence[Fact], share: float, *, sizes: Sizes | None = None, seed: int = 0
) -> Mixture:
    """A share of unknown facts, the rest known, the same in every relation.

    Args:
        known: of any category but Unknown.
        unknown: those.
        share: of unknown facts, 0 to 1.
        sizes: facts of each relation in all; as many as both kinds have if not given.
        seed: of the draw.

    Raises:
        SeatError: the share is out of range, or there are too few facts.
    """
    if not 0 <= share <= 1:
        raise SeatError(f"The share of unknown facts is {share}; it must be from 0 to 1.")
    sizes = sizes_for(known, unknown) if sizes is None else sizes
    new = {relation: round(share * size) for relation, size in sizes.items()}
    old = {relation: size - new[relation] for relation, size in sizes.items()}
    return Mixture(tuple(draw(known, old, seed)), tuple(draw(unknown, new, seed)))


def relabel(facts: Sequence[Fact], replies: Sequence[str] = ("I do not know.",), seed: int = 0) -> list[Fact]:
    """The facts with an admission of ignorance for an answer, the paper's D_IDK; `{s}` stands for the subject.

    Raises:
        SeatError: no reply is given, or all name a subject and a fact has none.
    """
    rng, relabelled = random.Random(seed), []
    for fact in facts:
        usable = [reply for reply in replies if fact.subject or "{s}" not in reply]
        if not usable:
            raise SeatError(f"No reply fits {fact.question!r}. Give one that does not name the subject.")
        relabelled.append(replace(fact, answer=rng.choice(usable).format(s=fact.subject), object="", aliases=()))
    return relabelled
