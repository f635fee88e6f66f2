"""Figures of masks and scores: where a mask lives, how masks overlap, and how far a score can be trusted."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seat_interp.attribution.fidelity import Fidelity
from seat_interp.masks.compare import jaccard_matrix, where
from seat_interp.masks.mask import Mask
from seat_interp.results.aggregate import estimate
from seat_interp.results.style import GREY, new_axes, styled


@styled
def plot_where(masks: Mapping[str, Mask]) -> Figure:
    """Share of each matrix in each layer that a mask holds: one panel a mask, on one scale."""
    found = {name: where(mask) for name, mask in masks.items()}
    rows = max(len({place.layer for place in places}) for places in found.values())
    figure = Figure(figsize=(1.6 + 2.6 * len(masks), 1.6 + 0.17 * rows), layout="constrained")
    axes = figure.subplots(1, len(masks), squeeze=False)[0]
    most = max(place.share for places in found.values() for place in places)
    for ax, (name, places) in zip(axes, found.items()):
        kinds = list(dict.fromkeys(place.matrix for place in places))
        layers = sorted({place.layer for place in places})
        shares = np.full((len(layers), len(kinds)), np.nan)
        for place in places:
            shares[layers.index(place.layer), kinds.index(place.matrix)] = place.share
        image = ax.imshow(shares, aspect="auto", cmap="viridis", vmin=0, vmax=most, origin="lower")
        ax.set_xticks(range(len(kinds)), [kind.split(".")[-1] for kind in kinds], rotation=45, ha="right")
        ax.set(title=f"{name} (budget {masks[name].budget:.3g})", ylabel="Layer" if ax is axes[0] else "")
        ax.set_yticks(range(0, len(layers), max(1, len(layers) // 8)))
        ax.grid(False)
    figure.colorbar(image, ax=list(axes), label="Share of the matrix")
    return figure


@styled
def plot_overlap(masks: Mapping[str, Mask]) -> Figure:
    """Jaccard index of every pair of masks."""
    found = jaccard_matrix(masks)
    size = 1.8 + 0.55 * len(masks)
    ax = new_axes(size + 0.8, size)
    image = ax.imshow(found, cmap="viridis", vmin=0, vmax=1)
    for (row, column), value in np.ndenumerate(found):
        ax.text(
            column, row, f"{value:.2f}", ha="center", va="center", size=7, color="white" if value < 0.6 else "black"
        )
    ax.set_xticks(range(len(masks)), list(masks), rotation=45, ha="right")
    ax.set_yticks(range(len(masks)), list(masks))
    ax.grid(False)
    figure = ax.get_figure()
    assert isinstance(figure, Figure)
    figure.colorbar(image, ax=ax, label="Jaccard index")
    return figure


@styled
def plot_fidelity(found: Mapping[str, Fidelity]) -> Figure:
    """Each score against exact ablation, single neurons above and groups below, with Spearman's correlation."""
    figure = Figure(figsize=(1 + 2.1 * len(found), 4.4), layout="constrained")
    axes = figure.subplots(2, len(found), squeeze=False)
    for column, (name, each) in enumerate(found.items()):
        rows = ((each.scores, each.effects, each.single), (each.group_scores, each.group_effects, each.grouped))
        for row, (scores, effects, correlation) in enumerate(rows):
            ax = axes[row, column]
            ax.plot(scores, effects, ".", ms=3, alpha=0.5, color="#0072B2", mew=0)
            ax.set_title(f"{name}: {correlation:.2f}" if row == 0 else f"groups: {correlation:.2f}", size=8)
            ax.set(xlabel="Score" if row else "", ylabel=("Effect of ablation", "of groups")[row] if not column else "")
            ax.ticklabel_format(style="sci", scilimits=(-2, 2))
    return figure


@styled
def plot_correlations(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """How well each score ranks neurons by what ablation does: one panel a metric, mean over draws.

    Args:
        rows: with `metric`, `score`, `ablated_on`, `single` and `grouped`, as `analyses/organism_fidelity.py` makes.
    """
    metrics, scores = (list(dict.fromkeys(row[key] for row in rows)) for key in ("metric", "score"))
    figure = Figure(figsize=(1.6 + 2.8 * len(metrics), 0.9 + 0.34 * len(scores)), layout="constrained")
    axes = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
    kinds = (("single", "same subjects", "o", "#0072B2"), ("grouped", "same subjects", "s", "#D55E00"),
             ("single", "other subjects", "x", GREY))  # fmt: skip
    for ax, metric in zip(axes, metrics):
        for key, half, marker, colour in kinds:
            points = [
                [r[key] for r in rows if (r["metric"], r["score"], r["ablated_on"]) == (metric, score, half)]
                for score in scores
            ]
            label = f"{'single neurons' if key == 'single' else 'groups of neurons'}, {half}"
            ax.plot([np.mean(each) for each in points], range(len(scores)), marker, color=colour, ms=5, label=label)
        ax.axvline(0, color=GREY, lw=0.8)
        ax.set(title=metric.replace("_", " "), xlabel="Spearman with ablation")
        ax.set_xlim(right=1.03)
        ax.set_yticks(range(len(scores)), scores)
        ax.set_ylim(len(scores) - 0.5, -0.5)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=7)
    return figure


