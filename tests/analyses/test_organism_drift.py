"""What the drift of copies tells about abstention."""

import pytest

from analyses.plots.organism_tables import told


def test_what_drift_tells_is_drawn_by_limit():
    rows = [
        {
            "limit": limit,
            "drift": -limit - 0.01 * seed,
            "random_drift": [0.1 * (seed - 1), limit],
            "kl_at_end": 0.3 * limit + 0.001 * seed,
            "abstention": {"unknown": 1 - limit - 0.02 * seed},
        }
        for limit in (0.1, 0.2, 0.4, 0.8)
        for seed in range(3)
    ]
    found = told(rows)
    assert found["correlation"] == pytest.approx(-1)
    assert found["interval"][0] == pytest.approx(-1)
    assert found["runs"] == 12
    assert found["kl"] == pytest.approx(-1)
    assert found["random"][0] < -0.9 < -0.5 < found["random"][1]
    shuffled = [row | {"abstention": {"unknown": (7 * i) % 12 / 12}} for i, row in enumerate(rows)]
    low, high = told(shuffled)["interval"]
    assert low < 0 < high
