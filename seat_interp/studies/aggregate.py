"""From rows to arms: the mean over seeds of every figure, with its interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seat_interp.evaluation.intervals import Estimate, estimate, mean_of_sets


@dataclass(frozen=True)
class DisplacementEstimate:
    """Displacement of one evaluation set, in units of the base's unknown-known separation.

    Attributes:
        along: mean over prompts along the ignorance direction.
        orthogonal: mean length of the rest of the shift.
        null: 2.5 % and 97.5 % points of each kind of null; over seeds the outermost.
        beyond_null: whether every seed's mean lies outside that seed's own band of every kind.
    """

    along: Estimate
    orthogonal: float
    null: dict[str, tuple[float, float]]
    beyond_null: bool

    @property
    def widest(self) -> str:
        """The kind of null that reaches furthest to the side that the prompts moved to."""
        side = 1 if self.along.mean > 0 else 0
        return max(self.null, key=lambda kind: abs(self.null[kind][side]))


@dataclass(frozen=True)
class ArmRates:
    """One line of a results table. Rates are from 0 to 1.

    Attributes:
        arm: Name of the arm.
        seeds: Number of seeds that it ran with.
        target_recall: Target recall with its interval.
        paraphrase_recall: Recall of target facts in paraphrases that were not trained; None where none were asked.
        known_recall: Known recall with its interval.
        over_abstention: Abstention on known facts with its interval.
        abstention: Abstention with its interval by evaluation set.
        displacement: Displacement by evaluation set, at the direction's layer; none where activations were not
            captured.
        seconds: Mean duration of a run in seconds; 0 where it was not recorded.
    """

    arm: str
    seeds: int
    target_recall: Estimate
    paraphrase_recall: Estimate | None
    known_recall: Estimate
    over_abstention: Estimate
    abstention: dict[str, Estimate]
    displacement: dict[str, DisplacementEstimate]
    seconds: float


def four_rates(rows: Sequence[Mapping[str, Any]]) -> dict[str, Estimate]:
    """Estimate the rates of runs that differ by their seed alone; `abstention` is the mean over the evaluation sets.

    Args:
        rows: Rows of a result file, with intervals over prompts.

    Returns:
        Estimates by rate.
    """
    keys = ("target_recall", "known_recall", "over_abstention")
    estimates = {
        key: estimate([r[key] for r in rows], [r["intervals"][key] for r in rows], bounds=(0.0, 1.0)) for key in keys
    }
    kept = [list(row["abstention"].values()) for row in rows]
    over = [mean_of_sets(shares, list(row["intervals"]["abstention"].values())) for shares, row in zip(kept, rows)]
    return estimates | {"abstention": estimate([float(np.mean(shares)) for shares in kept], over, bounds=(0.0, 1.0))}


def combine_displacement(summaries: Sequence[Mapping[str, Any]]) -> DisplacementEstimate:
    """Combine the displacement of one set over seeds.

    Args:
        summaries: Summaries of the set, as `summary.json` or `displacement.json` holds them.

    Returns:
        Mean displacement in separations, with its interval and the null bands.
    """
    means = [summary["mean"] for summary in summaries]
    null = {
        kind: (
            min(float(summary["null"][kind][0]) for summary in summaries),
            max(float(summary["null"][kind][1]) for summary in summaries),
        )
        for kind in summaries[0]["null"]
    }
    return DisplacementEstimate(
        along=estimate(means, [summary["interval"] for summary in summaries], prompts_kind="bootstrap"),
        orthogonal=float(np.mean([summary["orthogonal"] for summary in summaries])),
        null=null,
        beyond_null=all(
            not low <= summary["mean"] <= high for summary in summaries for low, high in summary["null"].values()
        ),
    )


def aggregate(summary: Mapping[str, Any]) -> list[ArmRates]:
    """Aggregate a study's rows over seeds.

    Args:
        summary: Content of `summary.json`, or of a result file of the same shape.

    Returns:
        One line for each arm, in the order of the summary, the base first.
    """
    rows = sorted(summary["rows"], key=lambda row: row["arm"] != "base")
    by_arm: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_arm.setdefault(row["arm"], []).append(row)
    return [_arm(name, rows) for name, rows in by_arm.items()]


def _arm(name: str, rows: Sequence[Mapping[str, Any]]) -> ArmRates:
    over_prompts = [row["intervals"] for row in rows if "intervals" in row]  # other studies' rows may do without

    def rate(key: str) -> Estimate:
        return estimate([row[key] for row in rows], [intervals[key] for intervals in over_prompts], bounds=(0.0, 1.0))

    def abstention(set_name: str) -> Estimate:
        return estimate(
            [row["abstention"][set_name] for row in rows],
            [intervals["abstention"][set_name] for intervals in over_prompts],
            bounds=(0.0, 1.0),
        )

    return ArmRates(
        arm=name,
        seeds=len(rows),
        target_recall=rate("target_recall"),
        paraphrase_recall=rate("paraphrase_recall") if rows[0].get("paraphrase_recall") is not None else None,
        known_recall=rate("known_recall"),
        over_abstention=rate("over_abstention"),
        abstention={set_name: abstention(set_name) for set_name in rows[0]["abstention"]},
        displacement={
            set_name: combine_displacement([row["displacement"][set_name] for row in rows])
            for set_name in rows[0].get("displacement", ())
        },
        seconds=float(np.mean([row.get("seconds", 0.0) for row in rows])),
    )
