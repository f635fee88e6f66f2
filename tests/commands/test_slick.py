"""The command `slick`: it goes on where it was cut off, its file is read as facts, bad input is refused in a line."""

import json
from pathlib import Path

import pytest
from command_line import refused

from seat_interp.commands.cli import main
from seat_interp.core.errors import SeatError
from seat_interp.core.files import write_jsonl
from seat_interp.facts.sources import read_sources

QUICK = "--settings.prompts 2 --settings.exemplars 1 --settings.samples 3 --settings.max-new-tokens 4".split()


def slick(*more, facts="target.jsonl", dev="known.jsonl", out="slick.jsonl"):
    files = ["--facts", facts, "--dev", dev, "--out", out, "--batch-size", "2"]
    return main(["slick", "--model", "model", *files, *QUICK, *more])


def test_a_run_that_was_cut_off_gives_the_same_bytes(home, capsys, monkeypatch):
    assert slick() == 0
    assert "answered tokens" in capsys.readouterr().out
    whole = Path("slick.jsonl").read_bytes()
    assert len(whole.splitlines()) == 3
    about = json.loads(Path("slick.jsonl.json").read_text())
    assert sum(about["rows"][-1][name] for name in ("HighlyKnown", "MaybeKnown", "WeaklyKnown", "Unknown")) == 3
    two = len(b"".join(whole.splitlines(True)[:2]))
    Path("slick.jsonl").write_bytes(whole[: two + 20])  # one batch is there, the next was cut off within its line
    assert slick() == 0
    assert Path("slick.jsonl").read_bytes() == whole
    monkeypatch.setattr("seat_interp.evaluation.slick.answers", None)  # all is there: nothing is asked
    assert slick() == 0
    assert Path("slick.jsonl").read_bytes() == whole


def test_its_file_is_a_file_of_the_same_facts_and_categories_name_parts_of_it(home):
    assert slick() == 0
    rows = [json.loads(line) for line in Path("slick.jsonl").read_text().splitlines()]
    rows[0]["slick"]["category"] = "HighlyKnown"
    write_jsonl("slick.jsonl", rows)
    asked = read_sources(["target.jsonl"])
    assert read_sources(["slick.jsonl"]) == asked  # their own groups stay: splits keep subjects whole
    assert read_sources(["slick.jsonl#HighlyKnown"]) == asked[:1]
    assert read_sources(["slick.jsonl#Unknown"]) == asked[1:]
    with pytest.raises(SeatError, match="has no group 'WeaklyKnown'"):
        read_sources(["slick.jsonl#WeaklyKnown"])


def test_bad_input_is_one_sentence(home, capsys):
    assert slick() == 0
    capsys.readouterr()
    refused(capsys, slick("--settings.seed", "1"), "slick.jsonl was made with other settings")
    refused(capsys, slick(dev="target.jsonl", out="other.jsonl"), "The dev split has 0 facts of the relation")
    refused(capsys, slick(facts="unknown.jsonl", out="other.jsonl"), "has no answer")
    refused(capsys, slick("--settings.temperature", "0", out="other.jsonl"), "temperature")
    refused(capsys, slick("--settings.chat", facts="missing.jsonl", out="other.jsonl"), "missing.jsonl")
