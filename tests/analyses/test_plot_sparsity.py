"""The figure by budget: a line for each loss, at the values of the rows."""

import pytest
from matplotlib.collections import PolyCollection

from analyses.plots.sparsity import plot_sparsity


def row(loss, budget, seed, kept):
    moved = {"mean": -kept, "orthogonal": 1.0, "null": {"random": [-0.1 - kept, 0.1]}}
    return {
        "arm": f"{loss}, {budget:.1%}",
        "budget": budget,
        "seed": seed,
        "abstention": {"unknown": kept},
        "known_recall": 0.9,
        "over_abstention": 0.2,
        "target_recall": 1.0,
        "displacement": {"unknown": moved, "target": moved},
    }


def test_a_line_for_each_loss_over_all_budgets():
    rows = [row(loss, b, s, 0.1 * s + b) for loss in ("sparse", "seat") for b in (0.1, 0.01) for s in (0, 1)]
    figure = plot_sparsity([{"arm": "base"}, *rows])
    axes = figure.axes
    assert [text.get_text() for text in axes[-1].get_legend().get_texts()] == ["Sparse", "SEAT"]
    drawn = axes[2].lines[0]
    assert list(drawn.get_xdata()) == [0.01, 0.1]
    assert list(drawn.get_ydata()) == pytest.approx([0.06, 0.15])
    assert axes[0].get_xscale() == "log"
    assert len(axes[-2].collections) == 2
    # The band is the widest of all losses and seeds at each budget.
    (band,) = (each for each in axes[0].collections if isinstance(each, PolyCollection))
    low = band.get_paths()[0].vertices[:, 1].min()
    assert low == pytest.approx(-0.1 - 0.2)
