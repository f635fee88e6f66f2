"""The fact record and the search for entities in a question."""

import pytest

from seat_interp.core.errors import SeatError
from seat_interp.facts import Fact, FactSets, Span, spans_of


def test_json_round_trip():
    fact = Fact("Who met Ada Moran?", "Bo.", "Ada Moran", "met", "Bo", ("Bob",), (Span(8, 17, "person"),), "g")
    assert Fact.from_json(fact.to_json()) == fact
    assert Fact.from_json({"question": "Why?"}) == Fact("Why?")


def test_unknown_field_is_refused():
    with pytest.raises(SeatError, match="anwser"):
        Fact.from_json({"question": "Why?", "anwser": "Because."})


@pytest.mark.parametrize("spans", [[(0, 99)], [(3, 3)], [(0, 4), (2, 6)], [(4, 6), (0, 2)], [(-1, 2)]])
def test_spans_that_do_not_fit_are_refused(spans):
    with pytest.raises(SeatError, match="does not fit"):
        Fact("Who is it?", spans=tuple(Span(*span, "person") for span in spans))


def test_spans_are_whole_words_and_the_longest_text_wins():
    question = "Is Niger's border with Nigeria as long as Niger State's, or Niger's?"
    spans = spans_of(question, [("Niger", "country"), ("Niger State", "place"), ("", "person"), ("Mali", "country")])
    assert [question[span.start : span.end] for span in spans] == ["Niger", "Niger State", "Niger"]
    assert [span.type for span in spans] == ["country", "place", "country"]


def test_sets_know_all_their_entities():
    fact = Fact("Where is Ada?", subject="Ada", spans=(Span(9, 12, "person"),))
    sets = FactSets(target=[fact], known=[Fact("Why?", subject="Bo")])
    assert sets.names().avoid == {"Ada", "Bo"}
    assert [name for name, _ in sets] == ["target", "known"]
