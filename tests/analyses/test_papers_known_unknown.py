"""Findings on known and unknown facts against ours."""

import pytest

from analyses.papers import known_unknown as claims
from seat_interp.core.errors import SeatError
from seat_interp.evaluation.intervals import Estimate


def test_a_claim_holds_where_its_interval_is_above_zero():
    def row(arm, seed, kept, learnt):
        moments = [(0.0, 1.0), (learnt / 2, (1 + kept) / 2), (learnt, kept)]
        curve = [{"rates": {"D_U": {"correct": d}, "H_K": {"correct": h}}} for d, h in moments]
        return {"arm": arm, "seed": seed, "curve": curve}

    rows = [row("all", seed, 0.80 + seed / 100, 1.0) for seed in range(3)]
    rows += [row(claims.WEAKER, seed, 0.94, 0.96) for seed in range(3)] + [row("attention", 0, 0.9, 0.5)]
    found = {claim.says: claim for claim in claims.CLAIMS}
    (half,) = (found[says] for says in found if says.endswith("at the end"))
    ours = half.ours({"forgetting": rows})
    assert ours.value.mean == pytest.approx(0.095 - 0.06)
    assert claims.verdict(ours, None) == "agree"
    at_equal_learning = f"it more than halves that loss where D_U reaches {claims.COMPARED_AT}"
    # Learnt to 0.9 at four fifths of the second stretch for the one, at 0.875 of it for the other.
    equal = found[at_equal_learning].ours({"forgetting": rows[:1] + rows[3:4]})
    assert equal.value.mean == pytest.approx((1 - 0.82) / 2 - (1 - 0.94375))
    assert claims.verdict(equal, None) == "inconclusive"  # of one seed
    slower = found["attention alone learns less of the Unknown than all weights"].ours({"forgetting": rows})
    assert (slower.value.mean, slower.seeds) == (0.5, 1)
    never = [row(claims.WEAKER, 3, 0.9, 0.7), row("all", 3, 0.8, 1.0)]
    dropped = found[at_equal_learning].ours({"forgetting": rows + never})
    assert (dropped.seeds, dropped.of) == (3, 4)
    assert claims.verdict(dropped, None) == "inconclusive"

    def of(low, high, within=None):
        return claims.verdict(claims.Found(Estimate(low, low, high, "t"), 5, 5), within)

    assert [of(-1.0, 1.0), of(-2.0, 0.0), of(0.5, 2.0)] == ["inconclusive", "disagree", "agree"]
    assert [of(-0.02, 0.06, 0.05), of(0.06, 0.1, 0.05), of(-0.03, 0.04, 0.05)] == ["inconclusive", "disagree", "agree"]
    with pytest.raises(SeatError, match="organism_mixing"):
        found["early stop avoids harm, all Unknown"].ours({"mixing": []})
    started = {"rates": {"train_known": {"correct": 0.8}, "train_unknown": {"correct": 0.0}}}
    early = {"rates": {"train_known": {"correct": 0.9}, "train_unknown": {"correct": 0.4}}}
    head_start = {"arm": "50 % Unknown", "seed": 0, "curve": [started, early, early]}
    assert claims.known_first(head_start) == pytest.approx(0.5 - 0.4)
