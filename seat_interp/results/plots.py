"""The figures of a study: functions that take plain data and, if wanted, axes, and return the axes.

Without axes a figure is made that pyplot does not know of: `ax.figure.savefig("name.pdf")`, or in a notebook
`ax.figure` as the last line of a cell.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from seat_interp.evaluation.score import interval
from seat_interp.results.aggregate import ArmRates, Estimate
from seat_interp.results.style import GREY, MARKS, arm_colour, arm_name, new_axes, set_name, styled

if TYPE_CHECKING:
    from seat_interp.displacement import SetDisplacement

NULL_LINES = {"shuffled": (0, (4, 2)), "pca": (0, (1, 1.5))}
"""How the outlines of the other nulls are drawn; the random null is shaded."""


@styled
def four_rates(arms: Sequence[ArmRates], ax: Axes | None = None) -> Axes:
    """Target recall, abstention by probe set, known recall and over-abstention as bars with intervals."""
    ax = ax or new_axes(7.4, 3.3)
    probes = list(arms[0].abstention)
    labels = [
        "Target\nrecall",
        *(f"Abstention:\n{set_name(p)}" for p in probes),
        "Known\nrecall",
        "Over-\nabstention",
    ]
    width = 0.84 / len(arms)
    for number, arm in enumerate(arms):
        rates = [
            arm.target_recall,
            *(arm.abstention[p] for p in probes),
            arm.known_recall,
            arm.over_abstention,
        ]
        at = np.arange(len(rates)) + (number - (len(arms) - 1) / 2) * width
        colour = arm_colour(arm.arm)
        ax.bar(at, [rate.mean for rate in rates], 0.92 * width, color=colour, label=arm_name(arm.arm))
        _whiskers(ax, at, rates)
        if len(arms) <= 3:
            for x, rate in zip(at, rates):
                ax.annotate(
                    f"{rate.mean:.2f}",
                    (x, rate.high),
                    (0, 2),
                    textcoords="offset points",
                    ha="center",
                    size=6.3,
                )
    for edge in (0.5, len(probes) + 0.5):  # what to gain | what to keep | what it costs
        ax.axvline(edge, color="#d0d0d0", linewidth=0.7)
    ax.set(ylim=(0, 1.09), xlim=(-0.55, len(labels) - 0.45), ylabel="Share of prompts")
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1])
    ax.set_xticks(range(len(labels)), labels)
    ax.tick_params(axis="x", length=0)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=min(len(arms), 5))
    return ax


def _whiskers(ax: Axes, at: Sequence[float | int] | np.ndarray, rates: Sequence[Estimate]) -> None:
    low = [max(0.0, rate.mean - rate.low) for rate in rates]
    high = [max(0.0, rate.high - rate.mean) for rate in rates]
    ax.errorbar(at, [rate.mean for rate in rates], [low, high], fmt="none", ecolor="#222222", elinewidth=0.9)


@styled
def displacement_by_layer(
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


@styled
def layer_scan(scan: Mapping[int, Sequence[float]], layer: int, position: int, ax: Axes | None = None) -> Axes:
    """How well each layer separates unknown from known on held-out prompts, for each token position tried.

    Args:
        scan: AUROC by layer for each position, as in `IgnoranceDirection.scan`.
        layer: the chosen one.
        position: the chosen one.
        ax: where to draw.
    """
    ax = ax or new_axes(7.2, 2.9)
    order = sorted(scan, reverse=True)
    shades = ["#0072B2", "#E69F00", "#CC79A7", "#009E73", "#56B4E9", GREY]
    for number, (at, colour, marker) in enumerate(zip(order, shades * len(order), "osD^vP" * len(order))):
        name = "last prompt token" if at == -1 else f"token {at}"
        style: dict[str, Any] = {"lw": 2.2, "zorder": 3} if at == position else {"lw": 1.2, "zorder": 2, "alpha": 0.85}
        ax.plot(scan[at], color=colour, marker=marker, label=name, ms=4.5 - 0.4 * min(number, 3), **style)
    best = scan[position][layer]
    ax.plot([layer], [best], "o", ms=12, mfc="none", mec="#222222", mew=1.2, zorder=4)
    side = "left" if layer == 0 else "right" if layer == len(scan[position]) - 1 else "center"
    words = f"chosen: layer {layer}, {best:.3f}"
    ax.annotate(words, (layer, best), (0, -13), textcoords="offset points", ha=side, va="top", size=8)
    ax.axhline(0.5, color=GREY, linewidth=0.8, linestyle=(0, (2, 2)))
    ax.annotate("chance", (0, 0.5), (2, 3), textcoords="offset points", size=7, color="#777777")
    low = min(0.5, *(min(values) for values in scan.values()))
    ax.set(xlabel="Layer", ylabel="AUROC, unknown against known", ylim=(low - 0.05, 1.04))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)
    return ax


@styled
def steering_bars(
    check: Mapping[str, Any], ax: Axes | None = None, *, prompts: Mapping[str, int] | None = None
) -> Axes:
    """Abstention of the base as it is, with the direction added or ablated, and with random directions.

    Args:
        check: a row's `steering`, or `SteeringCheck.to_json()`.
        ax: where to draw.
        prompts: how many `known` and `unknown` prompts were asked, for Wilson intervals; none without it.
    """
    ax = ax or new_axes(7.2, 2.7)
    random_added, random_ablated = (list(check[key]) for key in ("random_added", "random_ablated"))
    bars = [
        (0, "as is", check["known"], GREY, "known"),
        (1, "+ direction", check["known_added"], "#0072B2", "known"),
        (2, "+ random", np.mean(random_added), "#CC79A7", None),
        (3.6, "as is", check["unknown"], GREY, "unknown"),
        (4.6, "− direction", check["unknown_ablated"], "#0072B2", "unknown"),
        (5.6, "− random", np.mean(random_ablated), "#CC79A7", None),
    ]
    tops = []
    for x, _, rate, colour, kind in bars:
        ax.bar(x, rate, 0.78, color=colour)
        top = float(rate)
        if kind and prompts:
            low, high = interval(round(rate * prompts[kind]), prompts[kind])
            _whiskers(ax, [x], [Estimate(rate, low, high, "wilson")])
            top = high
        tops.append(top)
    for x, values in ((2, random_added), (5.6, random_ablated)):
        spread = np.linspace(-0.18, 0.18, len(values)) if len(values) > 1 else [0]
        ax.plot(x + np.asarray(spread), values, "o", mfc="white", mec="#222222", ms=4, zorder=3, clip_on=False)
        tops[2 if x == 2 else 5] = max(values)
    for (x, _, rate, _, _), top in zip(bars, tops):
        ax.annotate(f"{rate:.2f}", (x, top), (0, 4), textcoords="offset points", ha="center", size=7.5)
    ax.set_xticks([bar[0] for bar in bars], [bar[1] for bar in bars])
    ax.set(ylim=(0, 1.16), ylabel="Abstention")
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1])
    ax.tick_params(axis="x", length=0)
    for x, words in (
        (1, "Known prompts: adding should raise it"),
        (4.6, "Unknown prompts: ablating should lower it"),
    ):
        ax.text(
            x,
            1.03,
            words,
            ha="center",
            va="bottom",
            size=8.5,
            weight="bold",
            transform=ax.get_xaxis_transform(),
        )
    return ax
