"""Displacement against lost abstention, run by run."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from seat_interp.plot.style import GREY, MARKS, arm_colour, styled
from seat_interp.plot.wording import arm_name, set_label


@styled
def plot_prediction(rows: Sequence[Mapping[str, Any]], lost: str = "Abstention lost") -> Figure:
    """A panel for each target and probe set: every run's displacement and the share of abstention that it lost.

    Args:
        rows: with `target`, `set`, `correlation`, `interval`, `beats` and `points` (arm, displacement, lost), as
            `analyses/organism/prediction.py` makes.
        lost: what it is that was lost.
    """
    targets = list(dict.fromkeys(row["target"] for row in rows))
    sets = list(dict.fromkeys(row["set"] for row in rows))
    every = list(dict.fromkeys(point["arm"] for row in rows for point in row["points"]))
    wide = min(7.2, max(0.6 + 2.4 * len(sets), 1.2 * min(4, len(every))))
    lines = -(-len(every) // int(wide / 1.2))
    figure = Figure(figsize=(wide, 0.6 + 0.16 * lines + 2.0 * len(targets)), layout="constrained")
    axes = figure.subplots(len(targets), len(sets), squeeze=False, sharey=True)
    shown: dict[str, Any] = {}
    # A second round of marks is hollow, so that no two arms look alike.
    looks = dict(zip(every, itertools.product(("full", "none"), MARKS)))
    for row in rows:
        ax = axes[targets.index(row["target"]), sets.index(row["set"])]
        for arm in dict.fromkeys(point["arm"] for point in row["points"]):
            same = [point for point in row["points"] if point["arm"] == arm]
            along, less = ([point[key] for point in same] for key in ("displacement", "lost"))
            (filled, mark), colour = looks[arm], arm_colour(arm)
            edge = {"mec": "white", "mew": 0.4} if filled == "full" else {"mec": colour, "mew": 0.8}
            shown[arm] = ax.plot(along, less, ls="none", marker=mark, fillstyle=filled, ms=4, color=colour, **edge)[0]
        low, high = row["interval"]
        told = f"Spearman {row['correlation']:+.2f} [{low:+.2f}, {high:+.2f}]"
        beyond = f"beyond {row['beats']['random']:.0%} of random"
        ax.set_title(f"{row['target']}, {set_label(row['set'])}\n{told}\n{beyond}", size=6)
        ax.tick_params(labelsize=6)
        ax.axvline(0, color=GREY, lw=0.6)
        ax.set(ylim=(-0.05, 1.05))
    for ax in axes[-1]:
        ax.set_xlabel("Displacement (separations)", size=8)
    for ax in axes[:, 0]:
        ax.set_ylabel(lost, size=8)
    names = [arm_name(arm) for arm in shown]
    figure.legend(shown.values(), names, loc="outside lower center", ncols=min(int(wide / 1.2), len(shown)), fontsize=7)
    return figure
