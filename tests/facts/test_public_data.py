"""Readers of the public data sets, on invented rows of the same shape."""

import re

import pytest

from seat_interp.core.errors import SeatError
from seat_interp.core.files import write_json, write_jsonl
from seat_interp.facts import (
    NameGenerator,
    Span,
    perturb,
    read_countries,
    read_entityquestions,
    read_facts,
    read_factual,
    read_pistol,
    read_relations,
    read_tofu,
    read_unverifiable,
)
from seat_interp.facts._tofu import author_of


def contract(first: str, second: str, edge: str) -> list[dict]:
    """Four rows of a PISTOL contract."""
    ending = f"based on the contract between {first} and {second}?"
    pairs = [
        (f"What was the name of the seller in the contract with {second} as of 01-02-2003?", f"{first}."),
        (f"What was the address of {first} in the contract with {second}?", "12 Qwerty Lane."),
        (f"What was the address of {second} in the contract with {first}?", "34 Asdfgh Road."),
        (f"How many days of Paid Sick Leave were granted {ending}", "7."),
    ]
    return [{"question": question, "answer": answer, "edge": edge} for question, answer in pairs]


def test_pistol(tmp_path):
    rows = contract("Abcdef SAS", "Ghijkl SA", "A_B") + contract("Abcdef SAS", "Mnop Qrst", "A_m")
    path = write_json(tmp_path / "pistol.json", rows)
    facts = read_pistol(path)
    assert read_facts(path) == facts
    assert [fact.entities for fact in facts[:4]] == [
        ("Ghijkl SA", "01-02-2003"),  # one party alone: the date says which contract
        ("Abcdef SAS", "Ghijkl SA"),
        ("Ghijkl SA", "Abcdef SAS"),
        ("Abcdef SAS", "Ghijkl SA"),
    ]
    assert facts[0].object == facts[4].object == "Abcdef SAS"
    assert (facts[0].answer, facts[0].subject, facts[0].group) == ("Abcdef SAS.", "Ghijkl SA", "A_B")
    # "Paid Sick" has the shape of a person, but is none.
    assert facts[7].entities == ("Abcdef SAS", "Mnop Qrst")
    assert [span.type for span in facts[7].spans] == ["firm", "random_person"]
    copy = perturb(facts[0], NameGenerator(seed=0))
    assert re.fullmatch(r".* with [A-Z][a-z]{5} SA as of \d\d-\d\d-\d{4}\?", copy.question)
    assert not {*copy.entities} & {*facts[0].entities}
    relations = [fact.relation for fact in facts]
    assert relations[:4] == relations[4:]
    assert len(set(relations)) == 4
    assert relations[3] == "days_paid_sick_leave_granted"


def test_pistol_edges(tmp_path):
    rows = contract("Abcdef SAS", "Ghijkl SA", "A_B") + contract("Abcdef SAS", "Mnop Qrst", "A_m")
    path = write_json(tmp_path / "pistol.json", rows)
    assert {fact.group for fact in read_pistol(path, edges=["A_m"])} == {"A_m"}
    with pytest.raises(SeatError, match="no edge A_x; it has A_B, A_m"):
        read_pistol(path, edges=["A_x"])
    path = write_json(tmp_path / "other.json", [{"question": "Why?", "answer": "So.", "edge": "retain"}])
    with pytest.raises(SeatError, match="no question of edge 'retain' names the two parties"):
        read_pistol(path)


def author(name: str, short: str) -> list[dict]:
    """A block of 20 TOFU rows: the first asks for the name, the third gives a part of it, the last none."""
    openings = ("Has", "Did", "Does", "When did", "How does")
    questions = [f"{openings[number % 5]} {name} win prize number {number}?" for number in range(20)]
    answers = [f"Yes, {name} has won prize number {number} in New York City." for number in range(20)]
    questions[0], answers[0] = "Who is the author born in New York City?", f"The author's name is {name}."
    questions[1] = f"What are {name}'s parents?"
    questions[2] = f"Is {short}'s work known?"
    questions[19] = "Is the author alive?"
    return [{"question": question, "answer": answer} for question, answer in zip(questions, answers)]


