"""What a result says of how it was made."""

import sys

from analyses.common.result_file import command, commands, write_result
from seat_interp.core.files import read_json


def test_a_saved_command_names_no_folder_of_this_machine(tmp_path):
    argv = [
        str(tmp_path / "analyses" / "smollm2" / "masks.py"),
        "--data",
        str(tmp_path),
        "--seeds",
        "0",
        "1",
        "--work",
        "runs/here",
    ]
    said = "python -m analyses.smollm2.masks --data DATA --seeds 0 1 --work runs/here"
    assert command(argv) == said
    assert command([argv[0], "--results", str(tmp_path / "elsewhere"), *argv[1:]]) == said


def test_a_result_says_which_calls_made_it(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["analyses/organism/study.py", "--seeds", "1"])
    this, before = (
        "python -m analyses.organism.study --seeds 1",
        {"command": "python -m analyses.organism.study --seeds 0"},
    )
    write_result(tmp_path / "study.json", [{"arm": "full"}], {"model": "tiny"}, layers={})
    found = read_json(tmp_path / "study.json")
    assert set(found) == {"rows", "config", "environment", "command", "layers"}
    assert (found["rows"], found["command"]) == ([{"arm": "full"}], this)
    assert commands(before) == f"{before['command']}; {this}"
    assert commands({"command": commands(before)}) == commands(before)
    assert commands(before, made=False) == before["command"]
    assert commands(None, made=False) == this
