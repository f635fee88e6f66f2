import json

import pytest

from seat_interp.core.errors import SeatError
from seat_interp.results._replies import choose_examples, side_by_side
from seat_interp.studies.run_folder import RunFolder


def test_reads_what_the_study_wrote(study_folder):
    folder = RunFolder.open(study_folder)
    assert folder.arms == ("full", "seat")
    assert [(run.arm, run.seed) for run in folder.runs] == [("full", 0), ("seat", 0)]
    full = folder.of_arm("full")[0]
    assert full.row == json.loads((study_folder / "full-0" / "row.json").read_text())
    assert [row["step"] for row in full.log] == [1, 2, 3, 4]
    assert [row["step"] for row in full.callback_log] == [2, 4]
    assert full.activations["unknown"].shape == (8, 32)
    assert len(full.displacement["sets"]["unknown"]) == 3
    assert len(full.records) == len(folder.base.records) == 8 + 8 + 8 + 6 + 8
    assert folder.direction.vectors.shape == (3, 32)


def test_holds_what_figures_take(study_folder):
    folder = RunFolder.open(study_folder)
    assert [arm.arm for arm in folder.rates] == ["base", "full", "seat"]
    assert folder.rates[1].target_recall.mean == folder.of_arm("full")[0].row["target_recall"]
    assert list(folder.plane.points) == ["base", "full", "seat"]
    assert folder.steering.to_json() == folder.base.row["steering"] | {
        key: tuple(folder.base.row["steering"][key]) for key in ("random_added", "random_ablated", "prompts")
    }
    assert len(repr(folder)) < 400


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        ("summary.json", "goes on where it stopped"),
        ("seat-0/displacement.json", "goes on where it stopped"),
        ("config.json", "not a run folder"),
    ],
)
def test_unfinished_and_foreign_folders_are_refused(copy, lost, words):
    (copy / lost).unlink()
    with pytest.raises(SeatError, match=words):
        RunFolder.open(copy)


def test_no_folder_and_no_arm(study_folder, tmp_path):
    with pytest.raises(SeatError, match="There is no run folder"):
        RunFolder.open(tmp_path / "nothing")
    with pytest.raises(SeatError, match="its arms are full, seat"):
        RunFolder.open(study_folder).of_arm("lora")


def test_a_summary_of_something_else_is_refused(copy):
    (copy / "summary.json").write_text('{"rows": [{"arm": "x"}]}')
    with pytest.raises(SeatError, match="does not start with a row of the base"):
        RunFolder.open(copy)


def relabel(folder, run, changed):
    """Every prompt is labelled wrong, and the named questions abstain."""
    path = folder / run / "records.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for record in rows:
        record["label"] = "abstain" if record["question"] in changed else "wrong"
    path.write_text("".join(json.dumps(record) + "\n" for record in rows))
    return [record["question"] for record in rows if record["set_name"] == "unknown"]


def test_examples_prefer_changed_labels_and_count_them(copy):
    questions = relabel(copy, "base", set())
    relabel(copy, "full-0", set())
    relabel(copy, "seat-0", {questions[2], questions[5]})
    found = {part.name: part for part in choose_examples(side_by_side(RunFolder.open(copy)), count=3)}
    unknown = found["unknown"]
    assert (unknown.total, unknown.changed) == (8, {"full": 0, "seat": 2})
    assert len(unknown.shown) == 3
    assert {questions[2], questions[5]} < {example.question for example in unknown.shown}
    assert [record["arm"] for record in unknown.shown[0].replies] == ["base", "full", "seat"]
    assert next(iter(found)) == "unknown"


def test_examples_refuse_other_questions(copy):
    path = copy / "full-0" / "records.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    with pytest.raises(SeatError, match="does not hold the questions of the base"):
        side_by_side(RunFolder.open(copy))
