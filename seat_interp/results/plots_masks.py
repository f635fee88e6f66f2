"""Figures of masks and scores: where a mask lives, how masks overlap, and how far a score can be trusted."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure

from seat_interp.attribution.fidelity import Fidelity
from seat_interp.masks.compare import Place, jaccard_matrix, where
from seat_interp.masks.mask import Mask
from seat_interp.results.style import GREY, new_axes, styled


def plot_where(masks: Mapping[str, Mask]) -> Figure:
    """Share of each matrix in each layer that a mask holds: one panel a mask, on one scale."""
    return plot_places({f"{name} (budget {mask.budget:.3g})": where(mask) for name, mask in masks.items()})


@styled
def plot_places(found: Mapping[str, Sequence[Place]]) -> Figure:
    """As `plot_where`, from the places of each mask, under the titles that they are given."""
    rows = max(len({place.layer for place in places}) for places in found.values())
    columns = min(3, len(found))
    lines = -(-len(found) // columns)
    figure = Figure(figsize=(1.6 + 2.6 * columns, (1.6 + 0.17 * rows) * lines), layout="constrained")
    axes = figure.subplots(lines, columns, squeeze=False).flatten()
    for spare in axes[len(found) :]:
        spare.remove()
    most = max(place.share for places in found.values() for place in places)
    for ax, (name, places) in zip(axes, found.items()):
        kinds = list(dict.fromkeys(place.matrix for place in places))
        layers = sorted({place.layer for place in places})
        shares = np.full((len(layers), len(kinds)), np.nan)
        for place in places:
            shares[layers.index(place.layer), kinds.index(place.matrix)] = place.share
        image = ax.imshow(shares, aspect="auto", cmap="viridis", vmin=0, vmax=most, origin="lower")
        ax.set_xticks(range(len(kinds)), [kind.split(".")[-1] for kind in kinds], rotation=45, ha="right")
        ax.set(title=name, ylabel="Layer" if ax in axes[::columns] else "")
        ax.set_yticks(range(0, len(layers), max(1, len(layers) // 8)))
        ax.grid(False)
    figure.colorbar(image, ax=list(axes[: len(found)]), label="Share of the matrix")
    return figure


def plot_overlap(masks: Mapping[str, Mask]) -> Figure:
    """Jaccard index of every pair of masks."""
    return plot_jaccard(list(masks), jaccard_matrix(masks))


@styled
def plot_jaccard(names: Sequence[str], found: Float[np.ndarray, "masks masks"]) -> Figure:
    """As `plot_overlap`, from the indices."""
    size = 1.8 + 0.55 * len(names)
    ax = new_axes(size + 0.8, size)
    image = ax.imshow(found, cmap="viridis", vmin=0, vmax=1)
    for (row, column), value in np.ndenumerate(found):
        ax.text(
            column, row, f"{value:.2f}", ha="center", va="center", size=7, color="white" if value < 0.6 else "black"
        )
    ax.set_xticks(range(len(names)), list(names), rotation=45, ha="right")
    ax.set_yticks(range(len(names)), list(names))
    ax.grid(False)
    figure = ax.get_figure()
    assert isinstance(figure, Figure)
    figure.colorbar(image, ax=ax, label="Jaccard index")
    return figure


@styled
def plot_stability(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Overlap of two masks that were made alike, beside that of two random ones: means, a dot for each pair.

    Args:
        rows: with `arm`, `granularity`, `stability` (by kind of pair, two of them, a Jaccard index for each pair) and
            `chance`, as `analyses/organism_overlap.py` makes.
    """
    figure = Figure(figsize=(5.4, 0.9 + 0.3 * len(rows)), layout="constrained")
    ax = figure.subplots()
    at = range(len(rows))
    ax.plot([row["chance"] for row in rows], at, "|", color="black", ms=12, mew=1.5, label="by chance", zorder=3)
    for pair, shift, colour in zip(rows[0]["stability"], (-0.15, 0.15), ("#0072B2", "#E69F00")):
        found = [row["stability"][pair] for row in rows]
        ax.barh([y + shift for y in at], [float(np.mean(each)) for each in found], 0.28, color=colour, label=pair)
        for y, each in zip(at, found):
            ax.plot(each, [y + shift] * len(each), ".", color="black", ms=3, mew=0)
    ax.set_yticks(at, [f"{row['arm']}, {row['granularity']}s" for row in rows], size=7)
    ax.set(xlim=(0, 1), xlabel="Jaccard index", ylim=(len(rows) - 0.5, -0.5))
    ax.legend(fontsize=7)
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
