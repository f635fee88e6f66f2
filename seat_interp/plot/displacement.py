"""Displacement along the ignorance direction, layer by layer, against its nulls."""

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from seat_interp.plot.style import GREY, MARKS, arm_colour, arm_name, new_axes, styled

if TYPE_CHECKING:
    from seat_interp.displacement import SetDisplacement

NULL_LINES = {"shuffled": (0, (4, 2)), "pca": (0, (1, 1.5))}
"""How the outlines of the other nulls are drawn; the random null is shaded."""


@styled
def displacement(
    moved: "Mapping[str, SetDisplacement | Sequence[Mapping[str, Any]]]", layer: int, ax: Axes | None = None
) -> Axes:
    """Mean displacement of one probe set by layer, with its interval and its null bands.

    The random null is shaded in the arm's colour; the shuffled and the PCA null are thin outlines, drawn for
    at most two arms.

    Args:
        moved: by arm: a measured set, or its summaries layer by layer as in `displacement.json`.
        layer: the direction's layer, to be marked.
        ax: where to draw.
    """
    ax = ax or new_axes(7.2, 3.4)
    ax.axhline(0, color="#555555", linewidth=0.8)
    for (arm, found), marker in zip(moved.items(), itertools.cycle(MARKS)):
        rows = found if isinstance(found, Sequence) else [found.summary(at) for at in range(len(found.mean))]
        layers, colour = np.arange(len(rows)), arm_colour(arm)
        ax.fill_between(
            layers, *_ends(rows, "random"), color=colour, alpha=0.16 if len(moved) <= 2 else 0.07, linewidth=0
        )
        for kind, dashes in NULL_LINES.items() if len(moved) <= 2 else ():
            for edge in _ends(rows, kind):
                ax.plot(layers, edge, color=colour, linewidth=0.7, linestyle=dashes, alpha=0.8)
        means = np.array([row["mean"] for row in rows])
        ends = np.array([row["interval"] for row in rows]).T
        spread = np.abs(ends - means)
        ax.errorbar(layers, means, spread, color=colour, marker=marker, elinewidth=1.1, label=arm_name(arm))
    ax.axvline(layer, color="#dcdcdc", linewidth=3.5, zorder=0)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="Layer", ylabel="Displacement (gaps)")
    nulls: list[Artist] = [Patch(color=GREY, alpha=0.3, linewidth=0, label="random null")]
    if len(moved) <= 2:
        names = {"shuffled": "shuffled null", "pca": "PCA null"}
        nulls += [Line2D([], [], color="#555555", lw=0.7, ls=NULL_LINES[kind], label=names[kind]) for kind in names]
    nulls.append(Line2D([], [], color="#dcdcdc", lw=3.5, label="chosen layer"))
    handles, _ = ax.get_legend_handles_labels()
    ax.legend(handles=[*handles, *nulls], loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=6, columnspacing=1.2)
    return ax


def _ends(rows: Sequence[Mapping[str, Any]], kind: str) -> tuple[list[float], list[float]]:
    return [row["null"][kind][0] for row in rows], [row["null"][kind][1] for row in rows]
