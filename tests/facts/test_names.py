"""Fictitious names: forms by type, reproducibility, avoidance, exhaustion."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seat_interp.core.errors import SeatError
from seat_interp.facts import NameGenerator, infer_type
from seat_interp.facts.names import _TYPES, FIRM_SUFFIXES, matching_part, parts_of_name

FORMS = {
    "person": r"[A-Z][a-z]+ [A-Z][a-z]+",
    "random_person": r"[A-Z][a-z]{3} [A-Z][a-z]{3}",
    "firm": rf"[A-Z][a-z]{{5}} ({'|'.join(FIRM_SUFFIXES)})",
    "place": r"[A-Z][a-z]+",
    "city": r"[A-Z][a-z]+",
    "country": r"[A-Z][a-z]+",
    "title": r"[A-Z][a-z]+( [A-Za-z]+){2,4}",
    "date": r"\d\d-\d\d-(19|20)\d\d",
    "upper_place": r"[A-Z]{7}",
    "lower_thing": r"[a-z]{7,12}",
}


def test_every_type_has_its_form():
    assert set(_TYPES) == set(FORMS)
    assert len(FIRM_SUFFIXES) == 15
    names = NameGenerator(0)
    for type_, form in FORMS.items():
        for _ in range(200):
            name = names.new(type_)
            assert re.fullmatch(form, name), (type_, name)


@settings(deadline=None)
@given(seed=st.integers(0, 2**32), type_=st.sampled_from(_TYPES))
def test_a_seed_gives_the_same_names_and_avoids_the_names_it_would_have_given(seed, type_):
    draws = [[names.new(type_) for _ in range(5)] for names in (NameGenerator(seed), NameGenerator(seed))]
    assert draws[0] == draws[1]
    assert len({name.casefold() for name in draws[0]}) == 5
    avoiding = NameGenerator(seed, avoid=[name.upper() for name in draws[0]])
    assert not set(draws[0]) & {avoiding.new(type_) for _ in range(5)}


def test_another_seed_gives_other_names():
    assert NameGenerator(1).new("person") != NameGenerator(2).new("person")


def test_the_form_follows_the_entity_that_is_replaced():
    names = NameGenerator(0)
    assert all(names.new("firm", like="Abcdef GmbH").endswith(" GmbH") for _ in range(20))
    assert len({names.new("firm", like="Electronic Arts").split()[1] for _ in range(100)}) > 5
    assert " " not in names.new("person", like="Vasquez")
    assert " " not in names.new("random_person", like="Laur")


def test_own_pools_are_used_up_to_the_last_name_and_then_refused():
    pools = {"person": (("Ada", "Bo", "Cy"), ("Moran", "Nash")), "drug": (["Zeltrax"],)}
    names = NameGenerator(0, avoid=["ada moran"], pools=pools)
    given_names = {names.new("person") for _ in range(5)}
    assert given_names == {"Ada Nash", "Bo Moran", "Bo Nash", "Cy Moran", "Cy Nash"}
    with pytest.raises(SeatError, match="No name of type 'person' is left"):
        names.new("person")
    assert names.new("person", like="Ono") in {"Moran", "Nash"}
    assert names.new("drug") == "Zeltrax"
    assert re.fullmatch(FORMS["firm"], names.new("firm"))


def test_the_last_name_of_a_large_pool_is_found():
    numbers = [str(number) for number in range(5000)]
    names = NameGenerator(0, avoid=numbers[:-1], pools={"code": (numbers,)})
    assert names.new("code") == "4999"


def test_unknown_type_and_bad_pool_are_refused():
    with pytest.raises(SeatError, match=r"no names of type 'dragon'.*person"):
        NameGenerator(0).new("dragon")
    for pool in ((), ((), ("b",)), ("letters",)):
        with pytest.raises(SeatError, match="pool of type 'person'"):
            NameGenerator(0, pools={"person": pool})


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("QWERTYU", "upper_place"),
        ("qwertyuiop", "lower_thing"),
        ("Wnzatk SAS", "firm"),
        ("Acme Corporation", "firm"),
        ("Ada Moran", "person"),
        ("Ludwig van der Berg", "person"),
        ("Paris", "place"),
        ("The Silent Garden", "title"),
        ("War and Peace", "title"),
        ("1984", "title"),
    ],
)
def test_types_by_surface(text, type_):
    assert infer_type(text) == type_


def test_every_generated_form_but_two_is_recognised():
    names = NameGenerator(0)
    for type_ in ("person", "firm", "place", "title", "upper_place", "lower_thing"):
        assert infer_type(names.new(type_)) == type_


def test_parts_of_a_name():
    pattern = parts_of_name("Basil Mahfouz Al-Kuwaiti")
    text = "Basil Mahfouz Al-Kuwaiti's son; Basil's son; Mr. Al-Kuwaiti; Basil Al-Kuwaiti; Basilica; Pre-Basil"
    found = [match[0] for match in re.finditer(pattern, text)]
    assert found == ["Basil Mahfouz Al-Kuwaiti", "Basil", "Al-Kuwaiti", "Basil Al-Kuwaiti"]
    # "An" begins sentences and is no part of its own.
    assert [match[0] for match in re.finditer(parts_of_name("Jina An"), "An award for Jina An, or Jina")] == [
        "Jina An",
        "Jina",
    ]
    assert [matching_part(part, "Basil Mahfouz Al-Kuwaiti", "Ada Moran") for part in found] == [
        "Ada Moran",
        "Ada",
        "Moran",
        "Ada Moran",
    ]
