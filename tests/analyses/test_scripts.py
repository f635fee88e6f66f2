"""Scripts at toy size: they run end to end and write rows of the agreed shape."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ANALYSES = Path(__file__).parents[2] / "analyses"


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
def test_arms(tmp_path):
    options = "--arms full replay_0.1 --targets people --seeds 0 --workers 1".split()
    found = run("organism_arms.py", tmp_path, *options, "--work", str(tmp_path / "work"))["organism_arms_people"]
    rows = {row["arm"]: row for row in found["rows"]}
    assert list(rows) == ["base", "full", "replay_0.1"]
    assert rows["full"]["abstention"]["unknown"] < rows["replay_0.1"]["abstention"]["unknown"]
    assert set(found["layers"]) == {"full", "replay_0.1"}


@pytest.mark.slow
def test_rounds(tmp_path):
    options = "--arms full --targets people --seeds 0 --rounds 2".split()
    (row,) = run("organism_rounds.py", tmp_path, *options, "--work", str(tmp_path / "work"))["organism_rounds"]["rows"]
    first, second = row["rounds"]
    assert first["earlier_recall"] is None
    assert second["earlier_recall"] < 1 < 2 * second["target_recall"]
    assert second["displacement"]["unknown"]["mean"] < 0


@pytest.mark.slow
def test_fidelity(tmp_path):
    found = run("organism_fidelity.py", tmp_path, *"--facts 20 --neurons 60 --groups 20 --seeds 0".split())
    best = max(row["single"] for row in found["organism_fidelity"]["rows"])
    assert 0.5 < best <= 1


@pytest.mark.slow
@pytest.mark.parametrize("what", ["attribution", "capture", "training"])
def test_benchmarks(tmp_path, what):
    more = {"training": "--shares 0.1", "capture": "--varied tiny"}.get(what, "")
    options = f"--sizes organism --rounds 3 {more}".split()
    rows = run(f"benchmarks/{what}.py", tmp_path, *options)[f"benchmark_{what}"]["rows"]
    assert all(row["seconds"] > 0 and row["time_ratio"] > 0 for row in rows)
    assert {"scheme", "parameters", "peak_memory_mib", "memory_ratio", "against"} <= rows[0].keys()


@pytest.mark.slow
def test_memory_benchmark(tmp_path):
    rows = run("benchmarks/capture_memory.py", tmp_path, "--most", "1000")["benchmark_capture_memory"]["rows"]
    memory = {(row["scheme"], row["prompts"]): row["peak_memory_mib"] for row in rows}
    assert len(memory) == 6
    assert all(size >= 0 for size in memory.values())
