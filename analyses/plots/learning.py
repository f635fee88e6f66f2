"""Learning curves: known and unknown facts in one training set, what keeps known ones, and what hurts them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analyses.common.learning_curves import accuracy, early_stop, loss, middle_drift
from seat_interp.evaluation.intervals import estimate
from seat_interp.plot.style import COLOURS, GREY, MARKS, reach, styled

Row = Mapping[str, Any]
UNIT = (0.0, 1.0)


@styled
def plot_mixing(rows: Sequence[Row]) -> Figure:
    """How known and unknown facts are learnt, what it does to test accuracy, and what is fitted at early stop.

    As figures 1, 3 and 4 of 2405.05904: accuracy by epoch of the half-unknown set; test accuracy by the share of
    unknown facts after several times of training; the same at the last epoch beside the controls without the unknown
    ones; fitted shares at the epoch that is best on the dev split. Bars are 95 % intervals over seeds. Without a dev
    split there is no early stop, and what needs it is left out.

    Args:
        rows: with `arm`, `size` and `curve`, as `analyses/organism/mixing.py` makes.
    """
    half = _of(rows, "50 % Unknown")
    stops_early = "dev" in half[0]["curve"][0]["rates"]
    figure = Figure(figsize=(7.2, 5.4 if stops_early else 2.6), layout="constrained")
    axes = figure.subplots(2, 2).flatten() if stops_early else figure.subplots(1, 3)
    first, second, third = axes[:3]
    for place, (name, label) in enumerate(
        (("train_known", "Known"), ("train_unknown", "Unknown"), ("dev", "dev split"), ("unknown", "strangers abstain"))
    ):
        what = "abstain" if name == "unknown" else "correct"
        if name not in half[0]["curve"][0]["rates"]:
            continue
        _by_epoch(first, half, lambda moment, n=name, w=what: moment["rates"][n][w], label, place)  # type: ignore[misc]
    first.set(title="Half of the facts Unknown", xlabel="Epoch", ylabel="Share of answers")
    shares = sorted({int(row["arm"].split()[0]) for row in rows if row["arm"].endswith("% Unknown")})
    epochs = [moment["epoch"] for moment in half[0]["curve"]][1:]

    def tests(name: str, places: Sequence[int], at: Callable[[Sequence[Row]], Row]) -> list[list[float]]:
        return [[accuracy(at(row["curve"]), "test") for row in _of(rows, name.format(place))] for place in places]

    def after(epoch: int) -> Callable[[Sequence[Row]], Row]:
        return lambda curve: next(moment for moment in curve if moment["epoch"] == epoch)

    mixed = "{} % Unknown"
    times = sorted({*epochs[:: max(1, len(epochs) // 3)], epochs[-1]})
    for place, epoch in enumerate(times):
        _line(second, shares, tests(mixed, shares, after(epoch)), f"{epoch} epoch{'s' * (epoch > 1)}", place)
    if stops_early:
        _line(second, shares, tests(mixed, shares, early_stop), "early stop", len(times))
    second.set(title="By training time", xlabel="Unknown facts (%)", ylabel="Test accuracy")
    controls = "Known of {} %"
    inner = [share for share in shares if _of(rows, controls.format(share))]
    _line(third, shares, tests(mixed, shares, after(epochs[-1])), "all facts", 0)
    _line(third, inner, tests(controls, inner, after(epochs[-1])), "without the Unknown", 1)
    third.set(title="At the last epoch", xlabel="Unknown facts (%)", ylabel="Test accuracy")
    if stops_early:
        _fitted_at_early_stop(axes[3], rows, shares)
    for ax in axes:
        ax.legend(fontsize=6)
        ax.tick_params(labelsize=7)
        for text in (ax.title, ax.xaxis.label, ax.yaxis.label):
            text.set_size(8)
    first.set_ylim(-0.03, 1.03)
    return figure


def _fitted_at_early_stop(ax: Axes, rows: Sequence[Row], shares: Sequence[int]) -> None:
    for place, name in enumerate(("known", "unknown")):
        there = [share for share in shares if (share < 100 if name == "known" else share > 0)]
        stops = [[early_stop(row["curve"]) for row in _of(rows, f"{share} % Unknown")] for share in there]
        found = [[stop["rates"][f"train_{name}"]["correct"] for stop in each] for each in stops]
        _line(ax, there, found, name.capitalize(), place)
    ax.set(title="Fitted at early stop", xlabel="Unknown facts (%)", ylabel="Share of the facts")
    ax.set_ylim(-0.03, 1.03)


@styled
def plot_forgetting(rows: Sequence[Row], arms: Sequence[str]) -> Figure:
    """Trained unknown, trained known and held-out highly known facts by epoch, and where the ignorance direction goes.

    As figures 2 and 3 of 2604.15574. Bars are 95 % intervals over seeds.

    Args:
        rows: with `arm` and `curve`, as `analyses/organism/forgetting.py` makes.
        arms: which of them.
    """
    figure = Figure(figsize=(7.2, 5.2), layout="constrained")
    axes = figure.subplots(2, 3).flatten()
    shown = {
        "Trained unknown (D_U)": lambda moment: moment["rates"]["D_U"]["correct"],
        "Trained known (T_K)": lambda moment: moment["rates"]["T_K"]["correct"],
        "Held-out known (H_K)": lambda moment: moment["rates"]["H_K"]["correct"],
        "Abstention on strangers": lambda moment: moment["rates"]["unknown"]["abstain"],
        "Displacement of strangers": lambda moment: moment["displacement"]["unknown"],
        "Displacement of H_K": lambda moment: moment["displacement"]["known"],
    }
    for ax, (title, value) in zip(axes, shown.items()):
        rate = not title.startswith("Displacement")
        for place, arm in enumerate(arms):
            if found := _of(rows, arm):
                _by_epoch(ax, found, value, arm, place, rate=rate)
        ax.set_title(title, size=8)
        ax.set_xlabel("Epoch", size=7)
        ax.tick_params(labelsize=7)
        if rate:
            ax.set_ylim(-0.03, 1.03)
        else:
            ax.axhline(0, color=GREY, lw=0.6)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(4, len(labels)), fontsize=7)
    return figure


@styled
def plot_interference(rows: Sequence[Row]) -> Figure:
    """Loss of held-out known facts and drift of their hidden states by the number of new facts and their kind.

    As table 4 and figure 5 of 2604.15574, and the loss of abstention on strangers where they were asked. Bars are 95 %
    intervals over seeds.

    Args:
        rows: with `arm`, `count` and `curve`, as `analyses/organism/interference.py` makes.
    """
    shown = {
        "New facts learnt": lambda curve: curve[-1]["rates"]["new"]["correct"],
        "Loss of H_K": lambda curve: loss(curve, "H_K"),
        "Loss of abstention": lambda curve: loss(curve, "unknown", "abstain"),
        "Cosine drift, middle layer": lambda curve: middle_drift(curve[-1]),
    }
    if "unknown" not in rows[0]["curve"][0]["rates"]:  # a model that does not abstain
        del shown["Loss of abstention"]
    figure = Figure(figsize=(7.2, 2.6), layout="constrained")
    axes = figure.subplots(1, len(shown))
    for ax, (title, value) in zip(axes, shown.items()):
        for place, arm in enumerate(dict.fromkeys(row["arm"] for row in rows)):
            same = _of(rows, arm)
            counts = sorted({row["count"] for row in same})
            found = [[value(row["curve"]) for row in same if row["count"] == count] for count in counts]
            _line(ax, counts, found, arm, place, rate=title == "New facts learnt")
        ax.set_xscale("log")
        counts = sorted({row["count"] for row in rows})
        ax.set_xticks(counts, list(map(str, counts)))
        ax.minorticks_off()
        ax.set_title(title, size=8)
        ax.set_xlabel("New facts", size=7)
        ax.tick_params(labelsize=7)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=7)
    return figure


def _of(rows: Sequence[Row], arm: str) -> list[Row]:
    return [row for row in rows if row["arm"] == arm]


def _by_epoch(ax: Axes, rows: Sequence[Row], value: Any, label: str, place: int, rate: bool = True) -> None:
    epochs = [moment["epoch"] for moment in rows[0]["curve"]]
    found = [[value(row["curve"][n]) for row in rows] for n in range(len(epochs))]
    _line(ax, epochs, found, label, place, rate=rate)


def _line(
    ax: Axes, at: Sequence[int], found: Sequence[Sequence[float]], label: str, place: int, rate: bool = True
) -> None:
    points = [estimate(each, bounds=UNIT) if rate else estimate(each) for each in found]
    style: dict[str, Any] = {"ms": 3, "lw": 0.9, "elinewidth": 0.6, "color": COLOURS[place % len(COLOURS)]}
    ax.errorbar(
        at, [point.mean for point in points], yerr=reach(points), marker=MARKS[place % len(MARKS)], label=label, **style
    )
