"""`sweep`: the rows of one process, and what cannot be submitted."""

import json
from pathlib import Path

import pytest
from command_line import call, refused

from seat_interp.commands.cli import main

pytest.importorskip("submitit")
FACTS = ["--target", "target.jsonl", "--known", "known.jsonl", "--unknown", "unknown.jsonl"]
HERE = ["--model", "model", *FACTS, "--config", "quick.json", "--trust-known", "--jobs.at-once", "2"]


def rows(folder: str) -> list[dict]:
    passing = ("seconds", "training_seconds", "peak_memory_mib")
    found = json.loads(Path(folder, "summary.json").read_text())["rows"]
    return [{key: value for key, value in row.items() if key not in passing} for row in found]


def test_jobs_make_the_rows_of_one_process(home, capsys):
    arms = ("--arms", "full", "sparse")
    assert call(*arms) == 0
    assert main(["sweep", *HERE, *arms, "--out", "swept"]) == 0
    assert rows("swept") == rows("run")
    assert "report.html" in capsys.readouterr().out
    assert Path("swept/report.html").exists()
    written = Path("swept/full-0/row.json").stat().st_mtime_ns
    assert main(["sweep", *HERE, *arms, "--out", "swept"]) == 0
    assert Path("swept/full-0/row.json").stat().st_mtime_ns == written


def test_what_cannot_be_submitted_is_said(home, capsys, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    status = main(["sweep", *HERE, "--out", "swept", "--jobs.cluster", "slurm"])
    refused(capsys, status, "no Slurm on this machine", "login node")
    refused(capsys, main(["sweep", *HERE, "--out", "swept", "--jobs.at-once", "0"]), "at_once")
