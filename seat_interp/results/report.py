"""`report.html`: one self-contained page of a study, the same bytes for the same folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seat_interp import plot
from seat_interp.files import write_text
from seat_interp.plane import principal_plane
from seat_interp.plot.style import arm_colour, arm_name, new_axes, set_name, to_svg
from seat_interp.results.aggregate import KIND_WORDS, ArmRates, Moved, aggregate, combine_displacement
from seat_interp.results.examples import choose_examples
from seat_interp.results.folder import RunFolder
from seat_interp.results.tables import with_interval
from seat_interp.results.verdict import PROBE, verdict

TEMPLATE = Path(__file__).with_name("report.html.j2")


@dataclass(frozen=True)
class Picture:
    """A figure for the page: its SVG, what it shows for those who do not see it, and a caption."""

    svg: Markup
    alt: str
    caption: str = ""


def write_report(folder: str | Path) -> Path:
    """Write `report.html` into a run folder; it needs no network and no other file.

    Args:
        folder: of a finished study.

    Returns:
        The path of the page.

    Raises:
        SeatError: not a run folder, or not finished.
    """
    return write_text(Path(folder) / "report.html", render(RunFolder.open(folder)))


def render(folder: RunFolder) -> str:
    """The page as text."""
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page.filters |= {"arm": arm_name, "colour": arm_colour, "set": set_name, "interval": with_interval}
    template = page.from_string(TEMPLATE.read_text(encoding="utf-8"))
    arms = aggregate(folder.summary)
    tuned = arms[1:]
    config = folder.summary["config"]
    steering = folder.base.row.get("steering")
    return template.render(
        model=config["model"],
        about=config.get("about", {}),
        sizes=config.get("sizes", {}),
        verdict=verdict(folder.summary),
        arms=arms,
        tuned=tuned,
        probe=PROBE,
        runs=folder.runs,
        base=folder.base,
        direction=folder.direction,
        kinds=[KIND_WORDS[kind] for kind in dict.fromkeys(arm.target_recall.kind for arm in arms)],
        moved_kinds=[KIND_WORDS[k] for k in dict.fromkeys(arm.displacement[PROBE].along.kind for arm in tuned)],
        drift=[_drift(folder, arm) for arm in tuned],
        rates=_rates(arms),
        moved=_displacement(folder, tuned),
        pca=_pca(folder),
        scan=_scan(folder),
        steering=steering,
        steering_picture=_steering(steering) if steering else None,
        examples=choose_examples(folder),
        curves=_curves(folder) if tuned else None,
        settings=_flat(config.get("study", {})),
        model_settings=_flat(config["model"]),
        environment=_flat(folder.summary["environment"]),
    )


def _picture(ax: Axes, name: str, alt: str, caption: str = "") -> Picture:
    return Picture(Markup(to_svg(cast(Figure, ax.figure), name)), alt, caption)


def _rates(arms: list[ArmRates]) -> Picture:
    parts = [
        f"{arm_name(arm.arm)}: target recall {arm.target_recall.mean:.2f}, "
        + ", ".join(f"abstention on {set_name(p)} {rate.mean:.2f}" for p, rate in arm.abstention.items())
        + f", known recall {arm.known_recall.mean:.2f}, over-abstention {arm.over_abstention.mean:.2f}"
        for arm in arms
    ]
    return _picture(plot.rates(arms), "rates", f"Bar chart of the rates. {'; '.join(parts)}.")


def _displacement(folder: RunFolder, tuned: list[ArmRates]) -> list[Picture]:
    """Unknown prompts large, the other sets small on one scale; nothing where only the base was measured."""
    sets = sorted(tuned[0].displacement, key=lambda probe: probe != PROBE) if tuned else []
    drawn = {probe: _displacement_axes(folder, probe, tuned) for probe in sets}
    others = [ax for probe, ax in drawn.items() if probe != PROBE]
    for ax in others:
        limits = [other.get_ylim() for other in others]
        ax.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
        if legend := ax.get_legend():  # the large figure has it
            legend.remove()
    return [_displacement_picture(ax, probe, folder.direction.layer, tuned) for probe, ax in drawn.items()]


def _displacement_axes(folder: RunFolder, probe: str, tuned: list[ArmRates]) -> Axes:
    lines = {}
    for arm in tuned:
        seeds = [run.displacement["sets"][probe] for run in folder.of_arm(arm.arm)]
        lines[arm.arm] = [_as_row(combine_displacement(at_layer)) for at_layer in zip(*seeds)]
    ax = new_axes(7.4, 3.6) if probe == PROBE else new_axes(3.7, 2.7)
    return plot.displacement(lines, folder.direction.layer, ax)


def _displacement_picture(ax: Axes, probe: str, layer: int, tuned: list[ArmRates]) -> Picture:
    at_layer = [f"{arm_name(arm.arm)} {_in_words(arm.displacement[probe])}" for arm in tuned]
    alt = f"Displacement of {set_name(probe)} prompts by layer. At layer {layer}: {'; '.join(at_layer)}."
    return _picture(ax, f"moved-{probe}", alt, f"{set_name(probe).capitalize()} prompts")


def _as_row(moved: Moved) -> dict[str, Any]:
    return {"mean": moved.along.mean, "interval": [moved.along.low, moved.along.high], "null": moved.null}


def _in_words(moved: Moved) -> str:
    low, high = moved.null["random"]
    return f"{with_interval(moved.along, '+')}, random null {low:+.2f} to {high:+.2f}"


def _drift(folder: RunFolder, arm: ArmRates) -> dict[str, Any]:
    """What stands beside the displacement of unknown: nulls, orthogonal part, what the probe still tells."""
    runs = folder.of_arm(arm.arm)
    layer = folder.direction.layer

    def mean(values: list[float]) -> float:
        return sum(values) / len(values)

    return {
        "arm": arm.arm,
        "moved": arm.displacement[PROBE],
        "auroc_before": folder.runs[0].displacement["base_auroc"][layer],
        "auroc": mean([run.displacement["probe_auroc"][layer] for run in runs]),
        "angle_before": folder.runs[0].displacement["base_refit_angle"][layer],
        "angle": mean([run.displacement["refit_angle"][layer] for run in runs]),
    }


def _pca(folder: RunFolder) -> Picture:
    tuned = {arm: folder.of_arm(arm)[0].activations for arm in folder.arms}
    axes = plot.activations(principal_plane(folder.base.activations, tuned))
    alt = (
        "Scatter plots of prompts on the first two principal components of the base, one panel for the base"
        + "".join(f", one for {arm_name(arm)}" for arm in folder.arms)
        + "; one colour and marker for each probe set."
    )
    return _picture(axes[0], "pca", alt)


def _scan(folder: RunFolder) -> Picture | None:
    found = folder.direction
    if not found.scan:  # a direction that was put together from others was not scanned
        return None
    best = found.scan[found.position][found.layer]
    chosen = f"layer {found.layer} at token {found.position}: {best:.3f}"
    alt = f"AUROC by layer for each token position; the best is {chosen}."
    return _picture(plot.layer_scan(found.scan, found.layer, found.position), "scan", alt)


def _steering(check: Mapping[str, Any]) -> Picture:
    alt = (
        f"Abstention on known prompts: as is {check['known']:.2f}, direction added "
        f"{check['known_added']:.2f}, random directions added {_several(check['random_added'])}. "
        f"On unknown prompts: as is {check['unknown']:.2f}, direction ablated "
        f"{check['unknown_ablated']:.2f}, random directions ablated {_several(check['random_ablated'])}."
    )
    return _picture(plot.steering(check), "steering", alt)


def _several(values: list[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def _curves(folder: RunFolder) -> Picture:
    runs = {arm: folder.of_arm(arm)[0] for arm in folder.arms}
    logs, probes = ({arm: getattr(run, part) for arm, run in runs.items()} for part in ("log", "probes"))
    last = {arm: ", ".join(f"{k} {v:.3g}" for k, v in log[-1].items() if k != "gradient") for arm, log in logs.items()}
    alt = "Training curves. At the end: " + "; ".join(f"{arm_name(arm)}: {text}" for arm, text in last.items()) + "."
    return _picture(plot.training(logs, probes)[0], "curves", alt)


def _flat(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as dotted names with their values."""
    rows: list[tuple[str, str]] = []
    for name, item in value.items():
        if isinstance(item, Mapping):
            rows += _flat(item, f"{prefix}{name}.")
        else:
            text = ", ".join(map(str, item)) if isinstance(item, list | tuple) else str(item)
            rows.append((prefix + name, text))
    return rows
