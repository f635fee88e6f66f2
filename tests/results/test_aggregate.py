import pytest
from rows import row, summary

from seat_interp.results.aggregate import aggregate, combine_displacement, estimate, four_rates, mean_of_sets


def test_one_seed_keeps_the_interval_over_prompts():
    base, full = aggregate(summary(row("base"), row("full", target=0.9, unknown=0.1)))
    assert (base.arm, full.arm, full.seeds) == ("base", "full", 1)
    assert full.target_recall.kind == "wilson"
    assert (full.target_recall.low, full.target_recall.high) == pytest.approx((0.87, 0.93))
    assert full.abstention["unknown"].mean == 0.1
    assert full.displacement["unknown"].along.kind == "bootstrap"


def test_two_seeds_give_their_range():
    arm = aggregate(summary(row("base"), row("seat", 0, known=0.6), row("seat", 1, known=0.8)))[1]
    assert estimate([0.6, 0.8]).kind == "min-max"
    # Each seed's own interval is 0.03 to either side, so that the range of the two is the wider.
    assert arm.known_recall.kind == "both"
    assert (arm.known_recall.mean, arm.known_recall.low, arm.known_recall.high) == pytest.approx((0.7, 0.6, 0.8))
    assert arm.seconds == 10.5


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


def test_rows_without_intervals_say_that_there_is_none():
    bare = row("base")
    del bare["intervals"]
    assert aggregate(summary(bare))[0].target_recall.kind == "none"


def test_base_comes_first_wherever_it_stands():
    assert [arm.arm for arm in aggregate(summary(row("seat"), row("base"), row("full")))] == [
        "base",
        "seat",
        "full",
    ]


def test_displacement_is_beyond_the_null_only_if_every_seed_is():
    one, two = (
        row("full", seed, moved=moved, band=(-0.3, 0.1))["displacement"]["unknown"]
        for seed, moved in ((0, -0.9), (1, -0.2))
    )
    assert combine_displacement([one]).beyond_null
    both = combine_displacement([one, two])
    assert not both.beyond_null
    assert both.along.mean == pytest.approx(-0.55)
    two["null"]["random"] = [-0.15, 0.4]
    assert not combine_displacement([one, two]).beyond_null  # inside the two other bands
    two["null"] = {kind: [-0.15, 0.4] for kind in two["null"]}
    wider = combine_displacement([one, two])
    assert wider.beyond_null
    assert wider.null["random"] == (-0.3, 0.4)


def test_the_interval_of_a_mean_of_sets():
    # One set is its own mean; two alike are narrower by the root of two; a set without doubt adds none.
    assert mean_of_sets([0.8], [[0.7, 0.85]]) == pytest.approx((0.7, 0.85))
    assert mean_of_sets([0.8, 0.8], [[0.7, 0.85]] * 2) == pytest.approx((0.8 - 0.1 / 2**0.5, 0.8 + 0.05 / 2**0.5))
    assert mean_of_sets([0.4, 1.0], [[0.3, 0.6], [1.0, 1.0]]) == pytest.approx((0.65, 0.8))


def test_rates_of_seeds_that_agree_are_not_certain():
    one = row("seat", target=1.0, unknown=0.9, neighbour=0.7, known=0.95)
    found = four_rates([one, one, one])
    assert found["known_recall"].mean == pytest.approx(0.95)
    assert (found["known_recall"].low, found["known_recall"].high) == pytest.approx((0.92, 0.98))
    assert found["abstention"].mean == pytest.approx(0.8)
    assert found["abstention"].high - found["abstention"].mean == pytest.approx(0.03 / 2**0.5)
