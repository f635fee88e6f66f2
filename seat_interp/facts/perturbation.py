"""Entity perturbation: copies of facts in which the entities are fictitious and all else is as it was.

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
    """A copy of a fact about entities that do not exist.

    Each distinct entity under the spans gets one fresh name of its type, everywhere in the question and, as a
    whole word, in subject, answer, object and aliases. A person's short form follows the full name: with "Ada
    Moran" as "Tobin Halvek", "Moran" becomes "Halvek", in the answer too. Text of the question outside the
    spans, relation and group stay. The answer of the copy is in general not true of anybody.

    Args:
        fact: with spans.
        names: the generator, which is advanced; without one the same fact always gives the same copy.

    Raises:
        SeatError: the fact has no spans, or the names of a type are used up.
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
    """For each entity under the spans, longest first, the full name that it is a short form of, or itself."""
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
    """`copies` perturbed copies of every fact, in the order of `facts`; no name occurs twice among them.

    The entities of all the facts are reserved first: no copy is accidentally about another of the facts.

    Args:
        facts: to be copied.
        names: the generator; it is advanced.
        per_fact: of each fact, at least 1.
        skip_without_spans: give facts without spans an empty list, instead of refusing the whole set.

    Raises:
        SeatError: facts without spans (their number and the first of them), unless they are skipped;
            `copies` below 1.
    """
    if per_fact < 1:
        raise SeatError(f"per_fact is {per_fact}; at least 1 entity-perturbed prompt a fact is needed.")
    without = [fact for fact in facts if not fact.spans]
    if without and not skip_without_spans:
        raise SeatError(
            f"{len(without)} of {len(facts)} facts have no entity marked, first {without[0].question!r}. "
            "Give them spans or a subject, or pass skip_without_spans=True to go without copies of them."
        )
    names.reserve(entity for fact in facts for entity in fact.entities)
    return [[perturb(fact, names) for _ in range(per_fact)] if fact.spans else [] for fact in facts]


def ep_prompts(facts: Sequence[Fact], *, names: Names | None = None, per_fact: int = 2, seed: int = 0) -> list[Fact]:
    """Entity-perturbed copies of the facts as bare questions: what the model should go on abstaining on.

    Args:
        facts: the target facts, with spans.
        names: what copies may be called; fictitious names that avoid the facts' own if None.
        per_fact: of each fact.
        seed: of the names.

    Raises:
        SeatError: a fact has no entity span.
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
        found = match[0]
        if found in new:
            return new[found]
        # A text that is nothing but a part of a name is rather an object: Sofia Petrova was born in Sofia.
        if found == text:
            return found
        whole = next(name for name in persons if re.fullmatch(parts_of_name(name), found))
        return matching_part(found, whole, new[whole])

    entities = "|".join(re.escape(entity) for entity in new)
    patterns = [rf"(?<!\w)(?:{entities})(?!\w)", *map(parts_of_name, persons)]
    return re.sub("|".join(patterns), name_for, text)
