"""Which runs lose abstention: a direction that tells, one that does not, and intervals that count arms, not seeds."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from analyses.common.prediction import predict_loss, rank_correlation
from seat_interp.core.errors import SeatError

WIDTH, RUNS = 16, 24
ARMS = [f"arm {i // 3}" for i in range(RUNS)]


def made(seed=0):
    generator = torch.Generator().manual_seed(seed)
    shifts = torch.randn(RUNS, WIDTH, generator=generator)
    nulls = torch.nn.functional.normalize(torch.randn(300, WIDTH, generator=generator), dim=-1)
    return shifts, torch.eye(WIDTH)[0], {"random": nulls}


def test_a_direction_that_tells_beats_its_nulls():
    shifts, direction, nulls = made()
    loss = (-shifts[:, 0] + 0.1 * shifts[:, 1]).tolist()
    found = predict_loss(shifts, loss, direction, nulls, groups=ARMS)
    assert found.correlation == pytest.approx(spearmanr(shifts[:, 0], loss).statistic)
    assert found.correlation < -0.9
    low, high = found.interval
    assert -1 <= low <= found.correlation <= high < -0.7
    assert found.size == pytest.approx(spearmanr(shifts.norm(dim=-1), loss).statistic)
    assert found.nulls["random"][7] == pytest.approx(spearmanr(shifts @ nulls["random"][7], loss).statistic)
    assert found.lead[0] > 0.3
    assert found.beats("random") > 0.95
    told = found.to_json()
    assert told["beats"]["random"] == found.beats("random")
    assert told["nulls"]["random"][1] == pytest.approx(np.median(np.abs(found.nulls["random"])))
    assert told["runs"] == RUNS


def test_one_that_does_not_is_among_them():
    shifts, direction, nulls = made(1)
    loss = (shifts[:, 3] + shifts[:, 4]).tolist()
    found = predict_loss(shifts, loss, direction, nulls, groups=ARMS)
    assert found.interval[0] < 0 < found.interval[1]
    assert found.lead[0] < 0 < found.lead[1]
    assert found.beats("random") < 0.95


def test_more_seeds_of_the_same_arms_do_not_narrow_the_interval():
    shifts, direction, nulls = made(2)
    loss = (-shifts[:, 0] + shifts[:, 1]).tolist()
    once = predict_loss(shifts, loss, direction, nulls, groups=ARMS)
    twice = predict_loss(torch.cat([shifts, shifts]), loss * 2, direction, nulls, groups=ARMS * 2)
    assert twice.correlation == pytest.approx(once.correlation)
    assert twice.interval == pytest.approx(once.interval, abs=1e-9)


def test_the_interval_of_a_rank_correlation_is_over_groups():
    shifts, direction, nulls = made(2)
    moved, loss = shifts[:, 0].double().numpy(), (-shifts[:, 0] + shifts[:, 1]).double().numpy()
    value, low, high = rank_correlation(moved, loss, ARMS)
    assert value == pytest.approx(spearmanr(moved, loss).statistic)
    assert (low, high) == predict_loss(shifts, loss.tolist(), direction, nulls, groups=ARMS).interval
    by_run = rank_correlation(moved, loss, range(RUNS))
    assert by_run[0] == value
    assert by_run[1:] != (low, high)
    # Of two groups, each with one value, every draw that says something says the same.
    assert rank_correlation(np.array([1.0, 1, 2, 2]), np.array([0.0, 0, 3, 3]), [None, None, 0.1, 0.1]) == (1, 1, 1)
    assert rank_correlation(moved, loss, ["one"] * RUNS, resamples=0)[1:] == (-1, 1)


def test_refusals():
    shifts, direction, nulls = made()
    with pytest.raises(SeatError, match="4 runs say nothing"):
        predict_loss(shifts[:4], [0.0, 0.1, 0.2, 0.3], direction, nulls, groups=ARMS[:4])
    with pytest.raises(SeatError, match="lost the same"):
        predict_loss(shifts, [0.5] * RUNS, direction, nulls, groups=ARMS)
