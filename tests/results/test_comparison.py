import json
import shutil

import pytest
from command_line import refused
from html_page import Page

from seat_interp.commands.cli import main
from seat_interp.core.errors import SeatError
from seat_interp.results.comparison import write_comparison
from seat_interp.studies.run_folder import RunFolder


def edit(path, change):
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


@pytest.fixture
def pair(varied, tmp_path):
    """Two runs that are alike, in folders of one name; the second is to be changed."""
    return [shutil.copytree(varied, tmp_path / name / "run") for name in ("one", "two")]


def test_runs_that_are_alike_can_be_compared(pair, tmp_path):
    text = write_comparison(pair, tmp_path / "out" / "page.html").read_text()
    page = Page(text)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    assert all(link.startswith(("#", "https://arxiv.org/abs/")) for link in page.links)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert "<strong>Everything.</strong>" in text
    assert "None: settings, model, sizes, versions and machine are the same" in text
    assert text.count("<strong>one/run</strong>") == text.count("<strong>two/run</strong>") == 1
    found = page.data["replies-data"]
    assert found["columns"] == [
        "Base", "Full fine-tuning, one/run", "SEAT, one/run", "Full fine-tuning, two/run", "SEAT, two/run",
    ]  # fmt: skip
    assert found["bases"] == [0] * 5
    assert len(found["prompts"]) == 38
    assert [alt.split()[0] for alt in page.figures] == ["Rates", "Displacement", "Displacement"]
    assert write_comparison(pair, tmp_path / "again.html").read_text() == text


def test_every_arm_has_its_rates_and_displacement(pair, tmp_path):
    edit(pair[1] / "summary.json", lambda summary: summary["rows"][1].update(target_recall=0.777))
    text = write_comparison(pair, tmp_path / "page.html").read_text()
    table = text[text.index('id="table"') : text.index('id="rates"')]
    assert table.count("Full fine-tuning</th>") == table.count("SEAT</th>") == table.count("Base</th>") == 2
    assert table.count("<td>0.78<small>") == 1
    assert table.index("two/run</th>") < table.index("0.78")
    moved = text[text.index('id="moved"') : text.index('id="replies"')]
    for row in RunFolder.open(pair[0]).summary["rows"][1:]:
        for displaced in row["displacement"].values():
            cells = [f"{displaced['mean']:+.2f}", "{:+.2f} to {:+.2f}".format(*displaced["interval"])]
            assert moved.count("".join(f"<td>{cell}</td>" for cell in cells)) >= 2
    (rates,) = (data for alt, data in Page(text).data.items() if alt.startswith("Rates"))
    assert "Full fine-tuning, two/run\ntarget recall: 0.78" in [says.split(" [")[0] for _, _, says in rates["points"]]


def test_what_differs_between_runs_is_said(pair, tmp_path):
    def other(summary):
        summary["config"]["model"]["weights"] = "abc"
        summary["config"]["study"]["null_draws"] = 30
        summary["environment"]["cores"] = 640

    edit(pair[1] / "summary.json", other)
    text = write_comparison(pair, tmp_path / "page.html").read_text()
    assert "one/run and two/run differ in their base model" in text
    assert "differ in their ignorance direction" not in text  # one of the same numbers
    settings = text[text.index('id="settings"') :]
    for name, *values in (("study.null_draws", 20, 30), ("environment.cores", None, 640)):
        (line,) = (line for line in settings.splitlines() if f">{name}</th>" in line)
        assert all(f">{value}</td>" in line for value in values if value is not None)
    assert "study.callback_facts" not in settings


def test_other_questions_and_directions_are_said_and_bases_shown_apart(pair, tmp_path):
    for run in ("base", "full-0", "seat-0"):
        path = pair[1] / run / "records.jsonl"
        records = [json.loads(line) for line in path.read_text().splitlines()]
        for record in records:
            record["reply"] += " Or so."
            if record["set_name"] in ("target", "unknown"):
                record["question"] = record["question"].replace("son", "dottir")
            if record["set_name"] == "neighbour":
                record["set_name"] = "cross_domain"
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
    first = RunFolder.open(pair[0]).direction
    (first * -1.0).save(pair[1] / "direction.safetensors")
    text = write_comparison(pair, tmp_path / "page.html").read_text()
    assert "differ in the facts that they teach" in text
    assert "Not all ask the same prompts: unknown, neighbour, cross-domain differ." in text
    assert "differ in their ignorance direction" in text
    found = Page(text).data["replies-data"]
    assert found["sets"] == ["unverifiable", "known", "neighbour / cross-domain"]
    assert len(found["prompts"]) == 8 + 8 + 6
    assert [name.partition(",")[0] for name in found["columns"]] == ["Base", "Full fine-tuning", "SEAT"] * 2
    assert found["bases"] == [0, 0, 0, 3, 3, 3]


def test_runs_without_a_common_question_or_arm(pair, tmp_path):
    path = pair[1] / "base" / "records.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(r | {"question": f"{r['question']} Well?"}) + "\n" for r in records))

    def base_only(summary):
        del summary["rows"][1:]

    edit(pair[1] / "summary.json", base_only)
    text = write_comparison(pair, tmp_path / "page.html").read_text()
    assert Page(text).open == []
    assert "No question is asked in every run" in text
    assert "base only" in text


def test_what_cannot_be_compared_is_refused(pair, tmp_path, capsys):
    one, two = map(str, pair)
    out = ["--out", str(tmp_path / "page.html")]
    assert main(["compare", one, two, *out]) == 0
    assert "page.html" in capsys.readouterr().out
    (tmp_path / "page.html").unlink()
    refused(capsys, main(["compare", one, *out]), "takes two run folders or more; 1 given")
    refused(capsys, main(["compare", *out]), "0 given")
    refused(capsys, main(["compare", one, two, f"{one}/../run", *out]), "same run is given twice", f"{one}/../run")
    refused(capsys, main(["compare", one, str(tmp_path / "nothing"), *out]), "There is no run folder", "nothing")
    refused(capsys, main(["compare", one, str(tmp_path), *out]), "not a run folder")
    refused(capsys, main(["compare", one, two, "--out", str(tmp_path)]), "is a folder", "compare.html")
    (pair[1] / "seat-0" / "log.jsonl").unlink()
    refused(capsys, main(["compare", one, two, *out]), "log.jsonl is missing", "not finished")
    assert not (tmp_path / "page.html").exists()
    with pytest.raises(SeatError, match="two run folders"):
        write_comparison([], tmp_path / "page.html")
