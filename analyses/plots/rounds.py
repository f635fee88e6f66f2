"""Several rounds of new facts: what each round learns, and what is left of all that was there before."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from seat_interp.evaluation.intervals import estimate
from seat_interp.plot.style import GREY, MARKS, arm_colour, null_band, reach, styled
from seat_interp.plot.wording import arm_name

KEPT: dict[str, Callable[[Mapping[str, Any]], float | None]] = {
    "Facts of this round": lambda found: found["target_recall"],
    "Facts of earlier rounds": lambda found: found["earlier_recall"],
    "Abstention on unknown": lambda found: found["abstention"]["unknown"],
    "Known recall": lambda found: found["known_recall"],
    "Over-abstention": lambda found: found["over_abstention"],
    "Displacement of unknown": lambda found: found["displacement"]["unknown"]["mean"],
}


@styled
def plot_rounds(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Two lines of panels for each target set, round by round; bars are 95 % intervals over seeds.

    The band behind the displacement is what random directions show, of the arm where they show most.

    Args:
        rows: with `arm`, `target`, `seed` and `rounds`, as `analyses/organism/rounds.py` makes.
    """
    targets = list(dict.fromkeys(row["target"] for row in rows))
    arms = list(dict.fromkeys(row["arm"] for row in rows))
    figure = Figure(figsize=(7.2, 0.6 + 3.2 * len(targets)), layout="constrained")
    axes = figure.subplots(len(targets) * 2, len(KEPT) // 2, sharex=True, squeeze=False)
    for line, target in zip(axes.reshape(len(targets), len(KEPT)), targets):
        for ax, (name, value) in zip(line, KEPT.items()):
            rate = name != "Displacement of unknown"
            for place, arm in enumerate(arms):
                chains = [row["rounds"] for row in rows if (row["arm"], row["target"]) == (arm, target)]
                numbers = [n for n in range(len(chains[0]) if chains else 0) if value(chains[0][n]) is not None]
                bounds = (0.0, 1.0) if rate else (-np.inf, np.inf)
                at = [estimate([float(value(chain[n]) or 0.0) for chain in chains], bounds=bounds) for n in numbers]
                shifted = [n + 1 + 0.08 * (place - len(arms) / 2) for n in numbers]  # no bar hides another
                style: dict[str, Any] = {
                    "color": arm_colour(arm),
                    "marker": MARKS[place],
                    "ms": 3,
                    "lw": 0.9,
                    "elinewidth": 0.6,
                }
                ax.errorbar(shifted, [e.mean for e in at], yerr=reach(at), label=arm_name(arm), **style)
            ax.set_title(f"{name}, {target}", size=7)
            ax.tick_params(labelsize=6)
            if rate:
                ax.set_ylim(-0.03, 1.03)
            else:
                ax.axhline(0, color=GREY, lw=0.6)
                every = [row["rounds"] for row in rows if row["target"] == target]
                bands = [[found["displacement"]["unknown"]["null"]["random"] for found in each] for each in zip(*every)]
                null_band(ax, [float(number + 1) for number in range(len(bands))], bands)
    for ax in axes[-1]:
        ax.set_xlabel("Round", size=7)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(arms), fontsize=7)
    return figure
