"""Figures that look inside the runs: where the prompts lie before and after, and how training went."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from seat_interp.plane import Plane
from seat_interp.results.style import SET_STYLES, arm_colour, arm_name, set_name, styled

LINES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))


@styled
def pca_scatter(plane: Plane, axes: Sequence[Axes] | None = None, *, most: int = 120) -> Sequence[Axes]:
    """Base and tuned activations on two principal components of the base, one panel for each model.

    The large marker of a set is its mean.

    Args:
        plane: of `principal_plane`.
        axes: one for each model.
        most: points drawn a set, evenly spaced over it.
    """
    if axes is None:
        columns = min(3, len(plane.points))
        lines = -(-len(plane.points) // columns)
        figure = Figure(figsize=(7.6, 0.5 + 2.7 * lines), layout="constrained")
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for spare in grid[len(plane.points) :]:
            spare.set_visible(False)
        axes = list(grid[: len(plane.points)])
    _draw_plane(plane, axes, most)
    _legend_of_sets(axes[0])
    return axes


@styled
def planes_by_layer(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """`pca_scatter` for every layer, first seed; over each panel the mean silhouette of known against unverifiable.

    Args:
        rows: with `arm`, `layer`, `separation` and, in the base's rows, `plane`, as `analyses/organism_pca.py` makes.
    """
    planes = {row["layer"]: Plane.from_json(row["plane"]) for row in rows if "plane" in row}
    models = list(next(iter(planes.values())).points)
    figure = Figure(figsize=(min(7.2, 0.4 + 1.75 * len(models)), 0.5 + 1.45 * len(planes)), layout="constrained")
    axes = figure.subplots(len(planes), len(models), sharex="row", sharey="row", squeeze=False)
    for line, (layer, plane) in zip(axes, planes.items()):
        _draw_plane(plane, list(line), most=60)
        for ax, model in zip(line, models):
            same = [row for row in rows if (row["arm"], row["layer"]) == (model, layer)]
            apart = np.mean([row["separation"]["unverifiable"] for row in same])
            ax.set_title(f"{arm_name(model)}, layer {layer}: {apart:.2f}", size=6)
            ax.set_xlabel(ax.get_xlabel(), size=6)
            ax.set_ylabel(ax.get_ylabel(), size=6)
            ax.tick_params(labelsize=6, labelbottom=True)  # every layer has a scale of its own
    _legend_of_sets(axes[0, 0])
    return figure


def _legend_of_sets(ax: Axes) -> None:
    handles, labels = ax.get_legend_handles_labels()
    ax.figure.legend(handles, labels, loc="outside upper center", ncols=6, columnspacing=1.0, handletextpad=0.2)


def _draw_plane(plane: Plane, axes: Sequence[Axes], most: int) -> None:
    """The panels of `pca_scatter`, without a legend."""
    drawn = plane.thinned(most).points
    for ax, (name, sets) in zip(axes, plane.points.items()):
        centres: dict[str, tuple[np.ndarray, dict[str, Any]]] = {}
        for probe in sorted(sets, key=_order):
            colour, marker = SET_STYLES.get(probe, ("#882255", "v"))
            at = drawn[name][probe]
            style: dict[str, Any] = {"marker": marker, "facecolors": colour}
            ax.scatter(at[:, 0], at[:, 1], 9, alpha=0.45, linewidths=0, **style)
            centres[probe] = (sets[probe].mean(0), style)
        for probe, (centre, style) in centres.items():  # above every point
            edge: dict[str, Any] = {"edgecolors": "white", "linewidths": 0.9, "zorder": 3}
            ax.scatter(centre[0], centre[1], 62, label=set_name(probe), **edge, **style)
        ax.set_title(arm_name(name))
        ax.grid(True, axis="both")
    for ax in axes:
        ax.set(xlabel=f"PC 1 ({plane.shares[0]:.0%} of {plane.fitted_on})", ylabel=f"PC 2 ({plane.shares[1]:.0%})")
        ax.label_outer()


@styled
def training_curves(
    logs: Mapping[str, Sequence[Mapping[str, Any]]],
    probes: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    axes: Sequence[Axes] | None = None,
) -> Sequence[Axes]:
    """Loss terms by step, and beside them what the live probe saw, if it ran.

    Args:
        logs: by arm, one row a step: `step`, `gradient`, and the loss terms.
        probes: by arm, one row each time: `step`, and what was measured.
        axes: one for the losses, and one for the probes if there are any.
    """
    probes = {arm: rows for arm, rows in (probes or {}).items() if rows}
    if axes is None:
        figure = Figure(figsize=(7.4, 3.0), layout="constrained")
        axes = list(figure.subplots(1, 2 if probes else 1, squeeze=False).ravel())
    _curves(axes[0], logs, skip=("step", "gradient"))
    axes[0].set(yscale="log", ylabel="Loss (nats a token)")
    axes[0].set_ylim(bottom=max(axes[0].get_ylim()[0], 1e-5))  # before the first step a KL is zero but for rounding
    if probes:
        _curves(axes[1], probes, skip=("step",))
        axes[1].axhline(0, color="#8a8a8a", linewidth=0.7)
        axes[1].set(ylabel="Share, or gaps")
    return axes


def _curves(ax: Axes, rows: Mapping[str, Sequence[Mapping[str, Any]]], skip: tuple[str, ...]) -> None:
    """Colour tells the arm, dashes tell the quantity."""
    names = dict.fromkeys(name for found in rows.values() for row in found for name in row if name not in skip)
    dashes = dict(zip(names, LINES * len(names)))
    for arm, found in rows.items():
        for name in names:
            if points := [(row["step"], row[name]) for row in found if name in row]:
                ax.plot(*zip(*points), color=arm_colour(arm), linestyle=dashes[name], lw=1.4)
    ax.set(xlabel="Step")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    arms = [Line2D([], [], color=arm_colour(arm), label=arm_name(arm)) for arm in rows]
    terms = [Line2D([], [], color="#444444", lw=1.2, ls=dash, label=_words(name)) for name, dash in dashes.items()]
    ax.legend(handles=[*arms, *terms], loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, columnspacing=1.0)


def _order(probe: str) -> int:
    names = list(SET_STYLES)
    return names.index(probe) if probe in names else len(names)


def _words(name: str) -> str:
    return {"ep_kl": "EP-KL", "kl": "KL"}.get(name, name.replace("_", " "))
