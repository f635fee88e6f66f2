"""Figures of scores against ablation: what is drawn is what the rows say."""

import pytest

from analyses.plots.fidelity import plot_correlations


def test_correlations_are_means_over_draws():
    rows = [
        {"metric": "loss", "score": score, "ablated_on": half, "single": value, "grouped": value / 2}
        for score, values in {"a": (0.2, 0.4), "b": (0.8, 0.8)}.items()
        for half in ("same subjects", "other subjects")
        for value in values
    ]
    (ax,) = plot_correlations(rows).axes
    single, grouped, others = ax.lines[:3]
    assert list(single.get_xdata()) == pytest.approx([0.3, 0.8])
    assert list(grouped.get_xdata()) == pytest.approx([0.15, 0.4])
    assert list(others.get_xdata()) == pytest.approx([0.3, 0.8])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
