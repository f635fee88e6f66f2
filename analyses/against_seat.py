"""Do the orders of SEAT's paper hold here? Every pair of arms whose numbers are known, against ours: agree or disagree.

    python analyses/against_seat.py            (seconds; after organism_arms.py)

The paper's numbers are shares of abstention judged by people (2506.14387 v3, Llama 3 8B; TOFU in Table 2, PISTOL in
Table 3b), as third parties' notes give them, most likely on its unverifiable questions; ours are shares by phrase, on
unverifiable and on unknown prompts. So orders are compared, not numbers. Two arms are in order if their intervals are
apart and both have learnt what was taught. Our masks are of whole neurons, the paper's of single weights.
Writes analyses/results/against_seat.json.
"""

import itertools
import sys
from collections.abc import Sequence
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


def compare(ordering: Ordering, target: Target, probe: str, summary: dict[str, Any]) -> dict[str, Any]:
    """A row: the paper's pair, ours, and whether the order is the same.

    Args:
        ordering: the paper's.
        target: what was taught.
        probe: on which prompts.
        summary: of organism_arms.py.

    Raises:
        SeatError: an arm is not in the summary.
    """
    arms = {arm.arm: arm for arm in aggregate(summary)}
    if missing := {ordering.more, ordering.less} - set(arms):
        raise SeatError(f"There are no runs of {', '.join(sorted(missing))}. Make them with organism_arms.py.")
    more, less = (arms[name].abstention[probe] for name in (ordering.more, ordering.less))
    learnt = [arms[name].target_recall.mean for name in (ordering.more, ordering.less)]
    ours = [asdict(more), asdict(less)]
    about = {"target": target, "probe": probe, "ours": ours, "learnt": learnt}
    return asdict(ordering) | about | {"verdict": verdict(more, less, learnt)}


SIGNS = {"agree": "=", "undecided": "?", "disagree": "x"}


def tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """A row for each pair of arms: the paper's numbers, then ours for each target set and kind of prompts."""
    places = list(dict.fromkeys((row["target"], row["probe"]) for row in rows))
    pairs = list(dict.fromkeys((row["where"], row["more"], row["less"]) for row in rows))
    lines = []
    for where, more, less in pairs:
        same = [row for row in rows if (row["where"], row["more"], row["less"]) == (where, more, less)]
        at = {(row["target"], row["probe"]): row for row in same}
        cells = [
            " / ".join(f"{each['mean']:.2f}" for each in at[place]["ours"]) + f" {SIGNS[at[place]['verdict']]}"
            for place in places
        ]
        paper = " / ".join(f"{value:.2f}" for value in same[0]["paper"])
        lines.append((f"{arm_name(more)} > {arm_name(less)}", f"{paper}, {where}", *cells))
    learnt = {
        arm: min(row["learnt"][place] for row in rows for place in (0, 1) if row[("more", "less")[place]] == arm)
        for arm in dict.fromkeys(row[key] for row in rows for key in ("more", "less"))
    }
    little = ", ".join(f"{arm_name(arm)} {recall:.2f}" for arm, recall in learnt.items() if recall < LEARNT)
    # A pair that the paper has on both of its sets counts once.
    once = {(row["more"], row["less"], row["target"], row["probe"]): row["verdict"] for row in rows}.values()
    counts = ", ".join(f"{sum(found == name for found in once)} {name} ({sign})" for name, sign in SIGNS.items())
    caption = f"Abstention in SEAT's paper (judged by people, as notes on it give) and on the organism: {counts}."
    caption += " A pair that the paper has twice counts once."
    caption += f" Undecided in any case where too little was learnt: {little}." if little else ""
    heads = ("order in the paper", "paper", *(f"{target}, {probe}" for target, probe in places))
    return [Table.of(heads, lines, caption)]


def main(options: Options) -> None:
    """Every pair with every target set."""
    found = {target: read_json(options.results / f"organism_arms_{target}.json") for target in get_args(Target)}
    rows = [
        compare(ordering, target, probe, summary)
        for ordering in ORDERINGS
        for target, summary in found.items()
        for probe in PROBES
    ]
    for table in tables(rows):
        table.print()
    write_result(options.results / "against_seat.json", rows, {})


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "against_seat.py"))
