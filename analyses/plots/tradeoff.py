"""Figures of masks compared at equal budget: what each way of choosing them learns and keeps."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analyses.common.tuning_rule import LEAST_RECALL
from seat_interp.evaluation.intervals import Estimate
from seat_interp.plot.style import GREY, reach, styled
from seat_interp.studies.aggregate import four_rates

MARKERS = "osD^vPX*<>ph"
COLOURS = (
    *("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00"),
    *("#56B4E9", "#882255", "#999933", "#332288", "#8a8a8a", "#AA4499"),
)
"""One for each marker: two ways of making masks share neither."""


@styled
def plot_tradeoff(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """What every way of choosing a mask keeps: known recall against abstention, budget by budget.

    A panel for each granularity, loss and target set that there are rows of. A line joins the budgets of one scheme,
    written beside its points; crosses are 95 % intervals, over seeds or over prompts, whichever end lies further
    out; a hollow marker means that the targets were not learnt (recall below `LEAST_RECALL`).

    Args:
        rows: with `scheme`, `granularity`, `loss`, `target`, `budget`, `seed` and the four rates, as
            `analyses/organism/masks.py` makes.
    """
    parts = _settings(rows)
    columns = min(4, len(parts))
    figure = Figure(figsize=(0.4 + 2.6 * columns, 0.9 + 2.4 * -(-len(parts) // columns)), layout="constrained")
    axes = figure.subplots(-(-len(parts) // columns), columns, squeeze=False).flatten()
    for ax, part in zip(axes, parts):
        for scheme, number in _schemes(rows).items():
            _scheme(ax, [row for row in rows if _setting(row) == part and row["scheme"] == scheme], scheme, number)
        ax.set_title(_words(*part), size=7)
        # Shares: no axis beyond 0 and 1, and no small difference blown up.
        ax.set(xlabel="Abstention (mean of evaluation sets)", xlim=(-0.03, 1.03), ylabel="Known recall")
        ax.set_ylim(min(0.8, ax.get_ylim()[0]), 1.004)
    for ax in axes[len(parts) :]:
        ax.remove()
    _legend(figure, axes[: len(parts)], rows)
    return figure


RATES = {
    "Target recall": "target_recall",
    "Abstention (mean of sets)": "abstention",
    "Known recall": "known_recall",
    "Over-abstention": "over_abstention",
}


@styled
def plot_by_budget(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """The four rates against the budget: a line of panels for each granularity, loss and target set.

    Bars are 95 % intervals, over seeds or over prompts, whichever end lies further out. The dotted line is
    `LEAST_RECALL` of the targets.

    Args:
        rows: as for `plot_tradeoff`.
    """
    parts = _settings(rows)
    figure = Figure(figsize=(9.0, 0.7 + 1.5 * len(parts)), layout="constrained")
    axes = figure.subplots(len(parts), len(RATES), sharex=True, squeeze=False)
    for row_of_panels, (line, part) in enumerate(zip(axes, parts)):
        here = [row for row in rows if _setting(row) == part]
        found: dict[str, dict[float, dict[str, Estimate]]] = {}
        for scheme in _schemes(rows):
            same = [row for row in here if row["scheme"] == scheme]
            budgets = sorted({row["budget"] for row in same})
            found[scheme] = {budget: four_rates([row for row in same if row["budget"] == budget]) for budget in budgets}
        for ax, (name, key) in zip(line, RATES.items()):
            for scheme, number in _schemes(rows).items():
                budgets = list(found[scheme])
                if not budgets:
                    continue
                at = [rates[key] for rates in found[scheme].values()]
                # A little apart, so that no bar hides another.
                shifted = [budget * 1.08 ** (2 * number / len(_schemes(rows)) - 1) for budget in budgets]
                style = {"label": scheme, "lw": 0.8, "elinewidth": 0.6} | _style(number)
                ax.errorbar(shifted, [e.mean for e in at], yerr=reach(at), **style)
            ax.set(xscale="log", ylim=(-0.03, 1.03))
            if name == "Target recall":
                ax.axhline(LEAST_RECALL, color=GREY, lw=0.8, ls=":")
                ax.set_ylabel(_words(*part).replace(", ", ",\n"), size=7)
            if row_of_panels == 0:
                ax.set_title(name, size=7)
            if row_of_panels == len(parts) - 1:
                ax.set_xlabel("Budget")
    ticks = sorted({row["budget"] for row in rows})
    for ax in axes.flatten():
        ax.set_xticks(ticks, [f"{tick:.0%}" for tick in ticks], size=6)
        ax.set_xticks([], minor=True)
    _legend(figure, axes.flatten(), rows)
    return figure


def _setting(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row["loss"], row["target"], row["granularity"]


def _settings(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    return sorted({_setting(row) for row in rows})


def _words(loss: str, target: str, granularity: str) -> str:
    kind = "unstructured" if granularity == "coordinate" else "structured"
    return f"{'SEAT' if loss == 'seat' else 'Cross entropy'}, {target}, {kind}"


def _schemes(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Every way of making masks, random first, with its place in colours and markers."""
    names = dict.fromkeys(["random", *sorted(row["scheme"] for row in rows)])
    return {scheme: place for place, scheme in enumerate(names)}


def _style(place: int) -> dict[str, Any]:
    return {"color": COLOURS[place % len(COLOURS)], "marker": MARKERS[place % len(MARKERS)], "ms": 4, "mew": 0.8}


def _legend(figure: Figure, axes: Iterable[Axes], rows: Sequence[Mapping[str, Any]]) -> None:
    found: dict[str, Any] = {}
    for ax in axes:
        found |= dict(zip(*reversed(ax.get_legend_handles_labels())))
    shown = [scheme for scheme in _schemes(rows) if scheme in found]
    handles = [found[scheme] for scheme in shown]
    figure.legend(handles, shown, loc="outside lower center", ncols=min(4, len(shown)), fontsize=7)


def _scheme(ax: Axes, rows: Sequence[Mapping[str, Any]], scheme: str, place: int) -> None:
    """One scheme's line through its budgets, with a cross at each."""
    if not rows:
        return
    style = _style(place)
    budgets = sorted({row["budget"] for row in rows})
    at = [[row for row in rows if row["budget"] == budget] for budget in budgets]
    rates = [four_rates(each) for each in at]
    kept, found = ([each[key] for each in rates] for key in ("abstention", "known_recall"))
    ax.plot([x.mean for x in kept], [y.mean for y in found], "-", lw=0.8, label=scheme, **style)
    for x, y, budget, each in zip(kept, found, budgets, at):
        where = {"xytext": (3, 3), "textcoords": "offset points", "size": 5, "color": style["color"]}
        ax.annotate(f"{budget:.0%}", (x.mean, y.mean), **where)
        learnt = float(np.mean([row["target_recall"] for row in each])) >= LEAST_RECALL
        fill = style["color"] if learnt else "white"
        ax.errorbar(x.mean, y.mean, xerr=reach([x]), yerr=reach([y]), lw=0.6, mfc=fill, ls="", **style)
