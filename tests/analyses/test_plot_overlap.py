"""Figures of what masks share: what is drawn is what the rows say."""

import pytest

from analyses.plots.overlap import plot_stability


def test_stability_has_a_bar_for_each_pair_and_a_mark_for_chance():
    rows = [
        {
            "arm": arm,
            "granularity": "neuron",
            "stability": {"two seeds": [0.3, 0.5], "two halves": [0.1]},
            "chance": 0.05,
        }
        for arm in ("random", "fisher")
    ]
    (ax,) = plot_stability(rows).axes
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([0.4, 0.4, 0.1, 0.1])
    assert list(ax.lines[0].get_xdata()) == pytest.approx([0.05, 0.05])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["random, neurons", "fisher, neurons"]
