"""Where prompts lie before and after, on two principal components of the base."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seat_interp.directions.plane import Plane
from seat_interp.plot.style import SET_STYLES, spaced, styled
from seat_interp.plot.wording import arm_name, set_label


@styled
def activations(plane: Plane, axes: Sequence[Axes] | None = None, *, most: int = 120) -> Sequence[Axes]:
    """Draw base and tuned activations on two principal components of the base, one panel for each model.

    Axes are in the activations' own units; the large marker of a set is its mean.

    Args:
        plane: Plane of `principal_plane`, or of a run folder.
        axes: Axes, one for each model; new ones if None.
        most: Largest number of points of a set, evenly spaced over it.

    Returns:
        The axes.
    """
    if axes is None:
        columns = min(3, len(plane.points))
        lines = -(-len(plane.points) // columns)
        figure = Figure(figsize=(7.6, 0.5 + 2.7 * lines), layout="constrained")
        grid = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for spare in grid[len(plane.points) :]:
            spare.set_visible(False)
        axes = list(grid[: len(plane.points)])
    draw_plane(plane, axes, most)
    legend_of_sets(axes[0])
    return axes


def legend_of_sets(ax: Axes) -> None:
    """Add a legend above the whole figure with the evaluation sets of a panel.

    Args:
        ax: Axes of the panel.
    """
    handles, labels = ax.get_legend_handles_labels()
    ax.figure.legend(handles, labels, loc="outside upper center", ncols=6, columnspacing=1.0, handletextpad=0.2)


def draw_plane(plane: Plane, axes: Sequence[Axes], most: int) -> None:
    """Draw the panels of `activations` without a legend.

    Args:
        plane: Plane to draw.
        axes: Axes, one for each model.
        most: Largest number of points of a set.
    """
    drawn = thinned(plane, most).points
    for ax, (name, sets) in zip(axes, plane.points.items()):
        centres: dict[str, tuple[np.ndarray, dict[str, Any]]] = {}
        for set_name in sorted(sets, key=_order):
            colour, marker = SET_STYLES.get(set_name, ("#882255", "v"))
            at = drawn[name][set_name]
            style: dict[str, Any] = {"marker": marker, "facecolors": colour}
            ax.scatter(at[:, 0], at[:, 1], 9, alpha=0.45, linewidths=0, **style)
            centres[set_name] = (sets[set_name].mean(0), style)
        for set_name, (centre, style) in centres.items():  # above every point
            edge: dict[str, Any] = {"edgecolors": "white", "linewidths": 0.9, "zorder": 3}
            ax.scatter(centre[0], centre[1], 62, label=set_label(set_name), **edge, **style)
        ax.set_title(arm_name(name))
        ax.grid(True, axis="both")
    for ax in axes:
        ax.set(xlabel=f"PC 1 ({plane.shares[0]:.0%} of {plane.fitted_on})", ylabel=f"PC 2 ({plane.shares[1]:.0%})")
        ax.label_outer()


def _order(set_name: str) -> int:
    names = list(SET_STYLES)
    return names.index(set_name) if set_name in names else len(names)


def thinned(plane: Plane, most: int) -> Plane:
    """Return a plane with fewer points of each set, evenly spaced over it.

    Args:
        plane: Plane.
        most: Largest number of points of a set.

    Returns:
        The new plane.
    """
    points = {
        model: {name: values[spaced(len(values), most)] for name, values in sets.items()}
        for model, sets in plane.points.items()
    }
    return replace(plane, points=points)
