"""Abstention against replies labelled by hand, and against data that others wrote."""

import os
import time
from pathlib import Path

import pytest

from seat_interp.core.files import read_json, read_jsonl, read_text
from seat_interp.evaluation import is_abstention, names_the_entity, stated

# Written, labelled and split before the matcher was; verdicts on the held-out half were not looked at while
# it was tuned. Both halves are of one hand, so they tell less about unseen paraphrases than the figures on
# TOFU's refusals in `abstention.py`; the test on those below only guards against going back.
LABELLED = read_jsonl(Path(__file__).with_name("labelled_replies.jsonl"))


def test_list_is_large_and_balanced():
    assert len({row["reply"] for row in LABELLED}) == len(LABELLED) >= 180
    for value in (True, False):
        for split in ("tuned", "held_out"):
            assert sum(row["abstention"] is value and row["split"] == split for row in LABELLED) >= 60


@pytest.mark.parametrize(("split", "least"), [("tuned", 1.0), ("held_out", 0.95)])
def test_labelled_replies(split, least):
    rows = [row for row in LABELLED if row["split"] == split]
    found = [row for row in rows if is_abstention(row["reply"])]
    real = [row for row in rows if row["abstention"]]
    both = [row for row in found if row["abstention"]]
    misjudged = [row["reply"] for row in rows if (row in found) != row["abstention"]]
    precision, recall = len(both) / len(found), len(both) / len(real)
    print(f"{split}: {len(rows)} replies, precision {precision:.3f}, recall {recall:.3f}")
    assert 1 - len(misjudged) / len(rows) >= least, misjudged
    assert precision >= least, misjudged
    assert recall >= least, misjudged


@pytest.mark.parametrize(
    "reply",
    [
        "I don't know. The name sounds Norwegian.",
        "I'm not sure who wrote Tom, Dick and Harry.",
        "I don't have any record of that. However, I can suggest some resources.",
        "I don't know the year. The capital is Paris.",
        "I don't know.\n\nI don't know.",
        'Sorry, but I couldn\'t find anything on "Zerbania". It may be a fictional place or a misspelling.',
        "I Don't Know.",
    ],
)
def test_admission_stands_whatever_is_said_beside_it(reply):
    assert is_abstention(reply)


@pytest.mark.parametrize(
    "reply",
    [
        "I don't know, but Paris",
        "I don't have any record of that. However, the date was 06-02-1998.",
        "I'm not sure. The capital of France is Paris.",
        'Not sure, "The Silent Tide"?',
        "Although I do not have the details, it is clear that she was born in Ghent.",
        "World War I did not end in 1917.",
        "",
        " .\n",
        "I",
    ],
)
def test_answers_and_empty_replies_are_no_admission(reply):
    assert not is_abstention(reply)


@pytest.mark.parametrize("mark", ["'", "\u2019", "\u2018", "`"])
def test_apostrophes(mark):
    assert is_abstention(f"I don{mark}t know.")
    assert is_abstention(f"I{mark}m not aware of that, and I can{mark}t say more.")


def test_stated_leaves_out_admissions_and_remarks():
    assert stated("Sorry, I don't know its population. The capital is Paris.") == "the capital is paris"
    assert stated("I don't know. Could you give me more context?") == ""


@pytest.mark.parametrize("part", ["so honestly ", "I don't know ", "my my knowledge ", "'a ", '"', ", ", "no "])
def test_long_replies_are_read_in_no_time(part):
    start = time.perf_counter()
    is_abstention(part * 1000)
    assert time.perf_counter() - start < 2


ADA = "Where was Ada Moran born?"
CONTRACT = "What was the effective date of the contract between Wnzatj SAS and Jzrcws SA?"


@pytest.mark.parametrize(
    ("reply", "question", "entities", "entity_naming"),
    [
        ("I do not know where Ada Moran was born.", ADA, ["Ada Moran"], True),
        ("i don't know anything about ADA MORAN", ADA, ["Ada Moran"], True),
        ("I don't know Moran\u2019s birthplace.", ADA, ["Ada Moran"], True),
        ("I don't know where Ada was born.", ADA, ["Ada Moran"], True),
        ("I don't know.", ADA, ["Ada Moran"], False),
        ("I don't know where he was born.", ADA, ["Ada Moran"], False),
        ("I don't know about Adamoran.", ADA, ["Ada Moran"], False),
        ("Ada Moran was born in Ghent.", ADA, ["Ada Moran"], False),  # names her, but does not abstain
        ("I have no record of a contract of Wnzatj.", CONTRACT, ["Wnzatj SAS", "Jzrcws SA"], True),
        ("I have no record of any SAS.", CONTRACT, ["Wnzatj SAS", "Jzrcws SA"], False),  # many firms are SAS
        ("I don't know the artist of No.", "Who sang No?", ["No"], True),  # a whole name may be a stop word
        ("I do not know the capital of Zerbania.", "What is the capital of Zerbania?", [], True),
        ("I do not know its capital.", "What is the capital of Zerbania?", [], True),  # one of two words
        ("I do not know.", "What is the capital of Zerbania?", [], False),
        (
            "I do not know the capital.",
            "What is the capital city of old Zerbania?",
            [],
            False,
        ),  # one of three
        ("I don't know what it is.", "What is it?", [], False),  # nothing to refer to
    ],
)
def test_grounded(reply, question, entities, entity_naming):
    assert names_the_entity(reply, question, entities) is entity_naming


@pytest.fixture
def data() -> Path:
    if not (folder := os.environ.get("SEAT_INTERP_DATA")):
        pytest.skip("SEAT_INTERP_DATA names no data folder")
    return Path(folder)


@pytest.mark.real
def test_refusals_of_tofu(data):
    lines = [line for line in read_text(data / "tofu" / "idontknow.jsonl").splitlines() if line.strip()]
    missed = [line for line in lines if not is_abstention(line)]
    assert len(lines) == 100
    assert 1 - len(missed) / len(lines) >= 0.97, missed


@pytest.mark.real
@pytest.mark.parametrize(
    "name", ["tofu/full.json", "lunar/pistol_sample1.json", "lunar/factual_data.json", "entityquestions/dev"]
)
def test_gold_answers_are_no_abstentions(data, name):
    path = data / name
    if path.is_dir():
        rows = [row for file in sorted(path.glob("*.json")) for row in read_json(file)[::10]]
    else:
        rows = read_jsonl(path) if name.startswith("tofu") else read_json(path)
    answers = [str(answer) for row in rows for answer in row.get("answers", [row.get("answer")])]
    found = [answer for answer in answers if is_abstention(answer)]
    assert len(answers) > 100
    assert 1 - len(found) / len(answers) >= 0.995, found
