"""The figures of a page, each with its alt text and with the values that can be pointed at."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.container import BarContainer

from seat_interp import plot
from seat_interp.directions.direction import IgnoranceDirection
from seat_interp.directions.plane import Plane
from seat_interp.directions.steering import SteeringCheck
from seat_interp.evaluation.intervals import Estimate
from seat_interp.plot.style import new_axes, spaced
from seat_interp.plot.wording import arm_name, set_label
from seat_interp.results._page import Picture, Value, picture
from seat_interp.results.tables import ByLayer, with_interval
from seat_interp.results.verdict import MAIN_SET
from seat_interp.studies.aggregate import ArmRates, DisplacementEstimate
from seat_interp.studies.run_folder import RunFolder

POINTS = 120
"""Prompts drawn of each set in the plane of principal components."""
STEPS = 60
"""Steps of a training curve that can be pointed at, evenly spaced."""


def rates_picture(arms: Sequence[ArmRates]) -> Picture:
    """Bars of the rates, for the arms of one study."""
    ax = plot.rates(arms)
    bars = [drawn for drawn in ax.containers if isinstance(drawn, BarContainer)]
    values = [
        Value(ax, bar.get_x() + bar.get_width() / 2, bar.get_height(), _says(arm, name, rate))
        for arm, drawn in zip(arms, bars)
        for bar, (name, rate) in zip(drawn, named_rates(arm).items())
    ]
    alt = f"Bar chart of the rates. {_in_words(arms)}."
    return picture(ax, "rates", alt, values=values, bars=True)


def rows_picture(arms: Sequence[ArmRates]) -> Picture:
    """The rates with a row for each arm, for the arms of several studies."""
    axes = plot.rates_by_row(arms)
    columns = [{arm.arm: rate for arm in arms if (rate := find(arm))} for find in _columns(arms)]
    values = [
        Value(ax, rate.mean, row, _says(arm, " ".join(ax.get_title().lower().replace("-\n", "-").split()), rate))
        for ax, column in zip(axes, columns)
        for row, arm in enumerate(arms)
        if (rate := column.get(arm.arm))
    ]
    return picture(axes, "rates", f"Rates by arm, a row each. {_in_words(arms)}.", values=values)


def named_rates(arm: ArmRates) -> dict[str, Estimate]:
    """The four kinds of rates in the order of the bars."""
    refused = {f"abstention on {set_label(set_name)}": rate for set_name, rate in arm.abstention.items()}
    kept = {"known recall": arm.known_recall, "over-abstention": arm.over_abstention}
    return {"target recall": arm.target_recall, **refused, **kept}


def _columns(arms: Sequence[ArmRates]) -> list[Callable[[ArmRates], Estimate | None]]:
    """What `plot.rates_by_row` draws, panel by panel."""
    has_paraphrases: list[Callable[[ArmRates], Estimate | None]] = []
    if any(arm.paraphrase_recall for arm in arms):
        has_paraphrases = [lambda arm: arm.paraphrase_recall]
    first, *others = [lambda arm, key=key: named_rates(arm)[key] for key in named_rates(arms[0])]
    return [first, *has_paraphrases, *others]


def _says(arm: ArmRates, name: str, rate: Estimate) -> str:
    return f"{arm_name(arm.arm)}\n{name}: {with_interval(rate)}"


def _in_words(arms: Sequence[ArmRates]) -> str:
    return "; ".join(
        f"{arm_name(arm.arm)}: " + ", ".join(f"{name} {rate.mean:.2f}" for name, rate in named_rates(arm).items())
        for arm in arms
    )


def displacement_pictures(moved: ByLayer, layer: int) -> list[Picture]:
    """Unknown prompts large, the other sets small on one scale; nothing where only the base was measured."""
    drawn = {
        set_name: displacement_axes(arms, layer, new_axes(7.4, 3.6) if set_name == MAIN_SET else new_axes(3.7, 2.7))
        for set_name, arms in moved.items()
    }
    alike([ax for set_name, ax in drawn.items() if set_name != MAIN_SET])  # the large figure has the legend
    return [
        displacement_picture(
            ax, f"moved-{set_name}", set_name, moved[set_name], layer, f"{set_label(set_name).capitalize()} prompts"
        )
        for set_name, ax in drawn.items()
    ]


def displacement_axes(arms: Mapping[str, Sequence[DisplacementEstimate]], layer: int, ax: Axes) -> Axes:
    """Displacement of one evaluation set by layer."""
    rows = {arm: [_as_row(moved) for moved in by_layer] for arm, by_layer in arms.items()}
    return plot.displacement_by_layer(rows, layer, ax)


def alike(axes: Sequence[Axes]) -> None:
    """Small figures side by side: the widest limits of all along y, and no legends."""
    limits = [ax.get_ylim() for ax in axes]
    for ax in axes:
        if legend := ax.get_legend():
            legend.remove()
        ax.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))


def displacement_picture(
    ax: Axes, name: str, set_name: str, arms: Mapping[str, Sequence[DisplacementEstimate]], layer: int, caption: str
) -> Picture:
    """What `displacement_axes` drew.

    Args:
        ax: the axes.
        name: unique on the page.
        set_name: Evaluation set.
        arms: displacement by layer.
        layer: the direction's.
        caption: stands above.
    """
    at_layer = [f"{arm_name(arm)} {_moved_in_words(by_layer[layer])}" for arm, by_layer in arms.items()]
    alt = f"Displacement of {set_label(set_name)} prompts by layer. At layer {layer}: {'; '.join(at_layer)}."
    values = [
        Value(ax, n, moved.along.mean, f"{arm_name(arm)}, layer {n}\n{_moved_in_words(moved)}")
        for arm, by_layer in arms.items()
        for n, moved in enumerate(by_layer)
    ]
    return picture(ax, name, alt, caption, values=values, layers=max(map(len, arms.values())))


def _as_row(moved: DisplacementEstimate) -> dict[str, Any]:
    return {"mean": moved.along.mean, "interval": [moved.along.low, moved.along.high], "null": moved.null}


def _moved_in_words(moved: DisplacementEstimate) -> str:
    low, high = moved.null["random"]
    return f"{with_interval(moved.along, '+')}, random null {low:+.2f} to {high:+.2f}"


def drawn_prompts(plane: Plane) -> dict[str, list[int]]:
    """Which prompts of each set are points in its figure."""
    return {set_name: spaced(len(points), POINTS) for set_name, points in plane.points["base"].items()}


def plane_picture(plane: Plane, places: Mapping[tuple[str, int], int]) -> Picture:
    """Draw the plane, one panel for each model.

    Args:
        plane: Plane of the folder.
        places: Number among the replies of the page by set and number of each drawn prompt.
    """
    axes = plot.activations(plane, most=POINTS)
    drawn = drawn_prompts(plane)
    values = [
        Value(ax, float(points[at][0]), float(points[at][1]), (places[set_name, at], column))
        for column, (ax, sets) in enumerate(zip(axes, plane.points.values()))
        for set_name, points in sets.items()
        for at in drawn[set_name]
    ]
    panels = [f", one for {arm_name(model)}" for model in plane.points if model != "base"]
    alt = (
        "Scatter plots of prompts on the first two principal components of the base, one panel for the base"
        f"{''.join(panels)}; one colour and marker for each evaluation set."
    )
    return picture(axes, "pca", alt, values=values)


def scan_picture(direction: IgnoranceDirection) -> Picture | None:
    """AUROC by layer and token; none of a direction that was put together from others, which was not scanned."""
    if not direction.scan:
        return None
    best = direction.scan[direction.position][direction.layer]
    chosen = f"layer {direction.layer} at token {direction.position}: {best:.3f}"
    alt = f"AUROC by layer for each token position; the best is {chosen}."
    ax = plot.layer_scan(direction)
    values = [
        Value(ax, layer, auroc, f"Token {token}, layer {layer}\nAUROC {auroc:.3f}")
        for token, by_layer in direction.scan.items()
        for layer, auroc in enumerate(by_layer)
    ]
    return picture(ax, "scan", alt, values=values)


def steering_picture(check: SteeringCheck) -> Picture:
    """Abstention of the base with the direction added or taken out, and with random ones."""
    parts = [
        ("Known prompts, as is", f"{check.known:.2f}"),
        ("Known prompts, direction added", f"{check.known_added:.2f}"),
        ("Known prompts, random directions added", _several(check.random_added)),
        ("Unknown prompts, as is", f"{check.unknown:.2f}"),
        ("Unknown prompts, direction ablated", f"{check.unknown_ablated:.2f}"),
        ("Unknown prompts, random directions ablated", _several(check.random_ablated)),
    ]
    alt = f"Abstention on known prompts and on unknown ones. {'; '.join(f'{name}: {rate}' for name, rate in parts)}."
    ax = plot.steering(check)
    bars = [bar for drawn in ax.containers if isinstance(drawn, BarContainer) for bar in drawn]
    values = [
        Value(ax, bar.get_x() + bar.get_width() / 2, bar.get_height(), f"{name}\nabstention {rate}")
        for bar, (name, rate) in zip(bars, parts)
    ]
    return picture(ax, "steering", alt, values=values, bars=True)


def _several(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def curves_picture(folder: RunFolder) -> Picture:
    """Loss terms by step and the callback's rows; the first seed of each arm."""
    runs = {arm: folder.of_arm(arm)[0] for arm in folder.arms}
    logs, callback_logs = ({arm: getattr(run, part) for arm, run in runs.items()} for part in ("log", "callback_log"))
    last = {arm: ", ".join(f"{k} {v:.3g}" for k, v in log[-1].items() if k != "gradient") for arm, log in logs.items()}
    alt = "Training curves. At the end: " + "; ".join(f"{arm_name(arm)}: {text}" for arm, text in last.items()) + "."
    axes = plot.training(runs)
    values = [
        Value(
            ax, row["step"], row[term], f"{arm_name(arm)}, step {row['step']}\n{term.replace('_', ' ')} {row[term]:.3g}"
        )
        for ax, curves in zip(axes, (logs, callback_logs))
        for arm, rows in curves.items()
        for row in (rows[at] for at in spaced(len(rows), STEPS))
        for term in row
        if term not in ("step", "gradient") and row[term] > ax.get_ylim()[0]
    ]
    return picture(axes, "curves", alt, values=values)
