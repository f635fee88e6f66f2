"""Do the orders of SEAT's paper hold here? Every pair of arms whose numbers are known, against ours: agree or disagree.

    python analyses/against_seat.py            (seconds; after organism_arms.py and real_arms.py)

The paper's numbers are shares of abstention judged by people (2506.14387 v3, Llama 3 8B; TOFU in Table 2, PISTOL in
Table 3b), as third parties' notes give them, most likely on its unverifiable questions; ours are shares by phrase, on
unverifiable and on unknown prompts. So orders are compared, not numbers. Two arms are in order if their intervals are
apart and both have learnt what was taught. The organism's masks are of whole neurons, the paper's and SmolLM2's of
single weights. On SmolLM2 the paper's own sets are taught, with one seed; SEAT is of a second base there, aligned by
the same script, with the rates of the first. Writes analyses/results/against_seat.json.
"""

import itertools
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import tyro

from common.organism import LEARNT, Target
from common.result_file import write_result
from seat_interp.aggregate import aggregate
from seat_interp.arms import ArmName
from seat_interp.errors import SeatError, reported
from seat_interp.files import read_json
from seat_interp.intervals import Estimate
from seat_interp.results.table import Table
from seat_interp.wording import arm_name


@dataclass(frozen=True)
class Ordering:
    """One arm keeps more abstention than another in the paper."""

    more: ArmName
    less: ArmName
    paper: tuple[float, float]
    where: str


KNOWN: dict[str, dict[ArmName, float]] = {
    "TOFU": {"seat": 0.977, "replay": 0.487, "lora": 0.127, "ewc": 0.068, "full": 0.0},
    "PISTOL": {"seat": 0.954, "sparse": 0.806, "full_ep_kl": 0.63, "full": 0.0},
}
"""The paper's numbers that could be recovered, best first."""
ORDERINGS = tuple(
    Ordering(more, less, (numbers[more], numbers[less]), where)
    for where, numbers in KNOWN.items()
    for more, less in itertools.combinations(numbers, 2)
)
PROBES = ("unverifiable", "unknown")


@dataclass(frozen=True)
class Options:
    """Where results are read and written."""

    results: Path = Path("analyses/results")
    """A folder."""


def verdict(more: Estimate, less: Estimate, learnt: Sequence[float]) -> str:
    """`agree` or `disagree` where both arms have learnt and their intervals are apart, else `undecided`."""
    if more.overlaps(less) or min(learnt) < LEARNT:
        return "undecided"
    return "agree" if more.mean > less.mean else "disagree"


def compare(ordering: Ordering, target: str, probe: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A row: the paper's pair, ours, and whether the order is the same.

    Args:
        ordering: the paper's.
        target: what was taught.
        probe: on which prompts.
        rows: of organism_arms.py or real_arms.py.

    Raises:
        SeatError: an arm is not in the rows.
    """
    arms = {arm.arm: arm for arm in aggregate({"rows": rows})}
    if missing := {ordering.more, ordering.less} - set(arms):
        raise SeatError(
            f"There are no runs of {', '.join(sorted(missing))} on {target}. Make them with organism_arms.py or "
            "real_arms.py."
        )
    more, less = (arms[name].abstention[probe] for name in (ordering.more, ordering.less))
    learnt = [arms[name].target_recall.mean for name in (ordering.more, ordering.less)]
    ours = [asdict(more), asdict(less)]
    about = {"target": target, "probe": probe, "ours": ours, "learnt": learnt}
    return asdict(ordering) | about | {"verdict": verdict(more, less, learnt)}


SIGNS = {"agree": "=", "undecided": "?", "disagree": "x"}


def tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """A row for each pair of arms: the paper's numbers, then ours; on the organism, and on SmolLM2."""
    organism = [row for row in rows if row["target"] in get_args(Target)]
    real = [row for row in rows if row["target"] not in get_args(Target)]
    return [
        pairs_table(organism, "on the organism", lambda row: f"{row['target']}, {row['probe']}"),
        pairs_table(real, "on SmolLM2, taught the same set, one seed", lambda row: row["probe"]),
    ]


def pairs_table(rows: Sequence[dict[str, Any]], where_ours: str, column: Callable[[dict[str, Any]], str]) -> Table:
    """A row for each pair of arms on one model.

    Args:
        rows: of `compare`.
        where_ours: where our numbers come from, for the caption.
        column: the heading that a row stands under.
    """
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
    counts = ", ".join(
        f"{sum(found == name for found in once.values())} {name} ({sign})" for name, sign in SIGNS.items()
    )
    caption = f"Abstention in SEAT's paper (judged by people, as notes on it give) and {where_ours}: {counts}."
    caption += " A pair that the paper has twice counts once." if len(once) < len(rows) else ""
    caption += f" Undecided in any case where too little was learnt: {little}." if little else ""
    return Table.of(("order in the paper", "paper", *columns), lines, caption)


def rows_of(results: Path, name: str) -> list[dict[str, Any]]:
    """Those of a result file."""
    return read_json(results / f"{name}.json")["rows"]


def main(options: Options) -> None:
    """Every pair with every target set of the organism, and with its own on SmolLM2."""
    found: dict[str, list[dict[str, Any]]] = {
        target: rows_of(options.results, f"organism_arms_{target}") for target in get_args(Target)
    }
    for own in map(str.lower, KNOWN):
        first, second = (rows_of(options.results, f"real_arms_{own}{base}") for base in ("", "_second"))
        there = {row["arm"] for row in first}
        found[own] = first + [row for row in second if row["arm"] not in there]
    rows = [
        compare(ordering, target, probe, found[target])
        for ordering in ORDERINGS
        for target in (*get_args(Target), ordering.where.lower())
        for probe in PROBES
    ]
    for table in tables(rows):
        table.print()
    write_result(options.results / "against_seat.json", rows, {})


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "against_seat.py"))
