"""The ignorance direction itself: where it separates, and whether the model acts on it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from seat_interp.core.errors import SeatError
from seat_interp.directions.direction import IgnoranceDirection
from seat_interp.directions.steering import SteeringCheck
from seat_interp.evaluation.intervals import Estimate, interval_of_share
from seat_interp.plot.style import GREY, SET_STYLES, columns_over, new_axes, styled, whiskers
from seat_interp.plot.wording import set_label


@styled
def layer_scan(direction: IgnoranceDirection, ax: Axes | None = None) -> Axes:
    """Draw how well each layer separates unknown from known on held-out prompts, for each token position that was
    tried.

    The axis is AUROC, from 0.5 (chance) to 1. The chosen layer and position are marked.

    Args:
        direction: Direction of `fit_direction`.
        ax: Axes to draw on; new ones if None.

    Returns:
        The axes.

    Raises:
        SeatError: The direction was made of others and not fitted, so that nothing was scanned.
    """
    scan, layer, position = direction.scan, direction.layer, direction.position
    if not scan:
        raise SeatError("This direction was not fitted but made of others, so no layer was scanned. Draw one of those.")
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
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=columns_over(ax, 4))
    return ax


@styled
def projections(along: Mapping[str, Float[Tensor, " prompts"]], ax: Axes | None = None) -> Axes:
    """Draw the projections of each set's prompts on the ignorance direction: outlines of histograms of equal area.

    Args:
        along: Projections by evaluation set, in separations from the base's known prompts; another model's stand under
            the name of the set with the rest behind, "unknown, tuned", and are dashed.
        ax: Axes to draw on; new ones if None.

    Returns:
        The axes.
    """
    ax = ax or new_axes(7.2, 2.8)
    pooled = torch.cat([values.double() for values in along.values()])
    bins = np.linspace(float(pooled.min()), float(pooled.max()), 25).tolist()
    for name, values in along.items():
        set_name, comma, _ = name.partition(",")
        colour, _ = SET_STYLES.get(set_name, ("#882255", "v"))
        look: dict[str, Any] = {"color": colour, "ls": (0, (3, 1.5)) if comma else "-", "lw": 1.6}
        ax.hist(values.double().numpy(), bins, density=True, histtype="step", label=set_label(name), **look)
    for at, words in ((0, "known"), (1, "unknown")):
        ax.axvline(at, color=GREY, lw=0.8, ls=(0, (2, 2)), zorder=0)
        ax.annotate(words, (at, 1), (2, -2), xycoords=("data", "axes fraction"), textcoords="offset points", va="top",
                    size=7, color="#777777")  # fmt: skip
    ax.set(xlabel="Place along the ignorance direction (separations)", ylabel="Density", yticks=[])
    ax.set_ylim(0, 1.15 * ax.get_ylim()[1])  # room for the words
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=columns_over(ax, min(len(along), 5)))
    return ax


@styled
def steering(check: SteeringCheck, ax: Axes | None = None) -> Axes:
    """Draw abstention of the base as it is, with the direction added or ablated, and with random directions.

    Rates are shares of the prompts, 0 to 1, with 95 % Wilson intervals over prompts; a circle for each random
    direction.

    Args:
        check: Result of `check_steering`, or of a run folder.
        ax: Axes to draw on; new ones if None.

    Returns:
        The axes.
    """
    ax = ax or new_axes(7.2, 2.7)
    prompts = dict(zip(("unknown", "known"), check.prompts))
    random_added, random_ablated = list(check.random_added), list(check.random_ablated)
    bars: list[tuple[float, str, float, str, str | None]] = [
        (0, "as is", check.known, GREY, "known"),
        (1, "+ direction", check.known_added, "#0072B2", "known"),
        (2, "+ random", float(np.mean(random_added)), "#CC79A7", None),
        (3.6, "as is", check.unknown, GREY, "unknown"),
        (4.6, "− direction", check.unknown_ablated, "#0072B2", "unknown"),
        (5.6, "− random", float(np.mean(random_ablated)), "#CC79A7", None),
    ]
    tops = []
    for x, _, rate, colour, kind in bars:
        ax.bar(x, rate, 0.78, color=colour)
        top = rate
        if kind:
            low, high = interval_of_share(rate, prompts[kind])
            whiskers(ax, [x], [Estimate(rate, low, high, "wilson")])
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
