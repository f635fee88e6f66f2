"""Tables that set our numbers beside the papers'."""

from collections.abc import Sequence
from typing import Any, Literal, get_args

from analyses.common.organism_arms import LEARNT, Target
from seat_interp.evaluation.intervals import Estimate
from seat_interp.plot.wording import arm_name, set_label
from seat_interp.results.table import Table
from seat_interp.results.tables import with_interval

Row = dict[str, Any]


def known_unknown_tables(rows: Sequence[Row]) -> list[Table]:
    """Every finding with the paper's numbers and our difference."""
    lines = [
        (row["paper"], row["says"], row["theirs"], with_interval(Estimate(**row["ours"]), "+"), row["seeds"],
         row["verdict"])
        for row in rows
    ]  # fmt: skip
    counts = {name: sum(row["verdict"] == name for row in rows) for name in ("agree", "inconclusive", "disagree")}
    caption = f"Findings of two papers on the half-taught organism: {', '.join(f'{n} {v}' for v, n in counts.items())}."
    caption += " Ours is a difference of shares, above zero where the paper is right, 95 % over seeds; for the linear"
    caption += " model a coefficient with the paper's sign, 95 % over runs."
    return [Table.of(("paper", "finds", "there", "here", "seeds", "verdict"), lines, caption)]


Measure = Literal["abstention", "entity_naming_abstention"]


MEASURES: dict[Measure, str] = {"abstention": "by phrase", "entity_naming_abstention": "that names what was asked"}


SIGNS = {"agree": "=", "inconclusive": "?", "disagree": "x"}


def on_organism(target: str) -> bool:
    """Whether it is the organism that was taught this; SmolLM2 otherwise."""
    return target in get_args(Target)


def seat_tables(rows: Sequence[Row]) -> list[Table]:
    """SEAT's own numbers; then pairs of arms, for each measure on SmolLM2, then on the organism."""
    pairs = [row for row in rows if "more" in row]
    found = [claims_table([row for row in rows if "what" in row])]
    for organism in (False, True):
        where = "the organism" if organism else "SmolLM2, taught a part of the same set, one seed"
        for measure, words in MEASURES.items():
            same = [row for row in pairs if on_organism(row["target"]) == organism and row["measure"] == measure]
            found.append(pairs_table(same, f"abstention {words}, on {where}", organism))
    return found


def claims_table(rows: Sequence[Row]) -> Table:
    """A row for each number of the paper's SEAT."""
    targets = list(dict.fromkeys(row["target"] for row in rows))
    lines = []
    for what, where, rate in dict.fromkeys((row["what"], row["where"], row["rate"]) for row in rows):
        at = {row["target"]: row for row in rows if (row["what"], row["where"], row["rate"]) == (what, where, rate)}
        least, most = at[targets[0]]["paper"]
        paper = f"{least:.2f} to {most:.2f}" if least < most else f"{least:.2f}"
        cells = [f"{with_interval(Estimate(**at[target]['ours']))} ({at[target]['base']:.2f})" for target in targets]
        lines.append((what, f"{paper}, {where}", *cells))
    heads = [f"organism, {each}" if on_organism(each) else f"SmolLM2, {each.upper()}" for each in targets]
    caption = (
        "SEAT's numbers in its paper, and ours with their 95 % intervals; the base's in round brackets. Models and "
        "prompts are others than the paper's, so these are sizes to be read, not verdicts."
    )
    return Table.of(("SEAT", "paper", *heads), lines, caption)


def pairs_table(rows: Sequence[Row], what: str, organism: bool) -> Table:
    """A row for each pair of arms, by one measure on one model.

    Args:
        rows: of `compare`.
        what: the measure and where ours come from, for the caption.
        organism: both target sets stand beside each other there.
    """

    def column(row: Row) -> str:
        return (f"{row['target']}, " if organism else "") + set_label(row["probe"])

    columns = list(dict.fromkeys(map(column, rows)))
    lines = []
    for where, more, less in dict.fromkeys((row["where"], row["more"], row["less"]) for row in rows):
        same = [row for row in rows if (row["where"], row["more"], row["less"]) == (where, more, less)]
        under = {column(row): row for row in same}
        cells = [
            " / ".join(f"{each['mean']:.2f}" for each in under[head]["ours"]) + f" {SIGNS[under[head]['verdict']]}"
            for head in columns
        ]
        paper = " / ".join(f"{value:.2f}" for value in same[0]["paper"])
        lines.append((f"{arm_name(more)} > {arm_name(less)}", f"{paper}, {where}", *cells))
    learnt = {
        arm: min(row["learnt"][place] for row in rows for place in (0, 1) if row[("more", "less")[place]] == arm)
        for arm in dict.fromkeys(row[key] for row in rows for key in ("more", "less"))
    }
    little = ", ".join(f"{arm_name(arm)} {recall:.2f}" for arm, recall in learnt.items() if recall < LEARNT)
    # A pair that the paper has on both of its sets counts once where ours is the same.
    once = {(row["more"], row["less"], row["target"], row["probe"]): row["verdict"] for row in rows}
    found = list(once.values())
    counts = ", ".join(f"{found.count(name)} {name} ({sign})" for name, sign in SIGNS.items())
    caption = f"Abstention in SEAT's paper (judged by people, as notes on it give) and {what}: {counts}."
    caption += " A pair that the paper has twice counts once." if len(once) < len(rows) else ""
    caption += f" Undecided in any case where too little was learnt: {little}." if little else ""
    caption += "" if organism else " SEAT is of another base, aligned by the same script."
    return Table.of(("order in the paper", "paper", *columns), lines, caption)
