"""Orders of SEAT's paper against ours."""

from against_seat import ORDERINGS, verdict
from seat_interp.intervals import Estimate


def test_orders_are_undecided_where_intervals_meet():
    low, middle, high = (Estimate(m, m - 0.1, m + 0.1, "t") for m in (0.2, 0.35, 0.8))
    assert all(each.paper[0] > each.paper[1] for each in ORDERINGS)
    assert len(ORDERINGS) == 10 + 6
    assert verdict(high, low, [1.0, 0.99]) == "agree"
    assert verdict(low, high, [1.0, 0.99]) == "disagree"
    assert verdict(low, middle, [1.0, 0.99]) == verdict(middle, low, [1.0, 0.99]) == "undecided"
    assert verdict(high, low, [1.0, 0.9]) == "undecided"
