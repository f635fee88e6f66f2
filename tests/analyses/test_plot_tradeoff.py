"""Figures of masks compared: what is drawn is what the rows say."""

import itertools

import pytest
from matplotlib.colors import to_rgba

from analyses.plots.tradeoff import plot_by_budget, plot_tradeoff


def row(scheme, budget, seed, **rates):
    """Without uncertainty over prompts."""
    about = {"scheme": scheme, "granularity": "neuron", "loss": "ce", "target": "people", "budget": budget}
    rates = {"target_recall": 1.0, "known_recall": 0.5, "over_abstention": 0.0} | rates
    intervals = {name: [rate, rate] for name, rate in rates.items() if name != "abstention"}
    intervals["abstention"] = {name: [rate, rate] for name, rate in rates["abstention"].items()}
    return {**about, "seed": seed, **rates, "intervals": intervals}


def test_tradeoff_joins_the_budgets_of_a_scheme_and_marks_what_was_not_learnt():
    rows = []
    for budget, seed in itertools.product((0.1, 0.2), (0, 1, 2)):
        rates = {"known_recall": 0.4 + seed / 10, "target_recall": 1.0 if budget > 0.1 else 0.5}
        rows.append(row("random", budget, seed, abstention={"unknown": budget, "neighbour": 3 * budget}, **rates))
    rows += [row("gxa", 0.1, 0, abstention={"unknown": 0.9, "neighbour": 0.9})]
    (ax,) = plot_tradeoff(rows).axes
    line = next(line for line in ax.lines if line.get_label() == "random")
    assert list(line.get_xdata()) == pytest.approx([0.2, 0.4])  # mean of the two probe sets
    assert list(line.get_ydata()) == pytest.approx([0.5, 0.5])
    markers = [container.lines[0] for container in ax.containers]
    hollow = [to_rgba(marker.get_markerfacecolor()) == to_rgba("white") for marker in markers]
    assert hollow == [True, False, False]
    low, high = ax.containers[0].lines[2][1].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx((0.5 - 0.2484, 0.5 + 0.2484), abs=1e-3)  # t-interval of 0.4, 0.5, 0.6


def test_a_panel_for_each_setting_that_there_are_rows_of():
    settings = [("ce", "neuron"), ("seat", "neuron"), ("seat", "coordinate")]
    rows = [
        row("random", 0.1, 0, abstention={"unknown": 0.5}) | {"loss": loss, "granularity": granularity}
        for loss, granularity in settings
    ]
    titles = [ax.get_title(loc="left") for ax in plot_tradeoff(rows).axes]
    wanted = {"Cross entropy, people, structured", "SEAT, people, structured", "SEAT, people, unstructured"}
    assert set(titles) == wanted
    assert len(titles) == 3


def test_the_four_rates_budget_by_budget():
    kept = {0.01: 0.9, 0.1: 0.5}
    rows = [
        row(scheme, budget, seed, abstention={"unknown": kept[budget] - 0.1 * seed, "neighbour": kept[budget]})
        for scheme, budget, seed in itertools.product(("gxa", "random"), kept, (0, 1))
    ]
    figure = plot_by_budget([*rows, *({**each, "loss": "seat"} for each in rows)])
    assert len(figure.axes) == 2 * 4
    assert [ax.get_title(loc="left") for ax in figure.axes[:4]][1:] == [
        "Abstention (mean of sets)",
        "Known recall",
        "Over-abstention",
    ]
    random, gxa = (container.lines[0] for container in figure.axes[1].containers)
    assert list(random.get_ydata()) == pytest.approx([0.875, 0.475])
    assert list(random.get_xdata()) != list(gxa.get_xdata())  # neither hides the other
    assert figure.axes[4].get_ylabel() == "SEAT,\npeople,\nstructured"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["random", "gxa"]


def test_no_two_ways_look_alike():
    ways = [f"way {number}" for number in range(11)]
    rows = [row(way, 0.1, 0, abstention={"unknown": 0.5}) for way in ("random", *ways)]
    (ax,) = plot_tradeoff(rows).axes
    drawn = {
        (to_rgba(line.get_color()), line.get_marker()) for line in ax.lines if line.get_label() in ("random", *ways)
    }
    assert len({colour for colour, _ in drawn}) == len({marker for _, marker in drawn}) == 12
