"""Intervals over prompts and over seeds against values worked out by hand."""

import math

import pytest

from seat_interp.core.errors import SeatError
from seat_interp.evaluation.intervals import estimate, interval, interval_of_share, mean_of_sets


def test_wilson_interval_in_closed_form():
    z2 = 1.959963984540054**2
    assert interval(0, 10) == pytest.approx((0, z2 / (10 + z2)))
    assert interval(10, 10) == pytest.approx((10 / (10 + z2), 1))
    half = math.sqrt(z2) / (2 * math.sqrt(40 + z2))  # a share of one half is its own centre
    assert interval(20, 40) == pytest.approx((0.5 - half, 0.5 + half))
    low, high = interval(20, 40, level=0.99)
    assert low < 0.5 - half < 0.5 + half < high


@pytest.mark.parametrize(("successes", "n", "level"), [(0, 0, 0.95), (3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)])
def test_interval_refuses(successes, n, level):
    with pytest.raises(SeatError, match="No interval"):
        interval(successes, n, level)


def test_the_interval_of_a_share_is_that_of_its_count():
    assert interval_of_share(0.3, 10) == interval(3, 10)
    assert interval_of_share(0.1 + 0.2, 10) == interval(3, 10)  # what a mean of ten leaves of a count
    with pytest.raises(SeatError, match="No interval for 12 of 10"):
        interval_of_share(1.2, 10)


def test_three_seeds_give_a_t_interval():
    found = estimate([0.2, 0.4, 0.6])
    # t(0.975, 2 degrees of freedom) is 4.302653 in the tables, the standard deviation is 0.2.
    assert found.kind == "t"
    assert found.mean == pytest.approx(0.4)
    assert found.high - found.mean == pytest.approx(4.302653 * 0.2 / 3**0.5, rel=1e-6)
    assert found.low == pytest.approx(0.8 - found.high)


def test_t_interval_of_a_rate_stays_a_rate():
    assert estimate([0.9, 1.0, 1.0], bounds=(0.0, 1.0)).high == 1.0


def test_seeds_that_agree_do_not_make_prompts_certain():
    same = estimate([0.95, 0.95, 0.95], [(0.8, 0.98), (0.82, 1.0), (0.84, 0.99)], bounds=(0.0, 1.0))
    assert same.kind == "both"
    assert (same.low, same.high) == pytest.approx((0.82, 0.99))
    apart = estimate([0.2, 0.4, 0.6], [(0.3, 0.5)] * 3)
    assert (apart.low, apart.high) == (estimate([0.2, 0.4, 0.6]).low, estimate([0.2, 0.4, 0.6]).high)


def test_the_interval_of_a_mean_of_sets():
    # One set is its own mean; two alike are narrower by the root of two; a set without doubt adds none.
    assert mean_of_sets([0.8], [[0.7, 0.85]]) == pytest.approx((0.7, 0.85))
    assert mean_of_sets([0.8, 0.8], [[0.7, 0.85]] * 2) == pytest.approx((0.8 - 0.1 / 2**0.5, 0.8 + 0.05 / 2**0.5))
    assert mean_of_sets([0.4, 1.0], [[0.3, 0.6], [1.0, 1.0]]) == pytest.approx((0.65, 0.8))
