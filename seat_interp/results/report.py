"""`report.html`: one self-contained page of a study, the same bytes for the same folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seat_interp.core.errors import SeatError
from seat_interp.core.files import write_text
from seat_interp.results import _pictures as pictures
from seat_interp.results._page import render
from seat_interp.results._replies import SideBySide, choose_examples, for_page, side_by_side
from seat_interp.results.tables import displacement_cells, estimates_by_layer, layer_tables
from seat_interp.results.verdict import MAIN_SET, verdict
from seat_interp.studies.run_folder import RunFolder


def write_report(folder: str | Path) -> Path:
    """Write `report.html` into a run folder; it needs no network and no other file.

    Args:
        folder: Folder of a finished study.

    Returns:
        The path of the page.

    Raises:
        SeatError: This is not a run folder, or the study is not finished.

    Example:
        >>> config = si.StudyConfig(arms=("full",), positions=(-1,), steering_prompts=0, null_draws=9, max_new_tokens=8)
        >>> few = si.FactSets(target=facts.target[:2], known=facts.known[:8], unknown=facts.unknown[:8])
        >>> import dataclasses
        >>> short = si.ArmConfig(dense=si.TrainConfig(steps=1))
        >>> _ = si.run_study(lm, few, dataclasses.replace(config, settings=short), "run", say=lambda text: None)
        >>> si.write_report("run").name
        'report.html'
    """
    return write_text(Path(folder) / "report.html", report(RunFolder.open(folder)))


def report(folder: RunFolder) -> str:
    """Render the report as text.

    Args:
        folder: Finished study.

    Returns:
        HTML.
    """
    arms = folder.rates
    config, steering = folder.summary["config"], folder.base.row.get("steering")
    moved, layer = estimates_by_layer(folder), folder.direction.layer
    replies, plane = side_by_side(folder), folder.plane
    _require_same_prompts(folder, replies)
    held = for_page(replies, pictures.drawn_prompts(plane))
    return render(
        "report.html.j2",
        [arm.arm for arm in arms],
        model=config["model"],
        about=config.get("about", {}),
        sizes=config.get("sizes", {}),
        verdict=verdict(folder.summary),
        arms=arms,
        tuned=arms[1:],
        runs=folder.runs,
        base=folder.base,
        direction=folder.direction,
        rates=pictures.rates_picture(arms),
        moved={
            p: [(arm, "", displacement_cells(rows[layer])) for arm, rows in lines.items()] for p, lines in moved.items()
        },
        nulls=list(folder.base.row["displacement"][MAIN_SET]["null"]),
        moved_pictures=pictures.displacement_pictures(moved, layer),
        tables=layer_tables(folder, moved),
        pca=pictures.plane_picture(plane, held.places),
        scan=pictures.scan_picture(folder.direction),
        steering=steering,
        steering_picture=pictures.steering_picture(folder.steering) if folder.steering else None,
        columns=replies.columns,
        replies=held,
        examples=choose_examples(replies),
        curves=pictures.curves_picture(folder) if folder.arms else None,
        settings=flat(config.get("study", {})),
        model_settings=flat(config["model"]),
        environment=flat(folder.summary["environment"]),
    )


def _require_same_prompts(folder: RunFolder, replies: SideBySide) -> None:
    """A point of the plane is a prompt: activations and records must be of the same ones, in the same order."""
    for set_name, values in folder.base.activations.items():
        if len(values) != (count := len(replies.sets.get(set_name, ()))):
            raise SeatError(
                f"{folder.base.path} holds activations of {len(values)} {set_name} prompts, but replies to {count}. "
                "Remove that folder and run the same command again."
            )


def flat(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Flatten nested settings to dotted names.

    Args:
        value: Settings.
        prefix: Prefix of the names.

    Returns:
        Names with their values.
    """
    rows: list[tuple[str, str]] = []
    for name, item in value.items():
        if isinstance(item, Mapping):
            rows += flat(item, f"{prefix}{name}.")
        else:
            text = ", ".join(map(str, item)) if isinstance(item, list | tuple) else str(item)
            rows.append((prefix + name, text))
    return rows
