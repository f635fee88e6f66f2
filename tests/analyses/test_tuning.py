"""What is tried for an arm, and which trial is chosen."""

import pytest

from analyses.common.organism_arms import GRIDS
from analyses.common.tuning_grid import in_grid
from analyses.common.tuning_rule import choose


def trial(rate, recall, kept, target="people"):
    return {"rate": rate, "strength": 1.0, "target": target, "target_recall": recall} | {
        "abstention": kept,
        "known_recall": 1.0,
    }


def test_tuning_takes_what_keeps_most_of_what_learns_enough():
    rows = [trial(1e-3, 0.99, 0.5), trial(2e-3, 1.0, 0.6), trial(4e-3, 0.9, 1.0)]
    assert choose(rows) == {"rate": 2e-3, "strength": 1.0, "learnt": True, "kept": 0.8, "edges": []}
    # Both target sets count: the worse recall, the mean of what is kept.
    rows += [trial(1e-3, 0.98, 0.9, "contracts"), trial(2e-3, 0.97, 1.0, "contracts"), trial(4e-3, 1, 1, "contracts")]
    assert choose(rows)["rate"] == 1e-3
    assert choose([trial(1e-3, 0.5, 1.0), trial(2e-3, 0.7, 0.1)]) == {
        **{"rate": 2e-3, "strength": 1.0, "learnt": False, "edges": ["rate: highest"]},
        "kept": pytest.approx(0.55),
    }


def test_trials_of_an_earlier_grid_do_not_count():
    grid = GRIDS["seat"]
    assert in_grid(GRIDS, {"arm": "seat", "rate": grid.rates[0], "strength": grid.strengths[1]})
    assert not in_grid(GRIDS, {"arm": "seat", "rate": grid.rates[0], "strength": 99.0})