MARKERS = "osD^vPX*<>ph"
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255")
LEARNT = 0.98


@styled
def plot_tradeoff(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """What every way of choosing a mask keeps: known recall and over-abstention against abstention, budget by budget.

    Two panels for each granularity, loss and target set that there are rows of. A line joins the budgets of one scheme,
    written beside its points; crosses are 95 % intervals over seeds; a hollow marker means that the targets were not
    learnt (recall below 0.98).

    Args:
        rows: with `scheme`, `granularity`, `loss`, `target`, `budget`, `seed` and the four rates, as
            `analyses/organism_masks.py` makes.
    """
    parts = sorted({(row["granularity"], row["loss"], row["target"]) for row in rows})
    schemes = list(dict.fromkeys(["random", *sorted(row["scheme"] for row in rows)]))
    lines = -(-len(parts) // 2)
    figure = Figure(figsize=(1 + 5.4 * min(2, len(parts)), 1.1 + 2.4 * lines), layout="constrained")
    axes = figure.subplots(lines, 2 * min(2, len(parts)), squeeze=False).flatten()
    for place, (grain, loss, target) in enumerate(parts):
        here = [r for r in rows if (r["granularity"], r["loss"], r["target"]) == (grain, loss, target)]
        for ax, rate in zip(axes[2 * place :], ("known_recall", "over_abstention")):
            for number, scheme in enumerate(schemes):
                _scheme(ax, [row for row in here if row["scheme"] == scheme], rate, scheme, number)
            kind = "single weights" if grain == "coordinate" else "neurons"
            ax.set_title(f"{'SEAT' if loss == 'seat' else 'Cross entropy'}, {target}, {kind}", size=7)
            ax.set(xlabel="Abstention (mean of probe sets)", xlim=(-0.03, 1.03))
            # Shares: no axis beyond 0 and 1, and no small difference blown up.
            if rate == "known_recall":
                ax.set(ylabel="Known recall", ylim=(min(0.8, ax.get_ylim()[0]), 1.004))
            else:
                ax.set(ylabel="Over-abstention", ylim=(-0.002, max(0.05, ax.get_ylim()[1])))
    for ax in axes[2 * len(parts) :]:
        ax.remove()
    found: dict[str, Any] = {}
    for ax in axes[: 2 * len(parts)]:
        found |= dict(zip(*reversed(ax.get_legend_handles_labels())))
    shown = [scheme for scheme in schemes if scheme in found]
    handles = [found[scheme] for scheme in shown]
    figure.legend(handles, shown, loc="outside lower center", ncols=min(6, len(shown)), fontsize=7)
    return figure


def _scheme(ax: Axes, rows: Sequence[Mapping[str, Any]], rate: str, scheme: str, place: int) -> None:
    """One scheme's line through its budgets, with a cross at each."""
    colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
    if not rows:
        return
    budgets = sorted({row["budget"] for row in rows})
    at = [[row for row in rows if row["budget"] == budget] for budget in budgets]
    bounds = (0.0, 1.0)
    kept = [estimate([float(np.mean(list(r["abstention"].values()))) for r in each], bounds=bounds) for each in at]
    found = [estimate([row[rate] for row in each], bounds=bounds) for each in at]
    style: dict[str, Any] = {"color": colour, "marker": marker, "ms": 4, "mew": 0.8}
    ax.plot([x.mean for x in kept], [y.mean for y in found], "-", lw=0.8, label=scheme, **style)
    for x, y, budget, each in zip(kept, found, budgets, at):
        if rate == "known_recall":
            ax.annotate(f"{budget:.0%}", (x.mean, y.mean), (3, 3), textcoords="offset points", size=5, color=colour)
        learnt = float(np.mean([row["target_recall"] for row in each])) >= LEARNT
        across, down = [[x.mean - x.low], [x.high - x.mean]], [[y.mean - y.low], [y.high - y.mean]]
        fill = colour if learnt else "white"
        ax.errorbar(x.mean, y.mean, xerr=across, yerr=down, lw=0.6, mfc=fill, ls="", **style)
