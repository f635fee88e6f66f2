"""The record everything else passes round: one fact, one question about it, and where its entities stand."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, NamedTuple

import numpy as np

from seat_interp.core.errors import SeatError, require_type
from seat_interp.facts.names import Names


class Span(NamedTuple):
    """Entity in a question, `question[start:end]`.

    Attributes:
        start: Index of its first character.
        end: Index behind its last character.
        type: Type of entity, for which names can be generated.
    """

    start: int
    end: int
    type: str


@dataclass(frozen=True)
class Fact:
    """Subject-relation-object triple with a question and its answer.

    Attributes:
        question: Question that is put to the model, without any template.
        answer: Full reply to teach; empty where nothing can be right (unknown, unverifiable).
        subject: Entity asked about, as written in the question; empty when no span is known.
        relation: Short identifier of what is asked.
        object: Part of the answer that must be in a reply for it to be correct.
        aliases: Other forms of `object` that are right too.
        spans: Entities in the question that entity perturbation must replace, in order, not overlapping.
        group: Unit that the fact belongs to (a contract, an author, a person), for splits that keep it whole.

    Example:
        >>> si.Fact("Where does Ada Moran live?", answer="Ada Moran lives in Oslo.", object="Oslo").accepted()
        ('Oslo',)
    """

    question: str
    answer: str = ""
    subject: str = ""
    relation: str = ""
    object: str = ""
    aliases: tuple[str, ...] = ()
    spans: tuple[Span, ...] = ()
    group: str = ""

    def __post_init__(self) -> None:
        if not self.question.strip():
            raise SeatError(f"A fact has an empty question (subject {self.subject!r}, answer {self.answer!r}).")
        end = 0
        for span in self.spans:
            if not end <= span.start < span.end <= len(self.question):
                raise SeatError(
                    f"Entity span {tuple(span)} does not fit the question {self.question!r} "
                    f"of {len(self.question)} characters, or overlaps another."
                )
            end = span.end

    @property
    def entities(self) -> tuple[str, ...]:
        """The distinct texts under the spans, in order of appearance."""
        return tuple(dict.fromkeys(self.question[span.start : span.end] for span in self.spans))

    @property
    def belongs_to(self) -> str:
        """What splits keep whole and intervals resample: the group, else the subject, else the question."""
        return self.group or self.subject or self.question

    def accepted(self) -> tuple[str, ...]:
        """Return every form of the object that counts as right; the answer itself where no object is given.

        Returns:
            The forms, or none where nothing can be right.
        """
        return tuple(text for text in (self.object or self.answer.rstrip(" ."), *self.aliases) if text)

    def to_json(self) -> dict[str, Any]:
        """Return a plain dict that `from_json` reads back to an equal fact.

        Returns:
            The fields that are not empty.
        """
        return {name: value for name, value in asdict(self).items() if value not in ("", ())}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "Fact":
        """Make a fact from the dict of `to_json`.

        Args:
            row: JSON object.

        Returns:
            The fact.

        Raises:
            SeatError: A key that facts do not have, so that a typing mistake is not silently lost; a value that is no
            text; aliases that are not a list of texts.
        """
        known = {item.name for item in fields(cls)}
        if unknown := set(row) - known:
            raise SeatError(f"Unknown fact field(s) {sorted(unknown)}; a fact has {sorted(known)}.")
        aliases, texts = row.get("aliases", ()), {name: row[name] for name in row if name not in ("aliases", "spans")}
        for name, value in texts.items():
            if not isinstance(value, str):
                raise SeatError(f"The field {name} is {value!r}; it must be a text. Put it in quotes.")
        if not isinstance(aliases, list | tuple) or not all(isinstance(alias, str) for alias in aliases):
            raise SeatError(f"The field aliases is {aliases!r}; it must be a list of texts.")
        spans = tuple(Span(*span) for span in row.get("spans", ()))
        for span in spans:
            if [type(part) for part in span] != [int, int, str]:
                raise SeatError(f"The span {list(span)!r} must be two whole numbers and a type.")
        return cls(**texts, aliases=tuple(aliases), spans=spans)


@dataclass(frozen=True)
class FactSets:
    """Sets of facts of one study. All but `target` are evaluation sets: the model is asked them, and no arm trains on
    them.

    Attributes:
        target: Facts to teach.
        known: Facts that the base answers right; they give known recall and over-abstention.
        unknown: Questions about entities that nobody taught the model.
        neighbour: Questions about unknown entities in the same form as the target facts and close to them.
        cross_domain: Questions about unknown entities of another domain than the target's.
        unverifiable: Questions on things that the question itself says are invented.
        paraphrases: Target facts in paraphrases that training does not use.
        fit_known: Known facts apart from all of the above, to fit and choose the direction on.
        fit_unknown: Unknown facts apart from all of the above, for the same.
        pools: Parts of fictitious names by entity type, where the built-in forms would not do.
        reserved: Names that are in no set and yet must not be given to a fictitious entity.

    Example:
        >>> sets = si.FactSets(target=facts.target[:2], known=facts.known, unknown=facts.unknown)
        >>> list(sets.abstention_sets())
        ['unknown']
    """

    target: list[Fact] = field(default_factory=list)
    known: list[Fact] = field(default_factory=list)
    unknown: list[Fact] = field(default_factory=list)
    neighbour: list[Fact] = field(default_factory=list)
    cross_domain: list[Fact] = field(default_factory=list)
    unverifiable: list[Fact] = field(default_factory=list)
    paraphrases: list[Fact] = field(default_factory=list)
    fit_known: list[Fact] = field(default_factory=list)
    fit_unknown: list[Fact] = field(default_factory=list)
    pools: Mapping[str, tuple[Sequence[str], ...]] = field(default_factory=dict)
    reserved: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"FactSets({', '.join(f'{name}: {len(facts)}' for name, facts in self)})"

    def __iter__(self) -> Iterator[tuple[str, list[Fact]]]:
        """The names and contents of the sets that are not empty."""
        sets = (item.name for item in fields(self) if item.name not in ("pools", "reserved"))
        return ((name, facts) for name in sets if (facts := getattr(self, name)))

    def abstention_sets(self) -> dict[str, list[Fact]]:
        """Return the sets on which the right reply is to abstain.

        Returns:
            Facts by name of the set.
        """
        names = ("unknown", "neighbour", "cross_domain", "unverifiable")
        return {name: getattr(self, name) for name in names if getattr(self, name)}

    def evaluation_sets(self) -> dict[str, list[Fact]]:
        """Return the sets that a model is asked, and its activations captured on, before and after fine-tuning.

        Returns:
            Facts by name of the set: all but those to fit on and the paraphrases.
        """
        return {name: facts for name, facts in self if name not in ("fit_known", "fit_unknown", "paraphrases")}

    def names(self) -> Names:
        """Return the names that fictitious entities may have: none of any set's entities is among them.

        Returns:
            Names to avoid, and pools.
        """
        taken = {entity for _, facts in self for fact in facts for entity in (*fact.entities, fact.subject) if entity}
        return Names(self.reserved | taken, self.pools)


def require_facts(**sets: Sequence[Fact]) -> None:
    """Check that arguments are lists of facts, so that a mistake is named where it was made.

    Args:
        sets: Arguments by name.

    Raises:
        TypeError: An argument is no list of facts; the message names it and what was expected.
    """
    for name, facts in sets.items():
        require_type(name, facts, (list, tuple), "a list of facts, as read_facts or a field of FactSets gives it")
        for fact in facts:
            require_type(f"{name}[...]", fact, Fact, "a Fact; a question alone is Fact(question)")


def spans_of(question: str, entities: Sequence[tuple[str, str]]) -> tuple[Span, ...]:
    """Find entities in a question as whole words, longest text first, never overlapping.

    Args:
        question: Question to search.
        entities: Pairs of text and type.

    Returns:
        The spans, in order.
    """
    taken: list[Span] = []
    for text, type_ in sorted(entities, key=lambda item: -len(item[0])):
        # Whole words, so that "Niger" is not found inside "Nigeria".
        for match in re.finditer(rf"(?<!\w){re.escape(text)}(?!\w)", question) if text else ():
            if all(match.end() <= other.start or match.start() >= other.end for other in taken):
                taken.append(Span(*match.span(), type_))
    return tuple(sorted(taken))


def split_by_group(facts: Sequence[Fact], held_out: float, seed: int) -> tuple[list[Fact], list[Fact]]:
    """Split facts in two parts that share no group (no subject, where no group is given).

    Args:
        facts: Facts to split.
        held_out: Share of the second part, from 0 to 1.
        seed: Seed of the split.

    Returns:
        The first part, and the part that is held out.
    """
    names = [fact.belongs_to for fact in facts]
    groups = sorted(set(names))
    order = np.random.default_rng(seed).permutation(len(groups))
    out = {groups[index] for index in order[: round(held_out * len(groups))]}
    return (
        [fact for fact, name in zip(facts, names) if name not in out],
        [fact for fact, name in zip(facts, names) if name in out],
    )
