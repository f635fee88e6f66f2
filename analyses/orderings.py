"""Do the orders of SEAT's paper hold here? Each pair of arms whose numbers are known, against ours, agree or disagree.

    python analyses/orderings.py            (seconds; after organism_arms.py)

The paper's numbers are shares of abstention judged by people (2506.14387 v3, Llama 3 8B; TOFU in Table 2, PISTOL in
Table 3b), as third parties' notes give them; ours are shares by phrase on unknown prompts. So orders are compared, not
numbers. Two arms are in order if their intervals are apart. Writes analyses/results/orderings.json.
"""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import tyro
from organism_study import Target

from seat_interp.arms import ArmName
from seat_interp.errors import SeatError, reported
from seat_interp.files import read_json, write_json
from seat_interp.results.aggregate import Estimate, aggregate
from seat_interp.results.environment import environment
from seat_interp.results.style import arm_name
from seat_interp.results.table import Table
from seat_interp.results.tables import with_interval


@dataclass(frozen=True)
class Ordering:
    """One arm keeps more abstention than another in the paper."""

    more: ArmName
    less: ArmName
    paper: tuple[float, float]
    where: str


ORDERINGS = (
    Ordering("seat", "full", (0.977, 0.0), "TOFU"),
    Ordering("seat", "replay", (0.977, 0.487), "TOFU"),
    Ordering("replay", "lora", (0.487, 0.127), "TOFU"),
    Ordering("lora", "ewc", (0.127, 0.068), "TOFU"),
    Ordering("ewc", "full", (0.068, 0.0), "TOFU"),
    Ordering("seat", "sparse", (0.954, 0.806), "PISTOL"),
    Ordering("sparse", "full_ep_kl", (0.806, 0.63), "PISTOL"),
    Ordering("full_ep_kl", "full", (0.63, 0.0), "PISTOL"),
)


@dataclass(frozen=True)
class Options:
    """Where results are read and written."""

    results: Path = Path("analyses/results")
    """A folder."""


def verdict(more: Estimate, less: Estimate) -> str:
    """`agree` or `disagree` where intervals are apart, else `undecided`."""
    if more.overlaps(less):
        return "undecided"
    return "agree" if more.mean > less.mean else "disagree"


def compare(ordering: Ordering, target: Target, summary: dict[str, Any]) -> dict[str, Any]:
    """A row: the paper's pair, ours, and whether the order is the same.

    Args:
        ordering: the paper's.
        target: what was taught.
        summary: of organism_arms.py.

    Raises:
        SeatError: an arm is not in the summary.
    """
    arms = {arm.arm: arm for arm in aggregate(summary)}
    if missing := {ordering.more, ordering.less} - set(arms):
        raise SeatError(f"There are no runs of {', '.join(sorted(missing))}. Make them with organism_arms.py.")
    more, less = (arms[name].abstention["unknown"] for name in (ordering.more, ordering.less))
    learnt = [arms[name].target_recall.mean for name in (ordering.more, ordering.less)]
    ours = [asdict(more), asdict(less)]
    return asdict(ordering) | {"target": target, "ours": ours, "learnt": learnt, "verdict": verdict(more, less)}


def tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """The paper's numbers beside ours."""
    heads = ("more against less", "paper", "targets", "ours", "target recall", "order")
    lines = [
        (
            f"{arm_name(row['more'])} against {arm_name(row['less'])}",
            f"{row['paper'][0]:.3f} / {row['paper'][1]:.3f}, {row['where']}",
            row["target"],
            " / ".join(with_interval(Estimate(**each)) for each in row["ours"]),
            " / ".join(f"{value:.2f}" for value in row["learnt"]),
            row["verdict"],
        )
        for row in rows
    ]
    caption = "Abstention on unknown prompts: SEAT's paper (judged by people, as notes on it give) and the organism."
    return [Table.of(heads, lines, caption)]


def main(options: Options) -> None:
    """Every pair with every target set."""
    found = {target: read_json(options.results / f"organism_arms_{target}.json") for target in get_args(Target)}
    rows = [compare(ordering, target, summary) for ordering in ORDERINGS for target, summary in found.items()]
    for table in tables(rows):
        table.print()
    saved = {"rows": rows, "config": {}, "environment": environment(), "command": "python analyses/orderings.py"}
    write_json(options.results / "orderings.json", saved)


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "orderings.py"))
