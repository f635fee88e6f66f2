"""Displacement along the ignorance direction, layer by layer, against its nulls."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from seat_interp.directions.displacement import Displacement
from seat_interp.plot.style import GREY, arm_colours, arm_marker, by_name, columns_over, new_axes, styled
from seat_interp.plot.wording import NULL_WORDS, arm_name

_NULL_LINES = {"shuffled": (0, (4, 2)), "pca": (0, (1, 1.5))}
"""How the outlines of the other nulls are drawn; the random null is shaded."""


def displacement(
    moved: Displacement | Mapping[str, Displacement], set_name: str = "unknown", ax: Axes | None = None
) -> Axes:
    """Draw the mean displacement of one evaluation set after every block, with its 95 % interval and its null bands.

    The unit is the separation, the base's distance between the class means of unknown and known prompts at that layer:
    at -1 the prompts stand, along the direction, where known ones stood. The random null is shaded in the arm's colour;
    the shuffled and the PCA null are thin outlines, drawn for at most two arms. The direction's own layer is marked.

    Args:
        moved: Result of `displacement` for one tuned model, or for several by the names of their arms.
        set_name: Name of the evaluation set.
        ax: Axes to draw on; new ones if None.

    Returns:
        The axes.

    Raises:
        SeatError: No set of that name was measured.
    """
    arms = by_name(moved, "tuned")
    layer = next(iter(arms.values())).direction.layer
    return displacement_by_layer({arm: of_arm.by_layer(set_name) for arm, of_arm in arms.items()}, layer, ax)


@styled
def displacement_by_layer(moved: Mapping[str, Sequence[Mapping[str, Any]]], layer: int, ax: Axes | None = None) -> Axes:
    """Draw displacement from saved summaries, as `displacement` does.

    Args:
        moved: One summary a layer by arm: `Run.displacement["sets"][set_name]` of a run folder.
        layer: Layer to mark.
        ax: Axes to draw on; new ones if None.

    Returns:
        The axes.
    """
    ax = ax or new_axes(7.2, 3.4)
    ax.axhline(0, color="#555555", linewidth=0.8)
    colours = arm_colours(list(moved))
    for arm, rows in moved.items():
        layers, colour, marker = np.arange(len(rows)), colours[arm], arm_marker(arm)
        ax.fill_between(
            layers, *_ends(rows, "random"), color=colour, alpha=0.16 if len(moved) <= 2 else 0.07, linewidth=0
        )
        for kind, dashes in _NULL_LINES.items() if len(moved) <= 2 else ():
            for edge in _ends(rows, kind):
                ax.plot(layers, edge, color=colour, linewidth=0.7, linestyle=dashes, alpha=0.8)
        means = np.array([row["mean"] for row in rows])
        ends = np.array([row["interval"] for row in rows]).T
        spread = np.abs(ends - means)
        ax.errorbar(layers, means, spread, color=colour, marker=marker, elinewidth=1.1, label=arm_name(arm))
    ax.axvline(layer, color="#dcdcdc", linewidth=3.5, zorder=0)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="Layer", ylabel="Displacement (separations)")
    nulls: list[Artist] = [Patch(color=GREY, alpha=0.3, linewidth=0, label=f"{NULL_WORDS['random']} null")]
    if len(moved) <= 2:
        for kind, dashes in _NULL_LINES.items():
            nulls.append(Line2D([], [], color="#555555", lw=0.7, ls=dashes, label=f"{NULL_WORDS[kind]} null"))
    nulls.append(Line2D([], [], color="#dcdcdc", lw=3.5, label="chosen layer"))
    handles, _ = ax.get_legend_handles_labels()
    ax.legend(
        handles=[*handles, *nulls],
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=columns_over(ax, 6),
        columnspacing=1.2,
    )
    return ax


def _ends(rows: Sequence[Mapping[str, Any]], kind: str) -> tuple[list[float], list[float]]:
    return [row["null"][kind][0] for row in rows], [row["null"][kind][1] for row in rows]
