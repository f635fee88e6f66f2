"""The readers on the real files, in the folder that SEAT_INTERP_DATA names."""

import os
from collections import Counter
from pathlib import Path

import pytest

from seat_interp.facts import (
    NameGenerator,
    perturb_all,
    read_entityquestions,
    read_facts,
    read_pistol,
    read_tofu,
    read_unverifiable,
)

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif("SEAT_INTERP_DATA" not in os.environ, reason="SEAT_INTERP_DATA names no data folder"),
]
DATA = Path(os.environ.get("SEAT_INTERP_DATA", "."))


@pytest.mark.parametrize(("name", "rows", "edges"), [("pistol_sample1", 400, 20), ("pistol_sample2", 1500, 75)])
def test_pistol(name, rows, edges):
    path = DATA / "lunar" / f"{name}.json"
    facts = read_pistol(path)
    assert read_facts(path) == facts
    assert len(facts) == rows
    assert all(fact.spans for fact in facts)
    assert Counter(fact.group for fact in facts) == dict.fromkeys({fact.group for fact in facts}, 20)
    assert len({fact.group for fact in facts}) == edges
    # Each attribute of a contract is a relation of its own.
    assert len({(fact.group, fact.relation) for fact in facts}) == rows
    named = {fact.group: set() for fact in facts}
    for fact in facts:
        named[fact.group] |= {fact.question[span.start : span.end] for span in fact.spans if span.type != "date"}
    assert {len(parties) for parties in named.values()} == {2}


def test_tofu():
    facts = read_facts(DATA / "tofu" / "forget01.json")
    assert len(facts) == 40
    assert len({fact.group for fact in facts}) == 2
    assert {max(fact.entities, key=len) for fact in facts if fact.spans} >= {"Basil Mahfouz Al-Kuwaiti"}
    for name, authors in (("forget01", 2), ("forget05", 10), ("forget10", 20), ("full", 200)):
        facts = read_tofu(DATA / "tofu" / f"{name}.json")
        assert len(facts) == 20 * authors
        assert sum(bool(fact.spans) for fact in facts) / len(facts) >= 0.8
    without = Counter(fact.group for fact in facts if not fact.spans)
    assert [group for group, count in without.items() if count == 20] == ["author_88"]  # never named
    assert len(read_facts(DATA / "tofu" / "real_authors.json")) == 100
    assert len(read_facts(DATA / "tofu" / "world_facts.json")) == 117


def test_entityquestions_all_invert():
    facts = read_facts(DATA / "entityquestions" / "dev")
    assert len(facts) == 22_068
    assert all(len(fact.spans) == 1 and fact.subject in fact.question for fact in facts)
    assert len({fact.relation for fact in facts}) == 24
    assert len(read_entityquestions(DATA / "entityquestions" / "dev" / "P36.dev.json")) == 885


def test_unverifiable_factual_countries():
    facts = read_unverifiable(DATA / "lunar" / "unverified.json")
    assert len(facts) == 199
    assert all(len(fact.spans) == 1 for fact in facts)
    assert sorted(Counter(fact.relation for fact in facts).values()) == [
        14,
        15,
        17,
        19,
        21,
        21,
        21,
        23,
        24,
        24,
    ]
    assert len(read_facts(DATA / "lunar" / "factual_data.json")) == 169
    countries = read_facts(DATA / "countries" / "countries.json")
    assert len(countries) == 245
    capitals = {fact.subject: {fact.object, *fact.aliases} for fact in countries}
    assert capitals["South Africa"] == {"Pretoria", "Bloemfontein", "Cape Town"}


def test_relations():
    for kind, relations in (("factual", 26), ("commonsense", 8), ("linguistic", 6)):
        facts = read_facts(DATA / "relations" / kind)
        assert len({fact.relation for fact in facts}) == relations
        assert not any("\\u" in text or "{" in text for fact in facts for text in (fact.question, fact.object))


def test_every_fact_with_spans_can_be_perturbed():
    for path in (
        "lunar/pistol_sample1.json",
        "tofu/full.json",
        "lunar/unverified.json",
        "entityquestions/dev",
    ):
        facts = read_facts(DATA / path)
        entities = {entity.casefold() for fact in facts for entity in fact.entities}
        copies = perturb_all(facts, NameGenerator(0), skip_without_spans=True)
        for fact, of_one in zip(facts, copies):
            for copy in of_one:
                assert copy.question != fact.question
                assert not {entity.casefold() for entity in copy.entities} & entities
