import pytest
from rows import row, summary

from seat_interp.evaluation.intervals import Estimate, estimate
from seat_interp.studies.aggregate import DisplacementEstimate, aggregate, combine_displacement, four_rates


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


def test_the_widest_null_is_that_of_the_side_that_prompts_moved_to():
    nulls = {"random": (-0.1, 0.1), "shuffled": (-0.5, 0.2), "pca": (-0.3, 0.3)}
    down, up = (DisplacementEstimate(Estimate(mean, mean, mean, "none"), 1.0, nulls, False) for mean in (-0.4, 0.4))
    assert (down.widest, up.widest) == ("shuffled", "pca")


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


def test_rates_of_seeds_that_agree_are_not_certain():
    one = row("seat", target=1.0, unknown=0.9, neighbour=0.7, known=0.95)
    found = four_rates([one, one, one])
    assert found["known_recall"].mean == pytest.approx(0.95)
    assert (found["known_recall"].low, found["known_recall"].high) == pytest.approx((0.92, 0.98))
    assert found["abstention"].mean == pytest.approx(0.8)
    assert found["abstention"].high - found["abstention"].mean == pytest.approx(0.03 / 2**0.5)
