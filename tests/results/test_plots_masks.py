"""Figures of masks and scores: what is drawn is what the rows say."""

import itertools

import pytest
from matplotlib.colors import to_rgba

from seat_interp.attribution import Fidelity
from seat_interp.results.plots_masks import plot_correlations, plot_fidelity, plot_tradeoff


def row(scheme, budget, seed, **rates):
    about = {"scheme": scheme, "granularity": "neuron", "loss": "ce", "target": "people", "budget": budget}
    return {**about, "seed": seed, "target_recall": 1.0, "known_recall": 0.5, "over_abstention": 0.0, **rates}


def test_tradeoff_joins_the_budgets_of_a_scheme_and_marks_what_was_not_learnt():
    rows = []
    for budget, seed in itertools.product((0.1, 0.2), (0, 1, 2)):
        rates = {"known_recall": 0.4 + seed / 10, "target_recall": 1.0 if budget > 0.1 else 0.5}
        rows.append(row("random", budget, seed, abstention={"unknown": budget, "neighbour": 3 * budget}, **rates))
    rows += [row("gxa", 0.1, 0, abstention={"unknown": 0.9, "neighbour": 0.9})]
    ax, _ = plot_tradeoff(rows).axes
    line = next(line for line in ax.lines if line.get_label() == "random")
    assert list(line.get_xdata()) == pytest.approx([0.2, 0.4])  # mean of the two probe sets
    assert list(line.get_ydata()) == pytest.approx([0.5, 0.5])
    markers = [container.lines[0] for container in ax.containers]
    hollow = [to_rgba(marker.get_markerfacecolor()) == to_rgba("white") for marker in markers]
    assert hollow == [True, False, False]
    low, high = ax.containers[0].lines[2][1].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx((0.5 - 0.2484, 0.5 + 0.2484), abs=1e-3)  # t-interval of 0.4, 0.5, 0.6


def test_two_panels_for_each_setting_that_there_are_rows_of():
    settings = [("ce", "neuron"), ("seat", "neuron"), ("seat", "coordinate")]
    rows = [
        row("random", 0.1, 0, abstention={"unknown": 0.5}) | {"loss": loss, "granularity": granularity}
        for loss, granularity in settings
    ]
    titles = [ax.get_title(loc="left") for ax in plot_tradeoff(rows).axes]
    wanted = {"Cross entropy, people, neurons", "SEAT, people, neurons", "SEAT, people, single weights"}
    assert set(titles) == wanted
    assert len(titles) == 6


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


def test_fidelity_shows_every_neuron_and_every_group():
    found = Fidelity(0.9, 0.5, effects=[1.0, 2.0, 3.0], scores=[1.0, 2.5, 3.0], group_effects=[4.0], group_scores=[5.0])
    single, grouped = plot_fidelity({"loss": found}).axes
    assert [list(data) for data in single.lines[0].get_data()] == [found.scores, found.effects]
    assert [list(data) for data in grouped.lines[0].get_data()] == [found.group_scores, found.group_effects]
    assert single.get_title(loc="left") == "loss: 0.90"
