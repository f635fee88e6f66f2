"""Entity perturbation: what changes, what does not."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seat_interp.core.errors import SeatError
from seat_interp.facts import Fact, NameGenerator, Span, perturb, perturb_all, spans_of, whole_names

TYPES = st.sampled_from(["person", "random_person", "firm", "place", "country", "title", "upper_place", "lower_thing"])


def outside(fact: Fact) -> list[str]:
    """The pieces of a question between its spans, cut out independently of `perturb`."""
    cuts = [0, *(edge for span in fact.spans for edge in span[:2]), len(fact.question)]
    return [fact.question[start:end] for start, end in zip(cuts[::2], cuts[1::2])]


@st.composite
def facts(draw) -> Fact:
    """A question with one to five mentions of up to three entities, and an answer that names them."""
    entities = draw(
        st.lists(
            st.tuples(st.from_regex(r"[A-Z][a-z]{4,6}( [A-Z][a-z]{4,6})?", fullmatch=True), TYPES),
            min_size=1,
            max_size=3,
            unique_by=lambda item: item[0].casefold(),
        )
    )
    mentions = draw(st.lists(st.sampled_from(entities), min_size=1, max_size=5))
    question, spans = draw(st.text(max_size=8)), []
    for text, type_ in mentions:
        spans.append(Span(len(question), len(question) + len(text), type_))
        question += text + draw(st.text(min_size=1, max_size=8))
    answer = " & ".join(dict.fromkeys(text for text, _ in mentions))
    return Fact(question, answer, subject=mentions[0][0], relation="r", object="it", spans=tuple(spans), group="g")


@settings(deadline=None)
@given(fact=facts(), seed=st.integers(0, 1000))
def test_only_the_spans_change_and_every_entity_does(fact, seed):
    copy = perturb(fact, NameGenerator(seed))
    assert outside(copy) == outside(fact)
    assert [span.type for span in copy.spans] == [span.type for span in fact.spans]
    old = [fact.question[span.start : span.end] for span in fact.spans]
    new = [copy.question[span.start : span.end] for span in copy.spans]
    assert len(set(zip(old, new))) == len(set(old))
    assert not {name.casefold() for name in old} & {name.casefold() for name in new}
    assert copy.subject == new[0]
    assert copy.answer == " & ".join(dict.fromkeys(new))
    assert (copy.relation, copy.object, copy.group) == ("r", "it", "g")


@settings(deadline=None)
@given(fact=facts(), seed=st.integers(0, 1000))
def test_the_same_seed_gives_the_same_copy_and_names_to_avoid_are_avoided(fact, seed):
    first = perturb(fact, NameGenerator(seed))
    assert perturb(fact, NameGenerator(seed)) == first
    other = perturb(fact, NameGenerator(seed, avoid=first.entities))
    # The copy's parts of names ("Moran" for "Ada Moran") are not drawn, so only drawn names can be compared.
    longest = max(first.entities, key=len)
    assert longest not in other.entities


def test_both_parties_of_a_contract_are_replaced():
    question = "What was the price in the contract between Abcdef SA and Ghij Klmn, as Abcdef SA says?"
    spans = spans_of(question, [("Abcdef SA", "firm"), ("Ghij Klmn", "random_person")])
    fact = Fact(question, "Abcdef SA paid 3.", "Abcdef SA", object="3", aliases=("Abcdef SA's 3",), spans=spans)
    copy = perturb(fact, NameGenerator(0))
    firm, person = r"[A-Z][a-z]{5} SA", r"[A-Z][a-z]{3} [A-Z][a-z]{3}"
    form = rf"What was the price in the contract between ({firm}) and {person}, as \1 says\?"
    match = re.fullmatch(form, copy.question)
    assert match
    assert "Abcdef" not in copy.question
    assert (copy.subject, copy.answer, copy.object) == (match[1], f"{match[1]} paid 3.", "3")
    assert copy.aliases == (f"{match[1]}'s 3",)


def test_short_forms_follow_the_full_name():
    question = "Did Ada Moran write it, and is Moran's sister older than Ada?"
    spans = spans_of(question, [("Ada Moran", "person"), ("Moran", "person"), ("Ada", "person")])
    fact = Fact(question, "Yes, Ada did; Bo Moran is younger than Ada Moran.", "Ada Moran", spans=spans)
    copy = perturb(fact, NameGenerator(0, pools={"person": (["Eve"], ["Stone"])}))
    assert copy.question == "Did Eve Stone write it, and is Stone's sister older than Eve?"
    assert copy.answer == "Yes, Eve did; Bo Stone is younger than Eve Stone."
    assert whole_names(fact) == {"Ada Moran": "Ada Moran", "Moran": "Ada Moran", "Ada": "Ada Moran"}


def test_words_that_only_contain_an_entity_and_bare_parts_stay():
    spans = (Span(6, 19, "person"),)
    fact = Fact("Where Sofia Petrova was born?", "Sofia", "Sofia Petrova", object="Sofia", spans=spans)
    assert perturb(fact, NameGenerator(0)).object == "Sofia"
    fact = Fact("Is Niger large?", "Niger is smaller than Nigeria.", "Niger", spans=(Span(3, 8, "country"),))
    copy = perturb(fact, NameGenerator(0))
    assert copy.answer == f"{copy.subject} is smaller than Nigeria."


def test_a_fact_without_spans_is_refused():
    with pytest.raises(SeatError, match="No entity is marked in the question 'Why"):
        perturb(Fact("Why?"), NameGenerator(0))


def test_copies_of_a_set_never_share_a_name_nor_hit_the_set():
    pool = {"person": (["Ada", "Bo", "Cy"], ["Moran", "Nash"])}
    facts = [
        Fact(f"Where is {name}?", subject=name, spans=(Span(9, 9 + len(name), "person"),))
        for name in ("Ada Moran", "Bo Nash")
    ]
    copies = perturb_all(facts, NameGenerator(0, pools=pool), per_fact=2)
    subjects = [copy.subject for pair in copies for copy in pair]
    assert sorted(subjects) == ["Ada Nash", "Bo Moran", "Cy Moran", "Cy Nash"]


def test_a_set_with_facts_without_spans():
    fact = Fact("Where is Ada?", subject="Ada", spans=(Span(9, 12, "person"),))
    with pytest.raises(SeatError, match=r"2 of 3 facts have no entity marked, first 'Why\?'"):
        perturb_all([fact, Fact("Why?"), Fact("How?")], NameGenerator(0))
    copies = perturb_all([Fact("Why?"), fact], NameGenerator(0), per_fact=3, skip_without_spans=True)
    assert [len(of_one) for of_one in copies] == [0, 3]
    with pytest.raises(SeatError, match="per_fact is 0"):
        perturb_all([fact], NameGenerator(0), per_fact=0)
