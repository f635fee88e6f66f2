"""Rounds: a line for each arm, the mean over seeds, and no earlier facts in the first round."""

import pytest
from matplotlib.collections import PolyCollection

from analyses.plots.rounds import KEPT, plot_rounds


def chain(arm, seed):
    rounds = [
        {
            "target_recall": 1.0,
            "earlier_recall": None if number == 0 else 0.4 + 0.2 * seed,
            "abstention": {"unknown": 0.9 - 0.3 * number},
            "known_recall": 0.5,
            "over_abstention": 0.1,
            "displacement": {"unknown": {"mean": -0.2 * number, "null": {"random": [-0.1 * seed, 0.1 * number]}}},
        }
        for number in range(3)
    ]
    return {"arm": arm, "target": "people", "seed": seed, "rounds": rounds}


def test_lines_are_means_over_seeds():
    figure = plot_rounds([chain(arm, seed) for arm in ("full", "seat") for seed in (0, 1)])
    assert len(figure.axes) == len(KEPT)
    earlier = figure.axes[1].containers[0].lines[0]
    assert list(earlier.get_ydata()) == pytest.approx([0.5, 0.5])
    assert [round(x) for x in earlier.get_xdata()] == [2, 3]
    assert list(figure.axes[2].containers[1].lines[0].get_ydata()) == pytest.approx([0.9, 0.6, 0.3])
    assert list(figure.axes[5].containers[0].lines[0].get_ydata()) == pytest.approx([0, -0.2, -0.4])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["Full fine-tuning", "SEAT"]
    (band,) = (each for each in figure.axes[5].collections if isinstance(each, PolyCollection))
    low, high = (f(band.get_paths()[0].vertices[:, 1]) for f in (min, max))
    assert (low, high) == pytest.approx((-0.1, 0.2))
