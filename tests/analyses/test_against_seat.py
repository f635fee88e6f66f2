"""Orders of SEAT's paper against ours."""

import shutil
from pathlib import Path

import pytest

import against_seat
from against_seat import ORDERINGS, Ordering, compare, verdict
from seat_interp.errors import SeatError
from seat_interp.files import read_json
from seat_interp.intervals import Estimate


def test_orders_are_undecided_where_intervals_meet():
    low, middle, high = (Estimate(m, m - 0.1, m + 0.1, "t") for m in (0.2, 0.35, 0.8))
    assert all(each.paper[0] > each.paper[1] for each in ORDERINGS)
    assert len(ORDERINGS) == 10 + 6
    assert verdict(high, low, [1.0, 0.99]) == "agree"
    assert verdict(low, high, [1.0, 0.99]) == "disagree"
    assert verdict(low, middle, [1.0, 0.99]) == verdict(middle, low, [1.0, 0.99]) == "undecided"
    assert verdict(high, low, [1.0, 0.9]) == "undecided"


def test_the_committed_verdicts_follow_from_the_committed_runs(tmp_path):
    saved = Path(against_seat.__file__).parent / "results"
    for path in (*saved.glob("organism_arms_*.json"), *saved.glob("real_arms_*.json")):
        shutil.copy(path, tmp_path)
    against_seat.main(against_seat.Options(tmp_path))
    rows = read_json(tmp_path / "against_seat.json")["rows"]
    assert rows == read_json(saved / "against_seat.json")["rows"]
    # The paper's own sets on SmolLM2, beside people and contracts of the organism.
    assert {row["target"] for row in rows if row["where"] == "TOFU"} == {"people", "contracts", "tofu"}


def test_a_pair_without_runs_is_refused():
    with pytest.raises(SeatError, match=r"no runs of full, seat on tofu\. Make them"):
        compare(Ordering("seat", "full", (0.9, 0.0), "TOFU"), "tofu", "unknown", [])
