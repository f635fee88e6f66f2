"""How training went: its loss terms, and the callback's rows."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from seat_interp.plot.style import arm_colours, by_name, styled
from seat_interp.plot.wording import arm_name

_LINES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))


@runtime_checkable
class _Logged(Protocol):
    """A training with its record."""

    @property
    def log(self) -> list[dict[str, Any]]:
        """One row a step: `step`, `gradient`, and the loss terms in nats a token."""

    @property
    def callback_log(self) -> list[dict[str, Any]]:
        """One row for each call of the callback: `step`, and what it measured; empty if it was off."""


@styled
def training(runs: _Logged | Mapping[str, _Logged], axes: Sequence[Axes] | None = None) -> Sequence[Axes]:
    """Draw loss terms by step in nats a token, and beside them the callback's rows (shares, separations) if there are
    any.

    Args:
        runs: Result of `train`, or a run of a run folder; several by the names of their arms.
        axes: Axes of the losses, and of the callback's rows if there are any; new ones if None.

    Returns:
        The axes.
    """
    named = by_name(runs, "tuned")
    logs = {arm: run.log for arm, run in named.items()}
    logged = {arm: run.callback_log for arm, run in named.items() if run.callback_log}
    if axes is None:
        figure = Figure(figsize=(7.4, 3.0), layout="constrained")
        axes = list(figure.subplots(1, 2 if logged else 1, squeeze=False).ravel())
    _curves(axes[0], logs, skip=("step", "gradient"))
    axes[0].set(yscale="log", ylabel="Loss (nats a token)")
    axes[0].set_ylim(bottom=max(axes[0].get_ylim()[0], 1e-5))  # before the first step a KL is zero but for rounding
    if logged:
        _curves(axes[1], logged, skip=("step",))
        axes[1].axhline(0, color="#8a8a8a", linewidth=0.7)
        axes[1].set(ylabel="Share, or separations")
    return axes


def _curves(ax: Axes, rows: Mapping[str, Sequence[Mapping[str, Any]]], skip: tuple[str, ...]) -> None:
    """Colour tells the arm, dashes tell the quantity."""
    names = dict.fromkeys(name for log in rows.values() for row in log for name in row if name not in skip)
    dashes, colours = dict(zip(names, _LINES * len(names))), arm_colours(list(rows))
    for arm, log in rows.items():
        for name in names:
            if points := [(row["step"], row[name]) for row in log if name in row]:
                ax.plot(*zip(*points), color=colours[arm], linestyle=dashes[name], lw=1.4)
    ax.set(xlabel="Step")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    arms = [Line2D([], [], color=colours[arm], label=arm_name(arm)) for arm in rows]
    terms = [Line2D([], [], color="#444444", lw=1.2, ls=dash, label=_words(name)) for name, dash in dashes.items()]
    ax.legend(handles=[*arms, *terms], loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, columnspacing=1.0)


def _words(name: str) -> str:
    return {"ep_kl": "EP-KL", "kl": "KL"}.get(name, name.replace("_", " "))