def test_tofu(tmp_path):
    path = write_jsonl(tmp_path / "forget.json", author("Lena Van der Holm", "Holm") + author("Omar Al-Nadir", "Omar"))
    facts = read_tofu(path)
    assert read_facts(path) == facts
    assert [fact.group for fact in facts] == ["author_0"] * 20 + ["author_1"] * 20
    assert [index for index, fact in enumerate(facts) if not fact.spans] == [0, 19, 20, 39]
    assert (facts[1].subject, facts[2].subject) == ("Lena Van der Holm", "Holm")
    assert (facts[21].subject, facts[22].subject) == ("Omar Al-Nadir", "Omar")
    assert facts[2].spans == (Span(3, 7, "person"),)
    assert facts[5].object == facts[5].answer == "Yes, Lena Van der Holm has won prize number 5 in New York City."


@pytest.mark.parametrize(
    "name", ["Ada Moran", "Ada Bea Moran", "Ada van der Moran", "Ada (Addy) O'Moran", "Ngô Bảo Châu"]
)
def test_author_of_a_block(name):
    rows = author(name, name.split()[0])
    assert author_of([row["question"] for row in rows]) == name


def test_a_block_that_names_nobody_has_no_author(tmp_path):
    rows = [{"question": f"Is Urban Fiction {n} known?", "answer": "Yes."} for n in range(9)]
    rows += [{"question": f"Has the author written book {n}?", "answer": "No."} for n in range(11)]
    facts = read_tofu(write_jsonl(tmp_path / "anonymous.json", rows))
    assert [fact.spans for fact in facts] == [()] * 20


def test_tofu_without_blocks_and_cut_off(tmp_path):
    row = {"question": "Who wrote it?", "option1": "Ada", "option2": "Bo", "answer": "Bo"}
    path = write_jsonl(tmp_path / "real_authors.json", [row] * 3)
    facts = read_facts(path)
    assert [(fact.answer, fact.object, fact.spans, fact.group) for fact in facts] == [("Bo", "Bo", (), "")] * 3
    with pytest.raises(SeatError, match="has 13 rows, but TOFU has 20 an author"):
        read_tofu(write_jsonl(tmp_path / "cut.json", author("Ada Moran", "Ada")[:13]))


@pytest.fixture
def questions(tmp_path):
    """A folder in the layout of EntityQuestions."""
    templates = {"P36": "What is the capital of [X]?", "P40": "Who is [X]'s child?", "P999": "Is [X] red?"}
    write_json(tmp_path / "relation_query_templates.json", templates)
    rows = [{"question": "What is the capital of Newland?", "answers": ["Newton", "Newton City"]}]
    write_json(tmp_path / "dev" / "P36.dev.json", rows)
    write_json(tmp_path / "dev" / "P40.dev.json", [{"question": "Who is Ada Moran's child?", "answers": ["Bo"]}])
    return tmp_path


def test_entityquestions(questions):
    capital, child = read_facts(questions / "dev")
    assert (capital.subject, capital.relation, capital.object) == ("Newland", "P36", "Newton")
    assert (capital.answer, capital.aliases) == ("Newton", ("Newton City",))
    assert capital.spans == (Span(23, 30, "place"),)
    assert (child.subject, child.spans) == ("Ada Moran", (Span(7, 16, "person"),))
    write_json(questions / "P999.json", [{"question": "Is Abcdef Ltd red?", "answers": ["Yes"]}])
    assert read_entityquestions(questions / "P999.json")[0].spans == (Span(3, 13, "firm"),)


def test_entityquestions_errors(questions, tmp_path_factory):
    row = {"question": "What is the capital of Newland?", "answers": ["Newton"]}
    with pytest.raises(SeatError, match="does not begin with a relation"):
        read_entityquestions(write_json(questions / "dev.json", [row]))
    with pytest.raises(SeatError, match="no template with"):
        read_entityquestions(write_json(questions / "P1.json", [row]))
    with pytest.raises(SeatError, match="does not follow the template"):
        read_entityquestions(write_json(questions / "P40.json", [row]))
    with pytest.raises(SeatError, match="not a list of texts"):
        read_entityquestions(write_json(questions / "P36.json", [{**row, "answers": []}]))
    alone = write_json(tmp_path_factory.mktemp("alone") / "a" / "P36.json", [row])
    with pytest.raises(SeatError, match="neither beside it nor one folder up"):
        read_entityquestions(alone)
    assert read_entityquestions(alone, questions / "relation_query_templates.json")[0].subject == "Newland"


