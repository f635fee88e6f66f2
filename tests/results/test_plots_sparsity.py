"""The figure by budget: a line for each loss, at the values of the rows."""

import pytest

from seat_interp.results.plots_sparsity import plot_sparsity


def row(loss, budget, seed, kept):
    moved = {"mean": -kept, "orthogonal": 1.0}
    return {
        "arm": f"{loss} {budget:.1%}",
        "budget": budget,
        "seed": seed,
        "abstention": {"unknown": kept},
        "known_recall": 0.9,
        "target_recall": 1.0,
        "displacement": {"unknown": moved, "target": moved},
    }


def test_a_line_for_each_loss_over_all_budgets():
    rows = [row(loss, b, s, 0.1 * s + b) for loss in ("sparse", "seat") for b in (0.1, 0.01) for s in (0, 1)]
    figure = plot_sparsity([{"arm": "base"}, *rows])
    axes = figure.axes
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["Sparse", "SEAT"]
    drawn = axes[2].lines[0]
    assert list(drawn.get_xdata()) == [0.01, 0.1]
    assert list(drawn.get_ydata()) == pytest.approx([0.06, 0.15])
    assert axes[0].get_xscale() == "log"
    assert len(axes[-1].collections) == 2
