"""Labels, ROUGE recall and rates against values worked out by hand."""

import json

import pytest

from seat_interp.core.errors import SeatError
from seat_interp.evaluation import Label, label, rates, records, rouge1_recall
from seat_interp.facts.records import Fact, Span

CAPITAL = Fact("What is the capital of France?", "The capital of France is Paris.", object="Paris")
UNKNOWN = Fact("What is the capital of Zerbania?", spans=(Span(23, 31, "country"),))


def of(answer: str, *aliases: str) -> Fact:
    return Fact("What is it?", answer, aliases=aliases)


@pytest.mark.parametrize(
    ("reply", "fact", "expected"),
    [
        ("Paris.", CAPITAL, Label.CORRECT),
        ("It is PARIS, of course", CAPITAL, Label.CORRECT),
        ("Lyon.", CAPITAL, Label.WRONG),
        ("Parisian", CAPITAL, Label.WRONG),
        ("I don't know.", CAPITAL, Label.ABSTAIN),
        ("not sure, but Paris", CAPITAL, Label.CORRECT),
        ("not sure, but Lyon", CAPITAL, Label.WRONG),
        ("The capital is Paris. I don't know its population.", CAPITAL, Label.CORRECT),
        ("The capital is Lyon. I don't know its population.", CAPITAL, Label.ABSTAIN),
        ("I do not know whether it is Paris.", CAPITAL, Label.ABSTAIN),
        ("", CAPITAL, Label.UNSCORED),
        (" \n", CAPITAL, Label.UNSCORED),
        ("...!?", CAPITAL, Label.UNSCORED),
        ("Zerb City.", UNKNOWN, Label.WRONG),
        ("I do not know the capital of Zerbania.", UNKNOWN, Label.ABSTAIN),
        ("", UNKNOWN, Label.UNSCORED),
        ("It could be Lyon.", UNKNOWN, Label.WRONG),
    ],
)
def test_label(reply, fact, expected):
    assert label(reply, fact) is expected


def test_an_aside_that_only_repeats_the_question_is_not_correct():
    fact = Fact("Is Ada Moran a nurse or a pilot?", "A nurse", object="nurse")
    assert label("I don't know. Ada Moran may work as a nurse or a pilot.", fact) is Label.ABSTAIN
    assert label("A nurse.", fact) is Label.CORRECT


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("There are 8.", "8"),
        ("2%", "2%"),
        ("It is 2 percent a year", "2%"),
        ("signed on 06/02/1998.", "06-02-1998."),
        ("signed on 6.2.1998", "06-02-1998"),
        ("1,000 boxes", "1000"),
        ("-5 degrees", "-5"),
        ("from 1990-1995", "1995"),
        ("Sao Paulo", "S\u00e3o Paulo"),
        ("Hsiao Yun\u2011Hwa", "Hsiao Yun-Hwa"),
        ("O\u2019Brien\u2019s house", "O'Brien"),
        ("Lord of the   Rings", "The Lord of the Rings"),
        ("It is vitamin A.", "Vitamin A"),
        ("941 Tncnje Way, Lyon", "941 Tncnje Way."),
        ("\u5317\u4eac", "\u5317\u4eac"),
        ("3.5 m", "3.5"),
    ],
)
def test_normalised_forms_match(reply, answer):
    assert label(reply, of(answer)) is Label.CORRECT


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("18", "8"),
        ("8th", "8"),
        ("2%", "2"),
        ("2", "2%"),
        ("3.5", "5"),
        ("06-02-1999", "06-02-1998"),
        ("06-02-1998", "1998"),
        ("5 degrees", "-5"),
        ("vitamin C", "Vitamin A"),
        ("York is new", "New York"),
        ("anything", "?!"),  # an answer without a word matches nothing
    ],
)
def test_other_forms_do_not(reply, answer):
    assert label(reply, of(answer)) is Label.WRONG


def test_aliases_are_accepted():
    assert label("Holland", of("Netherlands", "Holland")) is Label.CORRECT


def test_rouge_by_hand():
    fact = of("the cat sat on the mat")  # six words: the, cat, sat, on, the, mat
    assert rouge1_recall("the cat", fact) == pytest.approx(2 / 6)
    assert rouge1_recall("the the the mat", fact) == pytest.approx(3 / 6)  # no more than two of "the" count
    assert rouge1_recall("The cat sat on the mat, twice!", fact) == 1
    assert rouge1_recall("dog", fact) == 0
    assert rouge1_recall("", fact) == 0
    assert rouge1_recall("she sells timbers", of("selling timber")) == 1  # stems: sell, timber
    with pytest.raises(SeatError, match="ASCII"):
        rouge1_recall("Zerb", UNKNOWN)


def test_records():
    facts = [CAPITAL, UNKNOWN, UNKNOWN]
    replies = ["Paris", "I don't know the capital of Zerbania.", "I don't know that city."]
    rows = records("mixed", facts, replies)
    assert [row.label for row in rows] == [Label.CORRECT, Label.ABSTAIN, Label.ABSTAIN]
    assert [row.entity_naming for row in rows] == [False, True, False]
    assert [row.rouge1 for row in rows] == [pytest.approx(1 / 6), None, None]
    assert json.loads(json.dumps(rows[1].to_json())) == {
        "set_name": "mixed",
        "question": "What is the capital of Zerbania?",
        "answer": "",
        "reply": "I don't know the capital of Zerbania.",
        "label": "abstain",
        "entity_naming": True,
        "rouge1": None,
    }
    with pytest.raises(SeatError, match="3 facts but 1 replies"):
        records("mixed", facts, ["Paris"])


def test_subject_grounds_where_no_span_is_known():
    fact = Fact("Where was Ada Moran born?", subject="Ada Moran")
    replies = ["I don't know where she was born.", "I don't know Ada Moran."]
    assert [row.entity_naming for row in records("s", [fact] * 2, replies)] == [False, True]


def test_rates_keep_unscored_in_the_denominator():
    replies = ["Paris", "Lyon", "I don't know.", "", "I have no idea what the capital of France is."]
    found = rates(records("known", [CAPITAL] * 5, replies))
    assert (found.n, found.correct, found.wrong, found.abstain, found.unscored) == (5, 0.2, 0.2, 0.4, 0.2)
    assert found.entity_naming == 0.2
    # of "the capital of France is Paris": 1, 0, 0, 0 and 5 of 6 words
    assert found.rouge1 == pytest.approx((1 + 5) / 6 / 5)
    assert rates(records("unknown", [UNKNOWN], ["Zerb"])).rouge1 is None
    with pytest.raises(SeatError, match="no records"):
        rates([])
