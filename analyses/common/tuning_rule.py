"""Trials on a validation half: what settings are chosen by, one rule for all that is tuned.

No probe of a study is looked at: what validates is apart. On the organism one half of the sets that the direction is
fitted on validates, the other serves the arms that look back. Best is, of the trials that learn at least `LEAST_RECALL`
of the targets, in every target set tried, the one that keeps most: the mean of abstention on unknown and recall of
known subjects, over the target sets tried. Where none learns as much, the one that learns most.
"""

from collections.abc import Callable, Sequence
from typing import Any

from seat_interp.evaluation.score import ask, rates
from seat_interp.facts import FactSets
from seat_interp.models.open import LanguageModel
from seat_interp.results.table import Table
from seat_interp.studies.arms import Arm, train_arm

SEED = 100
"""Of validation; no study has it."""
LEAST_RECALL = 0.98
"""Of the targets, by what may be chosen."""


def validated(
    arm: Arm, lm: LanguageModel, sets: FactSets, half: FactSets, *, max_new_tokens: int = 24
) -> dict[str, Any]:
    """Train, and ask the targets and the half that validates.

    Args:
        arm: what to try.
        lm: the base.
        sets: of the study; its probes are not asked.
        half: what validates, as known and unknown.
        max_new_tokens: of each reply.
    """
    tuned = train_arm(lm, sets.target, arm, names=sets.names())
    asked = {"target": sets.target, "known": half.known, "unknown": half.unknown}
    found = ask(tuned.model, asked, max_new_tokens=max_new_tokens, batch_size=256, progress=False)
    rate = {name: rates(each) for name, each in found.items()}
    return {
        "target_recall": rate["target"].correct,
        "known_recall": rate["known"].correct,
        "over_abstention": rate["known"].abstain,
        "abstention": rate["unknown"].abstain,
        "seconds": round(tuned.seconds, 2),
    }


def choose(rows: Sequence[dict[str, Any]], varied: Sequence[str] = ("rate", "strength")) -> dict[str, Any]:
    """The best trial of what is tuned, by the rule that stands on top.

    Args:
        rows: its trials, on both target sets.
        varied: what they differ in.
    """
    trials: dict[tuple[float, ...], list[dict[str, Any]]] = {}
    for row in rows:
        trials.setdefault(tuple(row[name] for name in varied), []).append(row)

    def merit(found: list[dict[str, Any]]) -> tuple[float, float]:
        learnt = min(LEAST_RECALL, *(row["target_recall"] for row in found))
        return learnt, sum(row["abstention"] + row["known_recall"] for row in found) / (2 * len(found))

    best = max(trials, key=lambda trial: merit(trials[trial]))
    learnt, kept = merit(trials[best])
    edges = []
    for name, value, tried in zip(varied, best, map(set, zip(*trials))):
        ends = {min(tried): "lowest", max(tried): "highest"}
        if len(tried) > 1 and value in ends:
            edges.append(f"{name}: {ends[value]}")
    return {**dict(zip(varied, best)), "learnt": learnt >= LEAST_RECALL, "kept": kept, "edges": edges}


def trials_table(
    rows: Sequence[dict[str, Any]],
    tuned: str,
    said: Callable[[Any], str],
    varied: Sequence[str] = ("rate", "strength"),
) -> Table:
    """Every trial; what was chosen has a sign, and the edges of what was tried where it lies on one.

    Args:
        rows: all trials.
        tuned: the key of what is tuned.
        said: its value in words.
        varied: what the trials of one differ in.
    """
    heads = (tuned, *varied, "targets", "target recall", "abstention", "known recall", "over-abstention", "edge")
    lines = []
    for each in dict.fromkeys(row[tuned] for row in rows):
        same = [row for row in rows if row[tuned] == each]
        best = choose(same, varied)
        for row in same:
            chosen = all(row[name] == best[name] for name in varied)
            star = "" if not chosen else " *" if best["learnt"] else " -"
            kept = (row[key] for key in ("target_recall", "abstention", "known_recall", "over_abstention"))
            about = (said(each) + star, *(f"{row[name]:g}" for name in varied), row["target"])
            lines.append((*about, *(f"{value:.2f}" for value in kept), ", ".join(best["edges"]) if chosen else ""))
    caption = "Trials on the validation half, one seed; * chosen, - chosen though it learns too little."
    return Table.of(heads, lines, caption)
