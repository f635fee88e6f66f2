"""Orders of SEAT's paper against ours."""

import shutil
from pathlib import Path

import pytest

from analyses.papers import seat as against_seat
from analyses.papers.seat import (
    MEASURES,
    ORDERINGS,
    Claim,
    Ordering,
    Ours,
    compare,
    set_beside,
    verdict,
)
from analyses.plots.papers_tables import claims_table, pairs_table
from seat_interp.core.errors import SeatError
from seat_interp.core.files import read_json
from seat_interp.evaluation.intervals import Estimate


def test_orders_are_inconclusive_where_intervals_meet():
    low, middle, high = (Estimate(m, m - 0.1, m + 0.1, "t") for m in (0.2, 0.35, 0.8))
    assert all(each.paper[0] > each.paper[1] for each in ORDERINGS)
    assert len(ORDERINGS) == 10 + 6
    assert verdict(high, low, [1.0, 0.99]) == "agree"
    assert verdict(low, high, [1.0, 0.99]) == "disagree"
    assert verdict(low, middle, [1.0, 0.99]) == verdict(middle, low, [1.0, 0.99]) == "inconclusive"
    assert verdict(high, low, [1.0, 0.9]) == "inconclusive"


def test_the_committed_verdicts_follow_from_the_committed_runs(tmp_path):
    saved = Path(against_seat.__file__).parents[1] / "results"
    for path in (*saved.glob("organism_arms_*.json"), *saved.glob("smollm2_arms_*.json")):
        shutil.copy(path, tmp_path)
    against_seat.main(against_seat.Options(tmp_path))
    rows = read_json(tmp_path / "papers_seat.json")["rows"]
    assert rows == read_json(saved / "papers_seat.json")["rows"]
    # The paper's own sets on SmolLM2, beside people and contracts of the organism.
    assert {row["target"] for row in rows if row["where"] == "TOFU"} == {"people", "contracts", "tofu"}


def runs(**shares):
    """One run an arm, with a share of abstention by phrase and of what names the question."""
    return [
        {"arm": arm, "base": f"{arm}'s", "target_recall": 1.0, "abstention": {"unknown": phrase},
         "entity_naming_abstention": {"unknown": named}, "known_recall": phrase}
        for arm, (phrase, named) in shares.items()
    ]  # fmt: skip


SIZES = {"target": 50, "unknown": 50, "known": 50}


def test_what_names_the_question_is_compared_by_itself():
    ours = Ours("tofu", runs(seat=(1.0, 0.1), full=(0.0, 0.5)), SIZES)
    pair = Ordering("seat", "full", (0.9, 0.0), "TOFU")
    phrase, named = (compare(pair, measure, "unknown", ours) for measure in MEASURES)
    assert (phrase["verdict"], named["verdict"]) == ("agree", "disagree")
    assert phrase["bases"] == ["seat's", "full's"]


def test_seats_own_numbers_stand_beside_the_base_that_it_was_tuned_from():
    other, mine = ({**row, "base": which} for row, which in zip(runs(base=(0.3, 0.3)) * 2, ("other", "seat's")))
    rows = [other, {**mine, "known_recall": 0.8}, *runs(seat=(0.9, 0.5))]
    claim = Claim("answered", (0.991, 0.991), "Table 3a", "known_recall", "known")
    row = set_beside(claim, Ours("tofu", rows, SIZES))
    assert (row["base"], row["ours"]["mean"]) == (0.8, 0.9)
    (line,) = claims_table([row]).rows
    assert line == ("answered", "0.99, Table 3a", "0.90 [0.79, 0.96] (0.80)")


def test_pairs_are_counted_by_what_was_found():
    ours = Ours("tofu", runs(seat=(1.0, 0.5), replay=(0.9, 0.5), full=(0.0, 0.0)), SIZES)
    pairs = [Ordering("seat", less, (0.9, 0.1), "TOFU") for less in ("replay", "full")]
    table = pairs_table([compare(pair, "abstention", "unknown", ours) for pair in pairs], "here", organism=False)
    assert [line[-1] for line in table.rows] == ["1.00 / 0.90 ?", "1.00 / 0.00 ="]
    assert "here: 1 agree (=), 1 inconclusive (?), 0 disagree (x)." in table.caption


def test_a_pair_without_runs_is_refused():
    with pytest.raises(SeatError, match=r"no runs of seat on tofu\. Make them"):
        compare(Ordering("seat", "full", (0.9, 0.0), "TOFU"), "abstention", "unknown", Ours("tofu", [], {}))
