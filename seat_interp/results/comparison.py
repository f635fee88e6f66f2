"""Finished runs side by side in one page: rates, displacement, replies to the same questions, settings that differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seat_interp.core.errors import SeatError
from seat_interp.core.files import short_names, write_text
from seat_interp.plot.style import new_axes
from seat_interp.plot.wording import set_label
from seat_interp.results import _pictures as pictures
from seat_interp.results._page import Picture, render
from seat_interp.results._replies import Prompt, Record, SideBySide, choose_examples, for_page, in_order, side_by_side
from seat_interp.results.report import flat
from seat_interp.results.tables import displacement_cells, estimates_by_layer
from seat_interp.results.verdict import MAIN_SET, verdict
from seat_interp.studies.aggregate import ArmRates
from seat_interp.studies.run_folder import BASE, RunFolder

_SAME_DIRECTION = 0.999
"""Least cosine at every layer of two fits of one direction: another machine rounds otherwise."""


@dataclass(frozen=True)
class _Compared:
    """Run in a comparison.

    Attributes:
        name: Name of its folder, with as many of the folders above as distinguish it from the others.
        folder: Run folder.
        arms: Rates of the base and the arms.
        replies: Replies of the base and of the first seed of each arm.
        asked: Prompts by question; a question in several sets counts for the first.
    """

    name: str
    folder: RunFolder
    arms: list[ArmRates]
    replies: SideBySide
    asked: dict[str, Prompt]


def write_comparison(runs: Sequence[str | Path], out: str | Path) -> Path:
    """Write a page with finished runs side by side; it needs no network and no other file.

    The runs may be of different models, facts or settings: the page says which of their numbers can be compared.

    Args:
        runs: Run folders, two or more.
        out: Path of the page.

    Returns:
        The path of the page.

    Raises:
        SeatError: There are fewer than two runs, one of them twice, not a run folder or not finished; or `out` is a
        folder.

    Example:
        >>> si.write_comparison(["run"], "comparison.html")
        Traceback (most recent call last):
        seat_interp.core.errors.SeatError: ...
    """
    if Path(out).is_dir():
        raise SeatError(
            f"{out} is a folder. Give the file that the page is to be, such as {Path(out) / 'compare.html'}."
        )
    paths = [Path(run).resolve() for run in runs]
    if twice := [str(run) for run, path in zip(runs, paths) if paths.count(path) > 1]:
        raise SeatError(f"The same run is given twice: {' and '.join(twice)}. Name each once.")
    if len(paths) < 2:
        raise SeatError(f"A comparison takes two run folders or more; {len(paths)} given.")
    folders = [RunFolder.open(run) for run in runs]
    return write_text(out, comparison(dict(zip(short_names(paths), folders))))


def comparison(folders: Mapping[str, RunFolder]) -> str:
    """Render the page of a comparison as text.

    Args:
        folders: Run folders by the names that the page gives them.

    Returns:
        HTML.
    """
    runs = [_compared(name, folder) for name, folder in folders.items()]
    sets = list(dict.fromkeys(set_name for run in runs for set_name in run.arms[0].abstention))
    common = [set_name for set_name in sets if all(set_name in run.arms[0].abstention for run in runs)]
    replies = _shared_replies(runs)
    return render(
        "compare.html.j2",
        [arm.arm for run in runs for arm in run.arms],
        runs=runs,
        verdicts={run.name: verdict(run.folder.summary).headline for run in runs},
        hindrances=_hindrances(runs),
        groups=[(run.name, run.arms) for run in runs],
        sets=sets,
        common=common,
        tuned=[arm for run in runs for arm in run.arms[1:]],
        rates=pictures.rows_picture([_of_run(run, arm, common) for run in runs for arm in run.arms]),
        moved_pictures=_displacement(runs),
        moved=_moved(runs),
        nulls=list(runs[0].arms[0].displacement[MAIN_SET].null),
        columns=replies.columns,
        replies=for_page(replies) if replies.sets else None,
        examples=choose_examples(replies),
        settings=differences({run.name: run.folder.summary for run in runs}),
    )


def _compared(name: str, folder: RunFolder) -> _Compared:
    replies = side_by_side(folder)
    prompts = [prompt for of_set in replies.sets.values() for prompt in of_set]
    asked = {prompt[0]["question"]: prompt for prompt in reversed(prompts)}
    return _Compared(name, folder, folder.rates, replies, asked)


def _hindrances(runs: Sequence[_Compared]) -> list[str]:
    """What stands in the way of comparing numbers across the runs, a sentence each; none if nothing does.

    Args:
        runs: two or more.
    """
    first, *others = runs
    sentences = []
    if model := [run for run in others if _weights(run) != _weights(first)]:
        sentences.append(
            f"{_differ(first, model)} in their base model. A difference between their arms may be the models'. Each "
            "displacement is along the direction of its own base, in that base's separations, and there is "
            "nothing to compare."
        )
    if facts := [run for run in others if _questions(run, "target") != _questions(first, "target")]:
        sentences.append(
            f"{_differ(first, facts)} in the facts that they teach. Some facts are easier to learn or closer to what "
            "is known, so a difference between their arms may be the facts'."
        )
    names = dict.fromkeys(set_name for run in runs for set_name in run.replies.sets if set_name != "target")
    if other := [
        set_name
        for set_name in names
        if any(_questions(run, set_name) != _questions(first, set_name) for run in others)
    ]:
        sentences.append(
            f"Not all ask the same prompts: {', '.join(map(set_label, other))} differ. Rates and displacement of these "
            "sets are of other questions in each run, and intervals do not tell that difference from one of the arms."
        )
    if direction := [run for run in others if run not in model and not _same_direction(run, first)]:
        sentences.append(
            f"{_differ(first, direction)} in their ignorance direction, or in its layer or token. Their displacements "
            "are along different directions and in different units; signs and nulls can be compared, sizes cannot."
        )
    return sentences


def _differ(first: _Compared, others: Sequence[_Compared]) -> str:
    names = [first.name, *(run.name for run in others)]
    return f"{', '.join(names[:-1])} and {names[-1]} differ"


def _weights(run: _Compared) -> Any:
    return run.folder.summary["config"]["model"]


def _questions(run: _Compared, set_name: str) -> list[tuple[str, str]]:
    return [(base["question"], base["answer"]) for base, *_ in run.replies.sets.get(set_name, ())]


def _same_direction(run: _Compared, other: _Compared) -> bool:
    one, two = run.folder.direction, other.folder.direction
    if (one.layer, one.position, one.vectors.shape) != (two.layer, two.position, two.vectors.shape):
        return False
    return bool((one.cosine(two) >= _SAME_DIRECTION).all())


def _of_run(run: _Compared, arm: ArmRates, common: Sequence[str]) -> ArmRates:
    """An arm under its name and that of its run, with the evaluation sets that every run has."""
    return replace(
        arm, arm=f"{arm.arm}, {run.name}", abstention={set_name: arm.abstention[set_name] for set_name in common}
    )


def _displacement(runs: Sequence[_Compared]) -> list[Picture]:
    """Unknown prompts by layer, a figure for each run with arms, on one scale."""
    tuned = [run for run in runs if run.folder.arms]
    moved = [estimates_by_layer(run.folder)[MAIN_SET] for run in tuned]
    layers = [run.folder.direction.layer for run in tuned]
    axes = [pictures.displacement_axes(arms, layer, new_axes(4.8, 3.2)) for arms, layer in zip(moved, layers)]
    pictures.alike(axes)
    return [
        pictures.displacement_picture(ax, f"moved-{number}", MAIN_SET, arms, layer, f"{run.name}, chosen layer {layer}")
        for number, (ax, arms, layer, run) in enumerate(zip(axes, moved, layers, tuned))
    ]


def _moved(runs: Sequence[_Compared]) -> dict[str, list[tuple[str, str, list[str]]]]:
    """By evaluation set, unknown first: arm, run, and the cells of the table, at each run's chosen layer."""
    rows: dict[str, list[tuple[str, str, list[str]]]] = {MAIN_SET: []}
    for run in runs:
        for arm in run.arms[1:]:
            for set_name, moved in arm.displacement.items():
                rows.setdefault(set_name, []).append((arm.arm, run.name, displacement_cells(moved)))
    return {set_name: by_layer for set_name, by_layer in rows.items() if by_layer}


