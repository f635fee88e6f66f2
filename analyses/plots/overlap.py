"""How much masks that were made alike share."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from seat_interp.plot.style import styled


@styled
def plot_stability(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Overlap of two masks that were made alike, beside that of two random ones: means, a dot for each pair.

    Args:
        rows: with `arm`, `granularity`, `stability` (by kind of pair, two of them, a Jaccard index for each pair) and
            `chance`, as `analyses/organism/overlap.py` makes.
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
