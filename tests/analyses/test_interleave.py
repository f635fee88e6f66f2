"""Schemes timed in turns: what is made of the times."""

from pathlib import Path

ANALYSES = Path(__file__).parents[2] / "analyses"


def test_ratios_are_taken_round_by_round(monkeypatch):
    """A slow minute hits both schemes alike: the ratio of the medians would be 1.5 here."""
    monkeypatch.syspath_prepend(str(ANALYSES / "benchmarks"))
    from analyses.benchmarks.interleave import Measured, rows

    found = {"ours": Measured([1.0, 9.0, 3.0], 50.0), "theirs": Measured([2.0, 18.0, 2.0], 200.0)}
    ours, theirs = rows(found, dict.fromkeys(found, "theirs"), model="toy")
    assert ours["time_ratio"] == 0.5
    assert ours["time_ratio_spread"] == [0.5, 1.0]
    assert ours["memory_ratio"] == 0.25
    assert (theirs["time_ratio"], ours["seconds"], ours["model"]) == (1.0, 3.0, "toy")
