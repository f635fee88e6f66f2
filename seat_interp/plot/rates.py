"""The four rates of every arm, side by side or, where arms are many, in a row each."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seat_interp.core.errors import SeatError
from seat_interp.evaluation.intervals import Estimate
from seat_interp.plot.style import arm_colours, columns_over, new_axes, reach, styled, whiskers, width_of
from seat_interp.plot.wording import arm_name, set_label
from seat_interp.studies.aggregate import ArmRates


@styled
def rates(arms: Sequence[ArmRates], ax: Axes | None = None) -> Axes:
    """Draw target recall, abstention by evaluation set, known recall and over-abstention as bars with their intervals.

    Rates are shares of the prompts, 0 to 1.

    Args:
        arms: `RunFolder.rates`, or what `aggregate` makes of a summary.
        ax: Axes to draw on; new ones if None.

    Returns:
        The axes.
    """
    ax = ax or new_axes(7.4, 3.3)
    set_names = list(arms[0].abstention)
    labels = [
        "Target\nrecall",
        *(f"Abstention:\n{set_label(p)}" for p in set_names),
        "Known\nrecall",
        "Over-\nabstention",
    ]
    width, colours = 0.84 / len(arms), arm_colours([arm.arm for arm in arms])
    for number, arm in enumerate(arms):
        rates = [
            arm.target_recall,
            *(arm.abstention[p] for p in set_names),
            arm.known_recall,
            arm.over_abstention,
        ]
        at = np.arange(len(rates)) + (number - (len(arms) - 1) / 2) * width
        bars = ax.bar(at, [rate.mean for rate in rates], 0.92 * width, color=colours[arm.arm], label=arm_name(arm.arm))
        if "," in arm.arm:  # a variant has the colour of its arm
            for bar in bars:
                bar.set(hatch="////", edgecolor="white", linewidth=0)
        whiskers(ax, at.tolist(), rates)
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
    for edge in (0.5, len(set_names) + 0.5):  # what to gain | what to keep | what it costs
        ax.axvline(edge, color="#d0d0d0", linewidth=0.7)
    ax.set(ylim=(0, 1.09), xlim=(-0.55, len(labels) - 0.45), ylabel="Share of prompts")
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1])
    if width_of(ax) / len(labels) < 0.65:  # side by side they would print over each other
        ax.set_xticks(
            range(len(labels)), [label.replace("-\n", "-").replace("\n", " ") for label in labels], rotation=90
        )
    else:
        ax.set_xticks(range(len(labels)), labels)
    ax.tick_params(axis="x", length=0)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=columns_over(ax, min(len(arms), 5)))
    return ax


@styled
def rates_by_row(arms: Sequence[ArmRates], axes: Sequence[Axes] | None = None) -> Sequence[Axes]:
    """Draw the rates of many arms with intervals, a row for each arm.

    Args:
        arms: Arms from top to bottom.
        axes: Axes, one for each rate: target recall, paraphrase recall if some arm has it, abstention of every
            evaluation set, known recall and over-abstention.

    Returns:
        The axes.

    Raises:
        SeatError: There are more or fewer axes than rates.
    """
    shown: dict[str, Callable[[ArmRates], Estimate | None]] = {"Target\nrecall": lambda arm: arm.target_recall}
    if any(arm.paraphrase_recall for arm in arms):
        shown["Paraphrase\nrecall"] = lambda arm: arm.paraphrase_recall
    for set_name in arms[0].abstention:
        shown[f"Abstention:\n{set_label(set_name)}"] = lambda arm, set_name=set_name: arm.abstention[set_name]  # type: ignore[misc]
    shown["Known\nrecall"] = lambda arm: arm.known_recall
    shown["Over-\nabstention"] = lambda arm: arm.over_abstention
    called = [arm_name(arm.arm) for arm in arms]
    size = 7 if max(map(len, called)) < 28 else 5  # long names leave narrow panels
    if axes is None:
        figure = Figure(figsize=(7.4, 0.8 + 0.2 * len(arms)), layout="constrained")
        axes = list(figure.subplots(1, len(shown), sharey=True))
    if len(axes) != len(shown):
        names = ", ".join(name.replace("\n", " ") for name in shown)
        raise SeatError(f"There are {len(axes)} axes for {len(shown)} rates. Give one for each of {names}.")
    places, colours = range(len(arms)), arm_colours([arm.arm for arm in arms])
    for ax, (name, rate) in zip(axes, shown.items()):
        for place, arm in zip(places, arms):
            if (estimate := rate(arm)) is None:
                continue
            ax.errorbar(
                estimate.mean, place, xerr=reach([estimate]), fmt="o", ms=3.5, color=colours[arm.arm], elinewidth=1.1
            )
        ax.set_title(name, size=size, loc="center")
        ax.set(xlim=(-0.04, 1.04), ylim=(len(arms) - 0.5, -0.5))
        ax.set_xticks([0, 0.5, 1], ["0", ".5", "1"], size=6)
        ax.grid(axis="both", color="#e4e4e4", lw=0.5)
        ax.tick_params(axis="y", length=0)
    axes[0].set_yticks(places, called, size=size)
    return axes
