"""Unknown and known subjects in paraphrases that no training used: does abstention hang on how one asks?

    python -m analyses.organism.paraphrases            (resumable in --work; reads the models of organism.arms)

Beside the evaluation sets of organism/arms.py. Writes analyses/results/organism_paraphrases.json, a table.
"""

import itertools
import random
import sys
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import tyro

from analyses.common.organism_arms import Target, every_arm
from analyses.common.saved_models import Tuned, TunedOptions, folder_of, run_of
from analyses.common.small_runs import run_cells
from analyses.plots.organism_tables import paraphrases_tables
from seat_interp.core.errors import reported
from seat_interp.evaluation.intervals import interval_of_share
from seat_interp.evaluation.score import ask, rates
from seat_interp.facts import Fact
from seat_interp.models.open import open_model
from seat_interp.organism.study import organism_facts
from seat_interp.organism.world import build_world

ASKED = 200
"""Known facts."""


@dataclass(frozen=True)
class Options(TunedOptions):
    """What to ask, and where things are."""

    work: Path = Path("runs/organism_paraphrases")
    """What is kept between calls."""


@cache
def probes(target: Target) -> dict[str, list[Fact]]:
    """Unknown subjects, and the known ones that organism_arms.py probes."""
    world = build_world()
    circles = world.people if target == "people" else world.contracts
    probed = {fact.subject for fact in organism_facts(target).known}
    known = [fact for fact in circles["known"].facts(held_out=True) if fact.subject in probed]
    some = random.Random(0).sample(known, min(ASKED, len(known)))
    return {"unknown": circles["unknown"].probes(seed=2, held_out=True), "known": some}


def run(runs: Path, tuned: Tuned) -> dict[str, Any]:
    """Ask one model."""
    folder = folder_of(runs / tuned.target)
    lm = open_model("organism" if tuned.arm == "base" else run_of(folder, tuned.arm, tuned.seed).path / "model")
    found = ask(lm, probes(tuned.target), max_new_tokens=24, batch_size=256, progress=False)
    unknown, known = (rates(found[name]) for name in ("unknown", "known"))
    shares = {"abstention": (unknown, unknown.abstain), "entity_naming": (unknown, unknown.entity_naming)}
    shares |= {"known_recall": (known, known.correct), "over_abstention": (known, known.abstain)}
    bounds = {name: list(interval_of_share(share, of.n)) for name, (of, share) in shares.items()}
    return {name: share for name, (_, share) in shares.items()} | {"intervals": bounds}


def main(options: Options) -> None:
    """Every model that has not been asked yet."""
    wanted = [Tuned("base", target, 0) for target in options.targets]
    wanted += [
        Tuned(arm, target, seed)
        for target, seed in itertools.product(options.targets, options.seeds)
        for arm in every_arm(target)
    ]
    settings = {"model": open_model("organism").fingerprint, "asked": ASKED}
    saved = options.results / "organism_paraphrases.json"
    how = {"settings": settings, "work": options.work, "saved": saved, "workers": options.workers}
    rows = run_cells(wanted, partial(run, options.runs), **how)  # type: ignore[arg-type]
    for table in paraphrases_tables(list(rows.values())):
        table.print()


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "organism_paraphrases.py"))
