"""Displacement against lost abstention, run by run."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from seat_interp.results.style import GREY, MARKS, arm_colour, arm_name, set_name, styled


@styled
def plot_prediction(rows: Sequence[Mapping[str, Any]], lost: str = "Abstention lost") -> Figure:
    """A panel for each target and probe set: every run's displacement and the share of abstention that it lost.

    Args:
        rows: with `target`, `set`, `correlation`, `interval`, `beats` and `points` (arm, displacement, lost), as
            `analyses/organism_prediction.py` makes.
        lost: what it is that was lost.
    """
    targets = list(dict.fromkeys(row["target"] for row in rows))
    sets = list(dict.fromkeys(row["set"] for row in rows))
    wide = min(7.2, 0.6 + 2.4 * len(sets))
    figure = Figure(figsize=(wide, 1.0 + 2.0 * len(targets)), layout="constrained")
    axes = figure.subplots(len(targets), len(sets), squeeze=False, sharey=True)
    shown: dict[str, Any] = {}
    every = dict.fromkeys(point["arm"] for row in rows for point in row["points"])
    marks = dict(zip(every, itertools.cycle(MARKS)))
    for row in rows:
        ax = axes[targets.index(row["target"]), sets.index(row["set"])]
        for arm in dict.fromkeys(point["arm"] for point in row["points"]):
            same = [point for point in row["points"] if point["arm"] == arm]
            along, less = ([point[key] for point in same] for key in ("displacement", "lost"))
            shown[arm] = ax.plot(
                along, less, ls="none", marker=marks[arm], ms=4, mew=0.4, mec="white", color=arm_colour(arm)
            )[0]
        low, high = row["interval"]
        told = f"Spearman {row['correlation']:+.2f} [{low:+.2f}, {high:+.2f}]"
        beyond = f"beyond {row['beats']['random']:.0%} of random"
        ax.set_title(f"{row['target']}, {set_name(row['set'])}\n{told}\n{beyond}", size=6)
        ax.tick_params(labelsize=6)
        ax.axvline(0, color=GREY, lw=0.6)
        ax.set(ylim=(-0.05, 1.05))
    for ax in axes[-1]:
        ax.set_xlabel("Displacement (gaps)", size=8)
    for ax in axes[:, 0]:
        ax.set_ylabel(lost, size=8)
    names = [arm_name(arm) for arm in shown]
    figure.legend(shown.values(), names, loc="outside lower center", ncols=min(6, len(shown)), fontsize=7)
    return figure
