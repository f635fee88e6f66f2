"""The results table of a comparison of arms: in the terminal, and as a value to be written."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table as RichTable

from seat_interp.evaluation.intervals import KIND_WORDS, Estimate, estimate
from seat_interp.plot.wording import NULL_WORDS, arm_name, label_of, set_label
from seat_interp.results.table import Table
from seat_interp.results.verdict import MAIN_SET, verdict
from seat_interp.studies.aggregate import ArmRates, DisplacementEstimate, aggregate, combine_displacement
from seat_interp.studies.run_folder import RunFolder

_SHORT = {
    "unknown": "Un-\nknown",
    "neighbour": "Neigh-\nbour",
    "cross_domain": "Cross-\ndomain",
    "unverifiable": "Unver-\nifiab.",
}
"""Headings of evaluation sets, broken so that the table fits 80 columns."""


def print_summary(summary: Mapping[str, Any]) -> None:
    """Print one line an arm, the base first, and below in words what was seen.

    Args:
        summary: the content of `summary.json`.
    """
    console = Console()
    arms = aggregate(summary)
    set_names = list(arms[0].abstention)
    table = RichTable(
        box=SIMPLE_HEAD, show_edge=False, padding=(0, 0 if console.width < 100 else 1), header_style="bold"
    )
    table.add_column("Arm", vertical="bottom", no_wrap=True)
    headings = [
        "Target\nrecall",
        *(_SHORT.get(p, p) for p in set_names),
        "Known\nrecall",
        "Over-\nabst.",
        "DisplacementEstimate",
    ]
    for heading in [*headings, "Random null", "Sec."]:
        table.add_column(heading, justify="right", vertical="bottom", no_wrap=True)
    for arm in arms:
        rates = [arm.target_recall, *arm.abstention.values(), arm.known_recall, arm.over_abstention]
        moved = arm.displacement[MAIN_SET]
        low, high = moved.null["random"]
        tuned = [f"{moved.along.mean:+.2f}", f"{low:+.2f} {high:+.2f}"] if arm.arm != "base" else ["", ""]
        table.add_row(escape(arm.arm), *(f"{rate.mean:.2f}" for rate in rates), *tuned, f"{arm.seconds:.0f}")
    console.print()
    console.print(table)
    seeds = max(arm.seeds for arm in arms)
    console.print(
        f"\n[dim]{f'Means over {seeds} seeds. ' if seeds > 1 else ''}Abstention on: "
        f"{', '.join(map(set_label, set_names))}. Displacement: of unknown prompts along the ignorance "
        "direction, in separations of the base (−1: where known prompts were). "
        "Intervals are in summary.json and in the report.[/dim]\n"
    )
    words = verdict(summary)
    console.print(f"[bold]{escape(words.headline)}[/bold]", highlight=False)
    for sentence in words.details:
        console.print(escape(f"• {sentence}"), highlight=False)
    console.print()


def arms_table(summary: Mapping[str, Any]) -> Table:
    """Make the table of a study: one line an arm with intervals; the caption explains them and states the outcome in
    words.

    Args:
        summary: Content of `summary.json`.

    Returns:
        The table.
    """
    arms = aggregate(summary)
    set_names = list(arms[0].abstention)
    has_paraphrases = any(arm.paraphrase_recall for arm in arms)
    heads = ["arm", "seeds", "target recall", *(["in other paraphrases"] if has_paraphrases else [])]
    heads += [*(f"abstention, {set_label(p)}" for p in set_names), "known recall"]
    heads += ["over-abstention", "displacement of unknown", "random null", "widest null", "seconds"]
    kinds = dict.fromkeys(
        rate.kind for arm in arms for rate in (arm.target_recall, arm.displacement[MAIN_SET].along) if arm.arm != "base"
    )
    words = "; ".join(KIND_WORDS[kind] for kind in kinds) or KIND_WORDS[arms[0].target_recall.kind]
    return Table.of(
        heads, [_cells(arm, has_paraphrases) for arm in arms], f"{verdict(summary).headline} In brackets: {words}."
    )


def rates_table(arms: Sequence[ArmRates]) -> Table:
    """Make a table of the four rates of every arm with intervals, and nothing else.

    Args:
        arms: Lines of `aggregate` or `arm_rates`.

    Returns:
        The table.

    Example:
        >>> sets = {name: getattr(facts, name)[:2] for name in ("target", "known", "unknown")}
        >>> si.rates_table(si.arm_rates({"base": lm}, sets)).rows[0][0]
        'Base'
    """
    set_names = list(arms[0].abstention)
    heads = [
        "arm",
        "target recall",
        *(f"abstention, {set_label(p)}" for p in set_names),
        "known recall",
        "over-abstention",
    ]
    lines = []
    for arm in arms:
        estimates = [arm.target_recall, *(arm.abstention[p] for p in set_names), arm.known_recall, arm.over_abstention]
        lines.append([arm_name(arm.arm), *map(with_interval, estimates)])
    kinds = dict.fromkeys(arm.target_recall.kind for arm in arms)
    return Table.of(heads, lines, f"In brackets: {'; '.join(KIND_WORDS[kind] for kind in kinds)}.")


def displacement_table(moved: Mapping[str, Mapping[str, Any]]) -> Table:
    """Make a table of every evaluation set's displacement beside its nulls, and of the orthogonal shift.

    Args:
        moved: Rows by evaluation set, or by arm, at one layer: of `Displacement.summary()`, or a row's `displacement`.

    Returns:
        The table, in separations.

    Example:
        >>> direction = si.fit_direction(lm, unknown=facts.fit_unknown[:20], known=facts.fit_known[:20])
        >>> sets = {"unknown": facts.unknown[:8], "known": facts.known[:8]}
        >>> moved = si.displacement(base=lm, tuned=lm.copy(), sets=sets, direction=direction, resamples=20)
        >>> [row[0] for row in si.displacement_table(moved.summary()).rows]
        ['unknown', 'known']
    """
    kinds = list(next(iter(moved.values()))["null"])
    lines = []
    for name, row in moved.items():
        low, high = row["interval"]
        along = Estimate(row["mean"], low, high, "bootstrap")
        nulls = [f"{least:+.2f} to {most:+.2f}" for least, most in (row["null"][kind] for kind in kinds)]
        lines.append([label_of(name), with_interval(along, "+"), *nulls, f"{row['orthogonal']:.2f}"])
    heads = ["displacement of", "along the direction", *(f"{NULL_WORDS[kind]} null" for kind in kinds), "across it"]
    return Table.of(
        heads, lines, f"In separations. In brackets: {KIND_WORDS['bootstrap']}; nulls: where 95 % of them lie."
    )


def linear_probe_table(summary: Mapping[str, Any]) -> Table:
    """Make a table of how well a linear probe, the base's direction, separates known from unknown prompts after each
    arm.

    Args:
        summary: Content of `summary.json`.

    Returns:
        The table.
    """
    rows = [row for row in summary["rows"] if row["arm"] != "base"]
    lines = []
    for arm in dict.fromkeys(row["arm"] for row in rows):
        same = [row for row in rows if row["arm"] == arm]
        values = (
            [row["entity_naming_abstention"][MAIN_SET] for row in same],
            [row["linear_probe_auroc"] for row in same],
        )
        shares = (with_interval(estimate(of_seeds, bounds=(0.0, 1.0))) for of_seeds in values)
        angle = with_interval(estimate([row["refit_angle"] for row in same], bounds=(0.0, 180.0)))
        lines.append((arm_name(arm), len(same), *shares, angle))
    heads = ("arm", "seeds", "abstains, and names what was asked", "AUROC of the base's linear probe", "angle")
    caption = (
        "Unknown prompts: the linear probe separates them from known ones. Angle: degrees to the refitted direction. "
        "In brackets: 95 % over seeds."
    )
    return Table.of(heads, lines, caption)


def _cells(arm: ArmRates, has_paraphrases: bool) -> list[str]:
    moved = arm.displacement[MAIN_SET]
    rates = [*arm.abstention.values(), arm.known_recall, arm.over_abstention]
    other = [with_interval(arm.paraphrase_recall) if arm.paraphrase_recall else "–"] if has_paraphrases else []
    learnt = [with_interval(arm.target_recall), *other]
    random, widest = (f"{low:+.2f} to {high:+.2f}" for low, high in (moved.null[k] for k in ("random", moved.widest)))
    tuned = [with_interval(moved.along, "+"), random, f"{NULL_WORDS[moved.widest]} {widest}"]
    tuned = tuned if arm.arm != "base" else ["–"] * len(tuned)
    return [arm_name(arm.arm), str(arm.seeds), *learnt, *map(with_interval, rates), *tuned, f"{arm.seconds:.0f}"]


def with_interval(rate: Estimate, sign: str = "") -> str:
    """Write `0.93 [0.88, 0.96]`, or the mean alone where there is no interval.

    Args:
        rate: Mean with its interval.
        sign: "+" to write the sign of positive numbers too.

    Returns:
        The text.
    """
    if rate.kind == "none":
        return f"{rate.mean:{sign}.2f}"
    return f"{rate.mean:{sign}.2f} [{rate.low:{sign}.2f}, {rate.high:{sign}.2f}]"


ByLayer = Mapping[str, Mapping[str, Sequence[DisplacementEstimate]]]
"""By evaluation set and arm, one for each layer."""


def estimates_by_layer(folder: RunFolder) -> dict[str, dict[str, list[DisplacementEstimate]]]:
    """Estimate displacement over the seeds of each arm.

    Args:
        folder: Finished study.

    Returns:
        Estimates by evaluation set (unknown first), arm and layer.
    """
    by_set: dict[str, dict[str, list[DisplacementEstimate]]] = {}
    for arm in folder.arms:
        runs = [run.displacement["sets"] for run in folder.of_arm(arm)]
        for set_name in runs[0]:
            at_layers = zip(*(sets[set_name] for sets in runs))
            by_set.setdefault(set_name, {})[arm] = [combine_displacement(seeds) for seeds in at_layers]
    return dict(sorted(by_set.items(), key=lambda item: item[0] != MAIN_SET))


def displacement_cells(moved: DisplacementEstimate) -> list[str]:
    """Write a line of a table: along the direction, its interval, each null, the orthogonal part, beyond every null or
    not.

    Args:
        moved: Displacement of one arm on one evaluation set at one layer.

    Returns:
        The cells.
    """
    along = moved.along
    interval = f"{along.low:+.2f} to {along.high:+.2f}" if along.kind != "none" else "–"
    nulls = [f"{low:+.2f} to {high:+.2f}" for low, high in moved.null.values()]
    return [f"{along.mean:+.2f}", interval, *nulls, f"{moved.orthogonal:.2f}", "yes" if moved.beyond_null else "no"]


def _linear_probe_cells(folder: RunFolder, arm: str, layer: int) -> list[str]:
    """Write whether the base's direction still separates unknown from known, and how far a new one turned from it.

    Args:
        folder: Finished study.
        arm: Name of the arm, over whose seeds means are taken.
        layer: Layer of the direction.

    Returns:
        AUROC of the base's direction on the tuned model and on the base, then the angle in degrees to a direction
        fitted to the tuned model, and to one fitted to the base on the same prompts.
    """
    runs = [run.displacement for run in folder.of_arm(arm)]

    def mean(key: str) -> float:
        return sum(run[key][layer] for run in runs) / len(runs)

    aurocs = [f"{mean(key):.3f}" for key in ("linear_probe_auroc", "base_auroc")]
    return aurocs + [f"{mean(key):.0f}°" for key in ("refit_angle", "base_refit_angle")]


def layer_tables(folder: RunFolder, moved: ByLayer) -> dict[str, list[list[list[str]]]]:
    """Write the lines of both tables: a line for each set and arm, and one for each arm.

    Args:
        folder: Finished study.
        moved: Displacement by evaluation set, arm and layer.

    Returns:
        Lines by the table's id and layer.
    """
    layers = range(len(folder.direction.separation))
    return {
        "moved-at-layer": [
            [displacement_cells(rows[n]) for arms in moved.values() for rows in arms.values()] for n in layers
        ],
        "linear-probe-at-layer": [[_linear_probe_cells(folder, arm, n) for arm in folder.arms] for n in layers],
    }
