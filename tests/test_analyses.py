"""The analyses that others rely on, at toy size: they run end to end and write rows of the agreed shape."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ANALYSES = Path(__file__).parent.parent / "analyses"


def test_ratios_are_taken_round_by_round(monkeypatch):
    """A slow minute hits both schemes alike: the ratio of the medians would be 1.5 here."""
    monkeypatch.syspath_prepend(str(ANALYSES / "benchmarks"))
    from interleave import Measured, rows

    found = {"ours": Measured([1.0, 9.0, 3.0], 50.0), "theirs": Measured([2.0, 18.0, 2.0], 200.0)}
    ours, theirs = rows(found, dict.fromkeys(found, "theirs"), model="toy")
    assert ours["time_ratio"] == 0.5
    assert ours["time_ratio_spread"] == [0.5, 1.0]
    assert ours["memory_ratio"] == 0.25
    assert (theirs["time_ratio"], ours["seconds"], ours["model"]) == (1.0, 3.0, "toy")


def run(script, tmp_path, *options):
    made = subprocess.run(
        [sys.executable, str(ANALYSES / script), "--results", str(tmp_path), *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert made.returncode == 0, made.stderr
    return {path.stem: json.loads(path.read_text()) for path in tmp_path.glob("*.json")}


@pytest.mark.slow
def test_masks(tmp_path):
    options = "--schemes random gxa_ratio --granularities neuron --losses ce --targets people --budgets 0.1 --seeds 0"
    found = run("organism_masks.py", tmp_path, *options.split())["organism_masks"]
    rows = {row["scheme"]: row for row in found["rows"]}
    assert set(rows) == {"random", "gxa_ratio"}
    assert all(row["target_recall"] > 0.9 for row in rows.values())
    assert rows["random"]["abstention"] != rows["gxa_ratio"]["abstention"]
    again = run("organism_masks.py", tmp_path, *options.split())["organism_masks"]
    assert again["rows"] == found["rows"]  # read back, not run again: the seconds are the same


@pytest.mark.slow
def test_fidelity(tmp_path):
    found = run("organism_fidelity.py", tmp_path, *"--facts 20 --neurons 60 --groups 20 --seeds 0".split())
    best = max(row["single"] for row in found["organism_fidelity"]["rows"])
    assert 0.5 < best <= 1


@pytest.mark.slow
@pytest.mark.parametrize("what", ["attribution", "training"])
def test_benchmarks(tmp_path, what):
    options = "--sizes organism --rounds 3".split() + (["--shares", "0.1"] if what == "training" else [])
    rows = run(f"benchmarks/{what}.py", tmp_path, *options)[f"benchmark_{what}"]["rows"]
    assert all(row["seconds"] > 0 and row["time_ratio"] > 0 for row in rows)
    assert {"scheme", "parameters", "peak_memory_mib", "memory_ratio", "against"} <= rows[0].keys()
