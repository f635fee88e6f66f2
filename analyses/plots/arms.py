"""Studies as `seat_interp.plot` draws them: rates and displacement of their arms, shares of their masks."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seat_interp import plot
from seat_interp.masks.compare import Place
from seat_interp.plot.style import styled
from seat_interp.plot.wording import set_label
from seat_interp.studies.aggregate import aggregate
from seat_interp.studies.arms import ArmName

Summary = Mapping[str, Any]
MOST_BARS = 6
"""Arms that bars beside each other can show."""
RANGE = (-2.2, 1.2)
"""Separations shown in figures of displacement by layer."""


def plot_rates(summary: Summary) -> Figure:
    """The rates of every arm: bars, or a row for each where there are many."""
    arms = aggregate(summary)
    return _figure(plot.rates_by_row(arms)[0] if len(arms) > MOST_BARS else plot.rates(arms))


@styled
def plot_displacement(summary: Summary) -> Figure:
    """Displacement by layer: one panel a probe set, first seed, cut at `RANGE`; of arms, not of their variants.

    Where there are variants alone, all are drawn. A variant has the colour of its arm: tables tell them apart.
    """
    layers = {arm: found for arm, found in summary["layers"].items() if arm in get_args(ArmName)} or summary["layers"]
    sets = list(next(iter(layers.values()))["sets"])
    lines = -(-len(sets) // 2)
    figure = Figure(figsize=(7.2, 0.8 + 2.2 * lines), layout="constrained")
    axes = figure.subplots(lines, 2, sharex=True, squeeze=False).flatten()
    for spare in axes[len(sets) :]:
        spare.set_axis_off()
    axes = axes[: len(sets)]
    for ax, name in zip(axes, sets):
        moved = {arm: found["sets"][name] for arm, found in layers.items()}
        plot.displacement_by_layer(moved, next(iter(layers.values()))["layer"], ax=ax)
        cut = any(not RANGE[0] <= row["mean"] <= RANGE[1] for rows in moved.values() for row in rows)
        note = "" if not cut else ", cut"
        first = ", first seed" if ax is axes[0] else ""
        ax.set_title(f"{set_label(name)}{first}{note}", loc="left", size=8, pad=4)
        drawn = ax.get_legend()
        shown, names = ax.get_legend_handles_labels()
        rest = zip(drawn.legend_handles[len(shown) :], drawn.get_texts()[len(shown) :])
        legend = [*zip(shown, names), *((handle, text.get_text()) for handle, text in rest)]
        drawn.remove()
        ax.tick_params(labelsize=7)
        ax.set_xlabel("Layer" if ax in axes[-2:] else "", size=8)
        ax.set_ylabel(ax.get_ylabel(), size=8)
    # One range for all panels: in lower layers the separation is small, and displacements run out of the panel.
    lows, highs = zip(*(ax.get_ylim() for ax in axes))
    for ax in axes:
        ax.set_ylim(max(min(lows), RANGE[0]), min(max(highs), RANGE[1]))
    handles, labels = zip(*legend)
    figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=7)
    return figure


def plot_shares(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Where masks live: one panel for each way of making them."""
    kinds = {"neuron": "neurons", "coordinate": "weights"}
    found = {f"{row['arm']}, {kinds[row['granularity']]}": [Place(**each) for each in row["places"]] for row in rows}
    return _figure(plot.shares(found)[0])


def _figure(ax: Axes) -> Figure:
    figure = ax.get_figure()
    assert isinstance(figure, Figure)
    return figure
