"""Entity perturbation: facts in which the entities are replaced by fictitious ones and all else is as it was.

SEAT (arXiv 2506.14387, section 3) pairs each training example with a copy whose subject entity is replaced by
a random fictitious alternative, the rest of the context unchanged. Where the names come from is ours
(`names`), and so is that all entities under the spans are replaced, not only the subject: in a PISTOL
contract both parties are unknown.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from seat_interp.core.errors import SeatError
from seat_interp.facts.names import PERSON_TYPES, NameGenerator, Names, matching_part, parts_of_name
from seat_interp.facts.records import Fact, Span


def perturb(fact: Fact, names: NameGenerator | None = None) -> Fact:
    """Return a fact's entity-perturbed version, about entities that do not exist (SEAT, arXiv 2506.14387, section 4).

    Each distinct entity under the spans gets one fresh name of its type, everywhere in the question and, as a whole
    word, in subject, answer, object and aliases. A person's short form follows the full name: with "Ada Moran" as
    "Tobin Halvek", "Moran" becomes "Halvek", in the answer too. Text of the question outside the spans, relation and
    group stay. The answer of the new fact is in general not true of anybody.

    Args:
        fact: Fact with spans.
        names: Generator, which is advanced; without one the same fact always gives the same result.

    Returns:
        The new fact.

    Raises:
        SeatError: The fact has no spans, or the names of a type are used up.

    Example:
        >>> si.perturb(facts.target[0]).question != facts.target[0].question
        True
    """
    if not fact.spans:
        raise SeatError(
            f"No entity is marked in the question {fact.question!r}, so no perturbed copy can be made of it. "
            "Give the fact spans, or a subject as it is written in the question."
        )
    names = names or Names().generator(0)
    names.reserve(fact.entities)
    types = _types(fact)
    new: dict[str, str] = {}
    for entity, whole in whole_names(fact).items():
        new[entity] = (
            names.new(types[entity], like=entity) if whole == entity else matching_part(entity, whole, new[whole])
        )

    question, spans, end = "", [], 0
    for span in fact.spans:
        question += fact.question[end : span.start]
        name = new[fact.question[span.start : span.end]]
        spans.append(Span(len(question), len(question) + len(name), span.type))
        question += name
        end = span.end
    persons = [entity for entity in new if types[entity] in PERSON_TYPES]
    return replace(
        fact,
        question=question + fact.question[end:],
        spans=tuple(spans),
        subject=new.get(fact.subject) or _swap(fact.subject, new, persons),
        answer=_swap(fact.answer, new, persons),
        object=_swap(fact.object, new, persons),
        aliases=tuple(_swap(alias, new, persons) for alias in fact.aliases),
    )


def whole_names(fact: Fact) -> dict[str, str]:
    """Return, for each entity under the spans, longest first, the full name that it is a short form of, or itself.

    Args:
        fact: Fact with spans.

    Returns:
        Full names by entity.
    """
    types = _types(fact)
    wholes: dict[str, str] = {}
    for entity in sorted(types, key=len, reverse=True):
        wholes[entity] = next((name for name in wholes.values() if _is_part(entity, name, types)), entity)
    return wholes


def _types(fact: Fact) -> dict[str, str]:
    return {fact.question[span.start : span.end]: span.type for span in fact.spans}


def perturb_all(
    facts: Sequence[Fact], names: NameGenerator, per_fact: int = 1, skip_without_spans: bool = False
) -> list[list[Fact]]:
    """Perturb every fact; no name occurs twice among the results.

    The entities of all the facts are reserved first: no result is by accident about another of the facts.

    Args:
        facts: Facts to perturb.
        names: Generator, which is advanced.
        per_fact: Number of entity-perturbed facts for each fact, at least 1.
        skip_without_spans: Whether facts without spans get an empty list, instead of a refusal of the whole set.

    Returns:
        One list for each fact, in the order of `facts`.

    Raises:
        SeatError: There are facts without spans (the message has their number and the first), unless they are skipped;
        or `per_fact` is below 1.
    """
    if per_fact < 1:
        raise SeatError(f"per_fact is {per_fact}; at least 1 entity-perturbed prompt a fact is needed.")
    without = [fact for fact in facts if not fact.spans]
    if without and not skip_without_spans:
        raise SeatError(
            f"{len(without)} of {len(facts)} facts have no entity marked, first {without[0].question!r}. "
            "Give them spans or a subject, or pass skip_without_spans=True to leave them out."
        )
    names.reserve(entity for fact in facts for entity in fact.entities)
    return [[perturb(fact, names) for _ in range(per_fact)] if fact.spans else [] for fact in facts]


def ep_prompts(facts: Sequence[Fact], *, names: Names | None = None, per_fact: int = 2, seed: int = 0) -> list[Fact]:
    """Make entity-perturbed prompts: bare questions on which the model should go on abstaining.

    Args:
        facts: Target facts, with spans.
        names: Names that the fictitious entities may have; such that avoid the facts' own if None.
        per_fact: Number of prompts for each fact.
        seed: Seed of the names.

    Returns:
        The prompts as facts without answers.

    Raises:
        SeatError: A fact has no entity span.

    Example:
        >>> prompts = si.ep_prompts(facts.target[:3], names=facts.names(), per_fact=2)
        >>> len(prompts), prompts[0].accepted()
        (6, ())
    """
    names = (names or Names()).avoiding(entity for fact in facts for entity in fact.entities)
    generator = names.generator(seed)
    made = [perturb(fact, generator) for fact in facts for _ in range(per_fact)]
    return [replace(copy, answer="", object="", aliases=()) for copy in made]


def _is_part(entity: str, name: str, types: Mapping[str, str]) -> bool:
    if types[name] not in PERSON_TYPES or types[entity] not in PERSON_TYPES:
        return False
    return re.fullmatch(parts_of_name(name), entity) is not None


def _swap(text: str, new: Mapping[str, str], persons: Sequence[str]) -> str:
    """Entities, and parts of persons' names, replaced in one pass, so that no new name is replaced again."""

    def name_for(match: re.Match[str]) -> str:
        part = match[0]
        if part in new:
            return new[part]
        # A text that is nothing but a part of a name is rather an object: Sofia Petrova was born in Sofia.
        if part == text:
            return part
        whole = next(name for name in persons if re.fullmatch(parts_of_name(name), part))
        return matching_part(part, whole, new[whole])

    entities = "|".join(re.escape(entity) for entity in new)
    patterns = [rf"(?<!\w)(?:{entities})(?!\w)", *map(parts_of_name, persons)]
    return re.sub("|".join(patterns), name_for, text)
