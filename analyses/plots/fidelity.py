"""How well scores rank neurons by what ablation does."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from seat_interp.plot.style import GREY, styled


@styled
def plot_correlations(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """How well each score ranks neurons by what ablation does: one panel a metric, mean over draws.

    Args:
        rows: with `metric`, `score`, `ablated_on`, `single` and `grouped`, as `analyses/organism/fidelity.py` makes.
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