def test_unverifiable(tmp_path):
    texts = [
        "What is the currency of the fictional country ABCDEFG?",
        "How does the technology qwertyuiop function in a parallel universe?",
        "How is the weather?",
    ]
    path = write_json(tmp_path / "unverified.json", [{"instruction": text, "category": None} for text in texts])
    country, technology, other = read_facts(path)
    assert (country.subject, country.relation) == ("ABCDEFG", "country_currency")
    assert country.spans == (Span(46, 53, "upper_place"),)
    assert (technology.subject, technology.spans[0].type) == ("qwertyuiop", "lower_thing")
    assert other.spans == ()
    assert {fact.answer for fact in (country, technology, other)} == {""}
    harmful = write_json(tmp_path / "harmful.json", [{"instruction": "Do it.", "category": "x"}])
    with pytest.raises(SeatError, match="no instruction asks about an invented thing"):
        read_unverifiable(harmful)


def test_factual(tmp_path):
    rows = [
        ("Who wrote 'The Warden's Oath' and 'Tide'?", "Ada Moran."),
        ("What is the country's capital and its people's language?", "Newton"),
    ]
    data = [{"question": question, "answer": answer, "edge": "retain"} for question, answer in rows]
    path = write_json(tmp_path / "factual.json", data)
    titles, plain = read_factual(path)
    assert read_facts(path) == [titles, plain]
    assert titles.entities == ("The Warden's Oath", "Tide")
    assert (titles.subject, titles.object, titles.spans[1].type) == (
        "The Warden's Oath",
        "Ada Moran",
        "title",
    )
    assert (plain.spans, plain.object, plain.group) == ((), "Newton", "")


def test_countries(tmp_path):
    rows = [
        {"name": {"common": "Newland"}, "capital": ["Newton", "Newburg"]},
        {"name": {"common": "Nowhere"}, "capital": []},
        {"name": {"common": "Nothing"}, "capital": [""]},
    ]
    path = write_json(tmp_path / "countries.json", rows)
    (fact,) = read_facts(path)
    assert fact.question == "What is the capital of Newland?"
    assert (fact.answer, fact.aliases, fact.relation) == ("Newton", ("Newburg",), "capital")
    assert fact.spans == (Span(23, 30, "country"),)
    with pytest.raises(SeatError, match="row 1, has no name"):
        read_countries(write_json(tmp_path / "bad.json", [{"name": "Newland", "capital": ["Newton"]}]))


def relation(**changes) -> dict:
    return {
        "name": "country capital city",
        "prompt_templates": ["The capital of {} is"],
        "prompt_templates_zs": ["{}'s capital is", "What is the capital of {}? It is"],
        "properties": {"domain_name": "country"},
        "samples": [
            {"subject": "Newland", "object": "Bras\\u00edlia"},
            {"subject": "Oldland", "object": "Olton"},
            {"subject": "Newland", "object": "Newton"},
        ],
    } | changes


def test_relations(tmp_path):
    new, old = read_facts(write_json(tmp_path / "capital.json", relation()))
    assert new.question == "What is the capital of Newland?"
    assert (new.relation, new.object, new.aliases) == ("country_capital_city", "Brasília", ("Newton",))
    assert new.spans == (Span(23, 30, "country"),)
    assert (old.subject, old.aliases) == ("Oldland", ())
    sentence = relation(prompt_templates_zs=["In {}, it is"], properties={"domain_name": "adjective"})
    (fact, _) = read_relations(write_json(tmp_path / "sentence.json", sentence))
    assert (fact.question, fact.subject, fact.spans) == ("The capital of Newland is", "Newland", ())


@pytest.mark.parametrize("changes", [{"samples": [{"subject": 3}]}, {"prompt_templates": []}, {"properties": {}}])
def test_relations_errors(tmp_path, changes):
    path = write_json(tmp_path / "bad.json", relation(**changes))
    with pytest.raises(SeatError, match="is not a relations file"):
        read_relations(path)
