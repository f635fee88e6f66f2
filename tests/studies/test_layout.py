"""A folder that several processes fill: what is common to its runs is written by whoever joins them."""

import json
import shutil

import pytest
from tiny_study import tiny_study

from seat_interp.core.errors import SeatError
from seat_interp.results.report import write_report
from seat_interp.studies.run_folder import RunFolder, join_runs, unfinished


def test_runs_that_nobody_joined_are_joined_as_the_study_would_have(study_folder, tmp_path):
    out = tmp_path / "filled"
    shutil.copytree(study_folder, out)
    for common in ("records.jsonl", "summary.json", "report.html"):
        (out / common).unlink(missing_ok=True)
    join_runs(out)
    whole, joined = RunFolder.open(study_folder), RunFolder.open(out)
    assert sorted(joined.arms) == sorted(whole.arms)
    assert {(r.arm, r.seed): r.row for r in joined.runs} == {(r.arm, r.seed): r.row for r in whole.runs}
    lines = [sorted((folder / "records.jsonl").read_text().splitlines()) for folder in (out, study_folder)]
    assert lines[0] == lines[1]
    assert joined.summary["environment"]["versions"] == whole.summary["environment"]["versions"]
    assert write_report(out).stat().st_size > 10_000


def test_some_runs_are_joined_in_the_order_given(study_folder, tmp_path):
    out = tmp_path / "filled"
    shutil.copytree(study_folder, out)
    arms = RunFolder.open(out).arms
    summary = join_runs(out, [(arm, 0) for arm in reversed(arms)])
    assert [row["arm"] for row in summary["rows"]] == ["base", *reversed(arms)]
    assert json.loads((out / "summary.json").read_text())["config"]["arms"] == list(reversed(arms))


def test_what_is_unfinished_is_told_seed_by_seed(study_folder):
    arm = RunFolder.open(study_folder).arms[0]
    assert unfinished(study_folder, [arm, "other"], [0, 7]) == [("other", 0), (arm, 7), ("other", 7)]


def test_a_folder_without_runs_is_refused(tmp_path):
    with pytest.raises(SeatError, match="no finished runs in"):
        join_runs(tmp_path)


def test_finished_runs_that_are_left_out_of_a_summary_are_named(study_folder, tmp_path, models_by_family):
    """A second call with fewer arms reads some back and says what else is there."""
    out, said = tmp_path / "run", []
    shutil.copytree(study_folder, out)
    arm, *others = RunFolder.open(out).arms
    tiny_study(models_by_family("llama"), out, arms=(arm,), say=said.append)
    assert RunFolder.open(out).arms == (arm,)
    assert any("left out of this summary" in line and others[0] in line for line in said)
