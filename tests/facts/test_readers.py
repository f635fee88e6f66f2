"""Our own JSON lines, formats found by structure, data sets of the hub, and errors a person can act on."""

import json
import sys

import pytest

from seat_interp.core.errors import SeatError
from seat_interp.core.files import write_json, write_jsonl
from seat_interp.facts import Fact, Span, read_facts, read_hub, read_jsonl


def test_own_format_round_trip(tmp_path):
    facts = [
        Fact(
            "Who is Ada Moran?",
            "A nurse.",
            "Ada Moran",
            "job",
            "nurse",
            ("a nurse",),
            (Span(7, 16, "person"),),
            "g",
        ),
        Fact("Why?"),
    ]
    path = write_jsonl(tmp_path / "facts.jsonl", [fact.to_json() for fact in facts])
    assert read_jsonl(path) == facts
    assert read_facts(path) == facts
    assert read_facts(str(write_json(tmp_path / "facts.json", [fact.to_json() for fact in facts]))) == facts


def test_spans_from_the_subject_and_the_subject_from_spans(tmp_path):
    rows = [
        {"question": "Is Niger north of Nigeria, and is Niger large?", "subject": "Niger"},
        {"question": "Who is Ada Moran?", "subject": "Ada Moran"},
        {"question": "Who is she?", "subject": "Ada Moran"},
        {"question": "Who is Ada?", "spans": [[7, 10, "person"]]},
    ]
    path = write_jsonl(tmp_path / "facts.jsonl", rows)
    first, second, third, fourth = read_jsonl(path)
    assert first.spans == (Span(3, 8, "place"), Span(34, 39, "place"))
    assert second.spans == (Span(7, 16, "person"),)
    assert third.spans == ()
    assert fourth.subject == "Ada"
    assert read_jsonl(path, subject_type="country")[0].spans[0].type == "country"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("[]", "empty list"),
        ("[1]", "row 1, is not a JSON object but a int"),
        ("question,answer\nWhy?,So.", "neither JSON nor JSON lines"),
        ('[{"question": ', "neither JSON nor JSON lines"),
        ('{"question": "a"}\n{"question": \n', "line 2, is not valid JSON"),
        ('{"prompt": "Why?"}', "has rows with prompt. Accepted are .*PISTOL.*TOFU.*EntityQuestions"),
        ('{"question": "a"}\n{"answer": "b"}', "row 2: 'question' is missing"),
        ('{"question": 3}', "row 1: 'question' is 3, which is not text"),
        ('{"question": "a"}\n{"question": " "}', "row 2: 'question' is blank"),
        ('{"question": "a", "anwser": "b"}', "row 1: Unknown fact field"),
        ('{"question": "a", "spans": [[0]]}', r"row 1: a span is \[start, end, type\]"),
        ('{"question": "a", "spans": [[0, 5, "person"]]}', "row 1: Entity span"),
    ],
)
def test_bad_files_give_one_clear_sentence(tmp_path, text, message):
    path = tmp_path / "facts.jsonl"
    path.write_text(text)
    with pytest.raises(SeatError, match=message) as caught:
        read_facts(path)
    assert str(path) in str(caught.value)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(SeatError, match=r"nowhere\.json does not exist.*hf:"):
        read_facts(tmp_path / "nowhere.json")


def test_folders(tmp_path):
    with pytest.raises(SeatError, match=r"holds no \.json or \.jsonl file"):
        read_facts(tmp_path)
    write_jsonl(tmp_path / "dev" / "b.jsonl", [{"question": "Second?"}])
    write_jsonl(tmp_path / "dev" / "a.jsonl", [{"question": "First?"}])
    (tmp_path / "dev" / "README.md").write_text("not data")
    assert [fact.question for fact in read_facts(tmp_path / "dev")] == ["First?", "Second?"]
    with pytest.raises(SeatError, match=r"one of its folders \(dev\)"):
        read_facts(tmp_path)
    write_jsonl(tmp_path / "dev" / "c.jsonl", [{"instruction": "When did the qwertyuiop occur?"}])
    with pytest.raises(SeatError, match=r"several formats \(a\.jsonl, b\.jsonl, c\.jsonl\)"):
        read_facts(tmp_path / "dev")


def test_hub_reader_says_how_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(SeatError, match=r"pip install 'seat_interp\[hub\]'"):
        read_hub("someone/something")


class FakeDatasets:
    """Stands for the `datasets` package: a list of rows with column names, or an error."""

    def __init__(self, rows):
        self.rows = rows

    def load_dataset(self, dataset_id, config, split):
        if isinstance(self.rows, Exception):
            raise self.rows
        self.asked = (dataset_id, config, split)

        class Rows(list):
            column_names = tuple(self.rows[0]) if self.rows else ("question", "answer")

        return Rows(self.rows)


def test_hub_columns_become_facts(monkeypatch):
    rows = [{"q": "Where is Ada Moran?", "a": ["Here.", "There"], "who": "Ada Moran"}]
    fake = FakeDatasets(rows)
    monkeypatch.setitem(sys.modules, "datasets", fake)
    facts = read_hub("someone/something", question="q", answer="a", subject="who", split="test", config="en")
    assert facts == [
        Fact("Where is Ada Moran?", "Here.", "Ada Moran", "", "Here", ("There",), (Span(9, 18, "person"),))
    ]
    assert fake.asked == ("someone/something", "en", "test")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            ConnectionError("no route to the hub\nmore"),
            r"'x/y' \(split 'train'\) cannot be loaded: no route to the hub$",
        ),
        (ValueError(""), "cannot be loaded: ValueError"),
        ([{"question": "Why?", "reply": "So."}], "no column 'answer'"),
        ([{"question": "Why?", "answer": 3}], "row 1: question, answer and subject must be texts"),
        ([{"question": "Why?", "answer": []}], "row 1: question, answer and subject must be texts"),
        ([], "has no rows"),
    ],
)
def test_hub_errors(monkeypatch, rows, message):
    monkeypatch.setitem(sys.modules, "datasets", FakeDatasets(rows))
    with pytest.raises(SeatError, match=message):
        read_hub("x/y")


@pytest.mark.slow
def test_hub_reader_on_a_local_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "data"
    folder.mkdir()
    rows = [{"question": "Where is Ada Moran?", "answer": "Here."}, {"question": "Why?", "answer": "So."}]
    (folder / "train.jsonl").write_text("\n".join(map(json.dumps, rows)))
    facts = read_hub(str(folder))
    assert [(fact.question, fact.answer, fact.object) for fact in facts] == [
        ("Where is Ada Moran?", "Here.", "Here"),
        ("Why?", "So.", "So"),
    ]
    with pytest.raises(SeatError, match="split 'dev'"):
        read_hub(str(folder), split="dev")
