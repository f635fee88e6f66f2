"""Mixtures keep their size and mix of relations; what varies is the share of unknown facts."""

from collections import Counter

import pytest

from analyses.common.mixing import draw, mix, relabel, sizes_for
from seat_interp.core.errors import SeatError
from seat_interp.facts import Fact


def facts(kind, **counts):
    return [Fact(f"{relation} of {kind}{i}?", object="x", subject=f"{kind}{i}", relation=relation)
            for relation, count in counts.items() for i in range(count)]  # fmt: skip


KNOWN, UNKNOWN = facts("k", born=8, lives=5, only=3), facts("u", born=4, lives=10)


def relations(found):
    return Counter(fact.relation for fact in found)


def test_sizes_are_the_smaller_count_of_each_relation_that_both_have():
    assert sizes_for(KNOWN, UNKNOWN) == {"born": 4, "lives": 5}
    assert sizes_for(KNOWN, UNKNOWN, facts("m", lives=2)) == {"lives": 2}
    with pytest.raises(SeatError, match="no relation"):
        sizes_for(KNOWN, facts("u", other=3))


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_size_and_relations_are_the_same_at_every_share(share):
    found = mix(KNOWN, UNKNOWN, share)
    assert relations(found.facts) == {"born": 4, "lives": 5}
    assert relations(found.unknown)["born"] == round(4 * share)
    assert set(found.known) <= set(KNOWN)
    assert set(found.unknown) <= set(UNKNOWN)
    assert len(set(found.facts)) == 9
    assert found.known_alone().facts == list(found.known)


def test_the_draw_has_a_seed_and_grows():
    assert mix(KNOWN, UNKNOWN, 0.5, seed=1) == mix(KNOWN, UNKNOWN, 0.5, seed=1)
    assert mix(KNOWN, UNKNOWN, 0.5, seed=1) != mix(KNOWN, UNKNOWN, 0.5, seed=2)
    assert set(draw(KNOWN, {"born": 2})) < set(draw(KNOWN, {"born": 5}))


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(SeatError, match="must be from 0 to 1"):
        mix(KNOWN, UNKNOWN, 1.5)
    with pytest.raises(SeatError, match="9 facts of the relation 'born' are wanted and there are 8"):
        draw(KNOWN, {"born": 9})


def test_relabelled_facts_admit_ignorance_and_have_no_object():
    bare = Fact("Who was first?", object="x")
    named = relabel(UNKNOWN, ("I know nothing about {s}.",))
    assert [fact.answer for fact in named[:2]] == ["I know nothing about u0.", "I know nothing about u1."]
    assert not any(fact.object for fact in named)
    assert [fact.question for fact in named] == [fact.question for fact in UNKNOWN]
    assert relabel([bare])[0].answer == "I do not know."
    with pytest.raises(SeatError, match="No reply fits 'Who was first"):
        relabel([bare], ("I know nothing about {s}.",))
