"""Many arms: a row for each, a panel for each rate, where bars side by side would be too thin to tell apart."""

from collections.abc import Callable, Sequence

from matplotlib.figure import Figure

from seat_interp.results.aggregate import ArmRates, Estimate
from seat_interp.results.style import arm_colour, arm_name, set_name, styled


@styled
def plot_arms(arms: Sequence[ArmRates]) -> Figure:
    """Target recall, recall in other wordings, abstention by probe set, known recall, over-abstention, with intervals.

    Args:
        arms: from top to bottom.
    """
    shown: dict[str, Callable[[ArmRates], Estimate | None]] = {"Target\nrecall": lambda arm: arm.target_recall}
    if any(arm.rewording_recall for arm in arms):
        shown["In other\nwordings"] = lambda arm: arm.rewording_recall
    for probe in arms[0].abstention:
        shown[f"Abstention:\n{set_name(probe)}"] = lambda arm, probe=probe: arm.abstention[probe]  # type: ignore[misc]
    shown["Known\nrecall"] = lambda arm: arm.known_recall
    shown["Over-\nabstention"] = lambda arm: arm.over_abstention
    names = [arm_name(arm.arm) for arm in arms]
    size = 7 if max(map(len, names)) < 28 else 5  # long names leave narrow panels
    figure = Figure(figsize=(7.4, 0.8 + 0.2 * len(arms)), layout="constrained")
    axes = figure.subplots(1, len(shown), sharey=True)
    places = range(len(arms))
    for ax, (name, rate) in zip(axes, shown.items()):
        for place, arm in zip(places, arms):
            if (found := rate(arm)) is None:
                continue
            reach = [[max(0.0, found.mean - found.low)], [max(0.0, found.high - found.mean)]]
            ax.errorbar(found.mean, place, xerr=reach, fmt="o", ms=3.5, color=arm_colour(arm.arm), elinewidth=1.1)
        ax.set_title(name, size=size, loc="center")
        ax.set(xlim=(-0.04, 1.04), ylim=(len(arms) - 0.5, -0.5))
        ax.set_xticks([0, 0.5, 1], ["0", ".5", "1"], size=6)
        ax.grid(axis="both", color="#e4e4e4", lw=0.5)
        ax.tick_params(axis="y", length=0)
    axes[0].set_yticks(places, names, size=size)
    return figure
