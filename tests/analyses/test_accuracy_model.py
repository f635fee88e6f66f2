"""The linear model against a closed form and a plain bootstrap over runs."""

import numpy as np
import pytest

from analyses.common.accuracy_model import Point, accuracy_model
from seat_interp.core.errors import SeatError


def points(runs=12, noise=0.01, seed=0):
    rng = np.random.default_rng(seed)
    found = []
    for run in range(runs):
        level = rng.normal(0, noise)  # what all moments of a run share
        for _ in range(6):
            known, unknown = rng.uniform(size=2)
            found.append(Point(str(run), 0.4 + 0.07 * known - 0.08 * unknown + level, known, unknown))
    return found


def test_coefficients_are_those_of_least_squares():
    found, given = accuracy_model(points()), points()
    x = np.array([[1, p.known, p.unknown] for p in given])
    y = np.array([p.accuracy for p in given])
    beta, *_ = np.linalg.lstsq(x, y, rcond=None)
    assert [found.intercept.value, found.known.value, found.unknown.value] == pytest.approx(beta)
    assert found.r2 == pytest.approx(1 - ((y - x @ beta) ** 2).sum() / ((y - y.mean()) ** 2).sum())
    assert (found.points, found.runs) == (72, 12)
    assert found.unknown.interval[1] < 0 < found.known.interval[0]


def test_intervals_are_about_those_of_a_bootstrap_over_runs():
    given = points(runs=30, noise=0.03)
    by_run = [[p for p in given if p.run == str(run)] for run in range(30)]
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(400):
        some = [p for run in rng.integers(30, size=30) for p in by_run[run]]
        x = np.array([[1, p.known, p.unknown] for p in some])
        drawn.append(np.linalg.lstsq(x, np.array([p.accuracy for p in some]), rcond=None)[0])
    found = accuracy_model(given)
    for coefficient, column in zip((found.intercept, found.known, found.unknown), np.array(drawn).T):
        low, high = np.quantile(column, [0.025, 0.975])
        width = coefficient.interval[1] - coefficient.interval[0]
        assert 0.6 < width / (high - low) < 1.6


def test_too_little_to_fit_is_refused():
    with pytest.raises(SeatError, match="2 runs are too few"):
        accuracy_model([p for p in points() if p.run in "01"])
    with pytest.raises(SeatError, match="share of unknown facts that are fitted is 0"):
        accuracy_model([p._replace(unknown=0.0) for p in points()])
