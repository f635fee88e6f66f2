"""What the share of trained weights does: drift, abstention and learning by budget, as Fig. 3 of 2506.14387."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analyses.common.organism_arms import LEARNT
from seat_interp.evaluation.intervals import estimate
from seat_interp.plot.style import GREY, MARKS, arm_colour, null_band, reach, styled
from seat_interp.plot.wording import arm_name

Row = Mapping[str, Any]
SHOWN: dict[str, Callable[[Row], float]] = {
    "Displacement of unknown": lambda row: row["displacement"]["unknown"]["mean"],
    "Shift across the direction": lambda row: row["displacement"]["unknown"]["orthogonal"],
    "Abstention on unknown": lambda row: row["abstention"]["unknown"],
    "Known recall": lambda row: row["known_recall"],
    "Over-abstention": lambda row: row["over_abstention"],
    "Target recall": lambda row: row["target_recall"],
}


@styled
def plot_sparsity(rows: Sequence[Row]) -> Figure:
    """By budget, a line for each loss, bars are 95 % intervals over seeds; last, the drift of target against unknown.

    Hollow: on average less than `LEARNT` of the targets was learnt, so that little drift is no merit. The band behind
    the displacement is what random directions show, of the loss where they show most.

    Args:
        rows: of runs whose arm is called by loss and budget ("seat, 10.0%"), with `budget`, the rates and
            `displacement`, as `analyses/organism/sparsity.py` makes; others are passed over.
    """
    runs = [row for row in rows if "," in row["arm"]]
    losses = list(dict.fromkeys(_loss(row) for row in runs))
    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    *axes, legend = figure.subplots(2, 4).flatten()
    for place, loss in enumerate(losses):
        same = [row for row in runs if _loss(row) == loss]
        budgets = sorted({row["budget"] for row in same})
        at = [[row for row in same if row["budget"] == budget] for budget in budgets]
        for ax, (name, value) in zip(axes, SHOWN.items()):
            _line(ax, budgets, [[value(row) for row in each] for each in at], loss, place)
            # Over the filled marks: hollow ones where too little was learnt.
            short = [n for n, each in enumerate(at) if np.mean([row["target_recall"] for row in each]) < LEARNT]
            hollow = [float(np.mean([value(row) for row in at[n]])) for n in short]
            mark = {"marker": MARKS[place], "mfc": "white", "mec": arm_colour(loss), "ms": 3, "ls": "none"}
            ax.plot([budgets[n] for n in short], hollow, zorder=5, **mark)  # type: ignore[arg-type]
            ax.set_title(name, size=7)
        _against(axes[-1], at, loss)
    for ax in axes[:-1]:
        ax.set_xscale("log")
        ax.set_xlabel("Share of the weights", size=7)
    axes[0].axhline(0, color=GREY, lw=0.6)
    budgets = sorted({row["budget"] for row in runs})
    bands = [[r["displacement"]["unknown"]["null"]["random"] for r in runs if r["budget"] == b] for b in budgets]
    null_band(axes[0], budgets, bands)
    for ax in axes[2:6]:
        ax.set_ylim(-0.03, 1.03)
    axes[-1].axline((0, 0), slope=1, color=GREY, lw=0.6)
    axes[-1].set_xlabel("Displacement of target", size=7)
    axes[-1].set_ylabel("Displacement of unknown", size=7)
    axes[-1].set_title("Target against unknown", size=7)
    for ax in axes:
        ax.tick_params(labelsize=6)
    handles, labels = axes[0].get_legend_handles_labels()
    legend.legend(handles, labels, loc="center", fontsize=7)
    legend.set_axis_off()
    return figure


def _loss(row: Row) -> str:
    return row["arm"].partition(",")[0]


def _line(ax: Axes, budgets: Sequence[float], values: Sequence[Sequence[float]], loss: str, place: int) -> None:
    found = [estimate(each) for each in values]
    style: dict[str, Any] = {
        "color": arm_colour(loss),
        "marker": MARKS[place],
        "ms": 3,
        "lw": 0.9,
        "elinewidth": 0.6,
    }
    ax.errorbar(budgets, [e.mean for e in found], yerr=reach(found), label=arm_name(loss), **style)


def _against(ax: Axes, at: Sequence[Sequence[Row]], loss: str) -> None:
    points = np.array(
        [[np.mean([r["displacement"][s]["mean"] for r in each]) for s in ("target", "unknown")] for each in at]
    )
    ax.plot(points[:, 0], points[:, 1], "-", color=arm_colour(loss), lw=0.6)
    ax.scatter(points[:, 0], points[:, 1], s=6 + 5 * np.arange(len(points)), color=arm_colour(loss))
