"""Displacement against lost abstention: every run is a point, and the title says what the row says."""

import pytest

from analyses.plots.prediction import plot_prediction


def test_every_run_is_a_point():
    points = [
        {"arm": arm, "seed": seed, "displacement": -0.5 - seed / 10, "lost": 0.9 - seed / 10}
        for arm in ("full", "seat")
        for seed in (0, 1)
    ]
    about = {"correlation": -0.8, "interval": [-0.9, -0.5], "beats": {"random": 0.97}, "points": points}
    rows = [{"target": t, "set": s, **about} for t in ("people", "contracts") for s in ("unknown", "cross_domain")]
    figure = plot_prediction(rows)
    assert len(figure.axes) == 4
    full, seat = figure.axes[0].lines[:2]
    assert list(full.get_xdata()) == pytest.approx([-0.5, -0.6])
    assert list(full.get_ydata()) == pytest.approx([0.9, 0.8])
    assert full.get_color() != seat.get_color()
    title = figure.axes[1].get_title(loc="left")
    assert title == "people, cross-domain\nSpearman -0.80 [-0.90, -0.50]\nbeyond 97% of random"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["Full fine-tuning", "SEAT"]


def test_no_two_of_many_arms_look_alike():
    points = [{"arm": f"arm {n}", "seed": 0, "displacement": 0.1 * n, "lost": 0.5} for n in range(24)]
    about = {"correlation": 0.0, "interval": [-0.1, 0.1], "beats": {"random": 0.5}, "points": points}
    (axes,) = plot_prediction([{"target": "people", "set": "unknown", **about}]).axes
    drawn = [line for line in axes.lines if line.get_marker() not in ("", "None", None)]
    assert len({(line.get_marker(), line.get_fillstyle()) for line in drawn}) == len(drawn) == 24
