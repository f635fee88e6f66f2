"""What a capture costs: time against the plain backbone, and memory as the prompts grow."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from seat_interp.plot.style import COLOURS, GREY, MARKS, styled

Row = Mapping[str, Any]


@styled
def plot_time_ratios(rows: Sequence[Row]) -> Figure:
    """Median time ratio of every scheme to the one its rows name in `against`, a mark for each model.

    Rows of a scheme at other lengths or depths are left to the table.

    Args:
        rows: with `scheme`, `model`, `time_ratio` and `time_ratio_spread` (its middle half).
    """
    rows = [row for row in rows if "varied" not in row]
    figure = Figure(figsize=(4.8, 3.0), layout="constrained")
    ax = figure.subplots()
    schemes = list(dict.fromkeys(row["scheme"] for row in rows if row["scheme"] != row["against"]))
    models = list(dict.fromkeys(row["model"] for row in rows))
    for place, model in enumerate(models):
        there = {row["scheme"]: row for row in rows if row["model"] == model}
        found = [(at, there[name]) for at, name in enumerate(schemes) if name in there]
        middle = [row["time_ratio"] for _, row in found]
        low, high = zip(*(row["time_ratio_spread"] for _, row in found))
        reach = [[m - a for m, a in zip(middle, low)], [b - m for m, b in zip(middle, high)]]
        heights = [at + 0.22 * (place - (len(models) - 1) / 2) for at, _ in found]
        ax.errorbar(middle, heights, xerr=reach, ls="", ms=4, elinewidth=0.7, label=model,
                    marker=MARKS[place % len(MARKS)], color=COLOURS[place % len(COLOURS)])  # fmt: skip
    ax.axvline(1, color=GREY, lw=0.6)
    ax.set_yticks(range(len(schemes)), schemes, fontsize=7)
    ax.invert_yaxis()
    ax.set_xscale("log")
    ticks = [tick for tick in (0.5, 1, 2, 4, 8, 16, 32) if ax.get_xlim()[0] < tick < ax.get_xlim()[1]]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set_xlabel(f"Time against the {rows[0]['against']}", size=8)
    ax.legend(fontsize=6.5)
    return figure


@styled
def plot_memory(rows: Sequence[Row]) -> Figure:
    """Peak memory beyond that of the model by the number of prompts.

    Args:
        rows: with `scheme`, `prompts` and `peak_memory_mib`.
    """
    figure = Figure(figsize=(4.0, 2.8), layout="constrained")
    ax = figure.subplots()
    for place, name in enumerate(dict.fromkeys(row["scheme"] for row in rows)):
        same = [row for row in rows if row["scheme"] == name]
        ax.plot([row["prompts"] for row in same], [row["peak_memory_mib"] for row in same], label=name, lw=1, ms=4,
                marker=MARKS[place % len(MARKS)], color=COLOURS[place % len(COLOURS)])  # fmt: skip
    ax.set_xscale("log")
    ax.set_ylim(bottom=0)
    ax.set_xlabel("Prompts", size=8)
    ax.set_ylabel("Peak memory, MiB", size=8)
    ax.tick_params(labelsize=7)
    ax.legend(fontsize=6.5)
    return figure
