"""Rates and strengths of every arm on the organism: five trials each, one rule, one validation seed.

    python analyses/organism_tuning.py            (resumable in --work; before the other studies of the organism)

No probe of a study is looked at: of the sets that the direction is fitted on, one half serves the arms that look back,
the other validates. Every rate is tried with the middle strength, then the best rate with the other strengths. Best is,
of the trials that learn at least 0.98 of the targets, people and contracts both, the one that keeps most: the mean of
abstention on unknown and recall of known subjects, over both target sets. Where none learns as much, the one that
learns most. Writes analyses/results/organism_tuning.json, where the other studies find it.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args

import torch
import tyro
from arm_grid import GRIDS
from cells import CellOptions, run_cells
from organism_study import TUNED, Target, study_settings

from seat_interp.arms import Arm, ArmConfig, ArmName, make_arm, train_arm
from seat_interp.direction import split_by_group
from seat_interp.errors import reported
from seat_interp.evaluation.ask import ask
from seat_interp.evaluation.score import rates
from seat_interp.facts import FactSets
from seat_interp.files import read_json, write_json
from seat_interp.models.open import LanguageModel, open_model
from seat_interp.organism import organism_facts
from seat_interp.results.style import arm_name
from seat_interp.results.table import Table

SEED = 100
"""Of validation; no study has it."""
LEARNT = 0.98
"""Least target recall of what may be chosen."""


@dataclass(frozen=True)
class Options(CellOptions):
    """What to try, and where things are."""

    arms: tuple[ArmName, ...] = get_args(ArmName)
    """Ways of fine-tuning."""
    work: Path = Path("runs/organism_tuning")
    """What is kept between calls."""


@dataclass(frozen=True)
class Trial:
    """One arm with one rate and one strength, on one target set."""

    arm: ArmName
    target: Target
    rate: float
    strength: float


@cache
def material(target: Target) -> tuple[LanguageModel, FactSets, FactSets]:
    """The organism, its facts, and the halves to look back on and to validate with; once in a process."""
    torch.set_num_threads(1)
    sets = organism_facts(target)
    (known, known_back), (unknown, unknown_back) = (
        split_by_group(facts, 0.5, SEED) for facts in (sets.fit_known, sets.fit_unknown)
    )
    halves = FactSets(known=known, unknown=unknown, fit_known=known_back, fit_unknown=unknown_back)
    return open_model("organism"), sets, halves


def run(trial: Trial) -> dict[str, Any]:
    """Train as the trial says, and validate."""
    settings = GRIDS[trial.arm].settings(trial_settings(trial.target), trial.rate, trial.strength)
    return validated(make_arm(trial.arm, settings, SEED), trial.target)


def trial_settings(target: Target) -> ArmConfig:
    """Those of all arms, whose questions are of the half that does not validate."""
    halves = material(target)[2]
    return study_settings(halves.fit_known).with_questions(halves.fit_known, halves.fit_unknown)


def validated(arm: Arm, target: Target) -> dict[str, Any]:
    """Train, and ask the targets and the half that validates."""
    lm, sets, halves = material(target)
    tuned = train_arm(lm, sets.target, arm, names=sets.names())
    asked = {"target": sets.target, "known": halves.known, "unknown": halves.unknown}
    found = ask(tuned.model, asked, max_new_tokens=24, batch_size=256, progress=False)
    rate = {name: rates(each) for name, each in found.items()}
    return {
        "target_recall": rate["target"].correct,
        "known_recall": rate["known"].correct,
        "over_abstention": rate["known"].abstain,
        "abstention": rate["unknown"].abstain,
        "seconds": round(tuned.seconds, 2),
    }


def choose(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The best trial of an arm, by the rule that stands on top.

    Args:
        rows: of one arm, both target sets.
    """
    trials: dict[tuple[float, float], list[dict[str, Any]]] = {}
    for row in rows:
        trials.setdefault((row["rate"], row["strength"]), []).append(row)

    def merit(found: list[dict[str, Any]]) -> tuple[float, float]:
        learnt = min(LEARNT, *(row["target_recall"] for row in found))
        return learnt, sum(row["abstention"] + row["known_recall"] for row in found) / (2 * len(found))

    rate, strength = max(trials, key=lambda trial: merit(trials[trial]))
    learnt, kept = merit(trials[rate, strength])
    tried = {"rate": {pair[0] for pair in trials}, "strength": {pair[1] for pair in trials}}
    at = (("rate", rate), ("strength", strength))
    ends = {name: {min(tried[name]): "lowest", max(tried[name]): "highest"} for name, _ in at}
    edges = [f"{name}: {ends[name][value]}" for name, value in at if len(tried[name]) > 1 and value in ends[name]]
    return {"rate": rate, "strength": strength, "learnt": learnt >= LEARNT, "kept": kept, "edges": edges}


def in_grid(row: dict[str, Any]) -> bool:
    """Whether a trial is of the grid as it is now: one of an earlier grid would be one more than the others have."""
    grid = GRIDS[row["arm"]]
    return row["rate"] in grid.rates and row["strength"] in grid.strengths


def tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """Every trial; * where it was chosen."""
    heads = ("arm", "rate", "strength", "targets", "target recall", "abstention", "known recall", "over-abstention", "")
    lines = []
    for arm in dict.fromkeys(row["arm"] for row in rows):
        same = [row for row in rows if row["arm"] == arm]
        best = choose(same)
        for row in same:
            chosen = (row["rate"], row["strength"]) == (best["rate"], best["strength"])
            star = "" if not chosen else " *" if best["learnt"] else " -"
            kept = (row[key] for key in ("target_recall", "abstention", "known_recall", "over_abstention"))
            about = (arm_name(arm) + star, f"{row['rate']:g}", f"{row['strength']:g}", row["target"])
            edge = f"edge: {', '.join(best['edges'])}" if chosen and best["edges"] else ""
            lines.append((*about, *(f"{value:.2f}" for value in kept), edge))
    caption = "Trials on the validation half, one seed; * chosen, - chosen though it learns too little."
    return [Table.of(heads, lines, caption)]


def main(options: Options) -> None:
    """Every trial that is not there yet, then the choice, of these arms and of all that were tuned before."""
    settings = {
        "settings": asdict(study_settings([])),
        "seed": SEED,
        "learnt": LEARNT,
        "model": open_model("organism").fingerprint,
    }
    saved = options.results / TUNED.name
    how = {"settings": settings, "work": options.work, "saved": saved, "workers": options.workers}

    def best(of: Callable[[ArmName], Sequence[tuple[float, float]]]) -> dict[ArmName, dict[str, Any]]:
        """Every arm's choice once these rates and strengths have been tried."""
        wanted = [Trial(arm, target, *pair) for arm in options.arms for pair in of(arm) for target in get_args(Target)]
        rows = [row for row in run_cells(wanted, run, **how).values() if in_grid(row)]
        tried = dict.fromkeys(row["arm"] for row in rows)
        found = {arm: choose([row for row in rows if row["arm"] == arm]) for arm in tried}
        write_json(saved, read_json(saved) | {"chosen": found})
        return found

    first = best(lambda arm: [(rate, GRIDS[arm].strengths[1]) for rate in GRIDS[arm].rates])
    best(lambda arm: [(first[arm]["rate"], strength) for strength in GRIDS[arm].strengths])
    rows = read_json(saved)["rows"]
    for table in tables(rows):
        table.print()


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "organism_tuning.py"))