def _shared_replies(runs: Sequence[_Compared]) -> SideBySide:
    """The replies to every question that all runs ask, from the first seed of each arm.

    A question that is in several sets is under all their names. A base that says the same as the first one is
    shown once.

    Args:
        runs: two or more.
    """
    questions = [prompt[0]["question"] for of_set in runs[0].replies.sets.values() for prompt in of_set]
    questions = [wording for wording in dict.fromkeys(questions) if all(wording in run.asked for run in runs)]
    columns: list[str] = []
    bases: list[int] = []
    replies: list[tuple[Record, ...]] = []
    for run in runs:
        base = len(columns)
        for name, column in zip(run.replies.columns, zip(*(run.asked[question] for question in questions))):
            if name == BASE and replies and _same(column, replies[0]):
                base = 0
                continue
            columns.append(f"{name}, {run.name}")
            bases.append(base)
            replies.append(column)
    if columns and not any(bases):
        columns[0] = BASE  # of all
    sets: dict[str, list[Prompt]] = {}
    for question, prompt in zip(questions, zip(*replies)):
        names = dict.fromkeys(run.asked[question][0]["set_name"] for run in runs)
        sets.setdefault(" / ".join(names), []).append(prompt)
    return SideBySide(tuple(columns), tuple(bases), in_order(sets))


def _same(one: Sequence[Record], others: Sequence[Record]) -> bool:
    return [(r["reply"], r["label"]) for r in one] == [(r["reply"], r["label"]) for r in others]


def differences(summaries: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Return settings, model and machine with a value for every run, where these are not all the same.

    Args:
        summaries: Contents of `summary.json` by run.

    Returns:
        Names with their values.
    """
    flattened = [
        dict(
            flat(
                {key: s["config"].get(key) for key in s["config"] if key != "facts"} | {"environment": s["environment"]}
            )
        )
        for s in summaries.values()
    ]
    names = dict.fromkeys(name for settings in flattened for name in settings)
    rows = [(name, [settings.get(name, "–") for settings in flattened]) for name in names]
    return [(name, values) for name, values in rows if len(set(values)) > 1]
