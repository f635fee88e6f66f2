"""A budget for drift inside training: does what copies drift tell how unknown people will be answered?

    python -m analyses.organism.drift            (resumable in --work; after organism_tuning.py)

Everything is trained, with SEAT's KL, whose weight follows the displacement of perturbed copies along a direction so
that it stays within a limit. The direction is fitted on such copies and on the base's own confident answers: no unknown
prompt is looked at. Without a limit the weight stays where all runs begin. The rank correlation of the copies'
drift at the end with abstention on unknown prompts is over all runs; its interval draws whole limits. Beside it stand
drift along random directions and the KL itself. Writes analyses/results/organism_drift.json, a table.
"""

import itertools
import sys
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
import tyro

from analyses.common.mask_schemes import kept_facts
from analyses.common.organism_arms import Target, config_for, tuned
from analyses.common.small_runs import CellOptions, run_cells
from analyses.plots.organism_tables import drift_tables
from seat_interp.core.errors import reported
from seat_interp.directions.direction import fit_direction
from seat_interp.directions.steering import random_like
from seat_interp.evaluation.knowledge import confident
from seat_interp.evaluation.score import ask
from seat_interp.facts import FactSets, ep_prompts
from seat_interp.models.open import LanguageModel, open_model
from seat_interp.organism.study import organism_facts
from seat_interp.studies.measure import rates_of
from seat_interp.training.drift_budget import DriftBudget, Watch
from seat_interp.training.trainer import train

WEIGHT = 0.05
"""Of the KL at the start: too little to keep abstention by itself."""
CONTROLS = 20
"""Random directions."""


@dataclass(frozen=True)
class Options(CellOptions):
    """What to run and where."""

    targets: tuple[Target, ...] = ("people", "contracts")
    """What is taught."""
    limits: tuple[float | None, ...] = (0.05, 0.1, 0.2, 0.4, 0.8, None)
    """Gaps; None is no limit."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Of the copies and the order of the facts."""
    work: Path = Path("runs/organism_drift")
    """What is kept between calls."""


@dataclass(frozen=True)
class Limited:
    """One training within one limit."""

    target: Target
    limit: float | None
    seed: int

    @property
    def arm(self) -> str:
        """The limit in words."""
        return "no limit" if self.limit is None else f"at most {self.limit:g}"


@cache
def start(target: Target) -> tuple[LanguageModel, FactSets, DriftBudget, list[Watch]]:
    """The organism, its facts, a budget along a direction that saw no probe, and what looks at copies at the end.

    The first looks along the direction, the others along random ones: they are the null.
    """
    torch.set_num_threads(1)
    lm, sets = open_model("organism"), organism_facts(target)
    copies = ep_prompts(sets.target, names=sets.names())
    direction = fit_direction(lm, unknown=copies, known=confident(lm, kept_facts(target), batch_size=64))
    budget = DriftBudget(direction, most=400.0)
    # Copies that no run's budget has watched.
    along = [direction, *(random_like(direction, seed) for seed in range(CONTROLS))]
    return lm, sets, budget, [replace(budget, direction=d).watch(lm, sets.target, sets.names(), 500_000) for d in along]


def run(cell: Limited) -> dict[str, Any]:
    """Train within the limit, look at the copies, ask everything."""
    lm, sets, budget, (watch, *random) = start(cell.target)
    arm = tuned("full_ep_kl", config_for(cell.target).settings, cell.seed)
    objective = tuple(replace(term, weight=WEIGHT) if term.name == "ep_kl" else term for term in arm.objective)  # type: ignore[type-var]
    limited = replace(budget, limit=cell.limit) if cell.limit is not None else None
    config = replace(arm.config, callback_every=0)
    how = {"objective": objective, "config": config, "names": sets.names(), "drift_budget": limited}
    found = train(lm, sets.target, **how)  # type: ignore[arg-type]
    probes = sets.abstention_sets()
    asked = {"target": sets.target, "known": sets.known, **probes}
    replies = ask(found.model, asked, max_new_tokens=24, batch_size=256, progress=False)
    course = [[row["step"], row["drift"], row["factor"]] for row in found.log if "drift" in row]
    drift = {"drift": watch(found.model), "random_drift": [look(found.model) for look in random]}
    return {**rates_of(replies, list(probes)), **drift, "kl_at_end": found.log[-1]["ep_kl"], "course": course}


def main(options: Options) -> None:
    """Every run that is not there yet, then what drift tells."""
    settings = {"weight": WEIGHT, "model": open_model("organism").fingerprint}
    settings |= {"arm": tuned("full_ep_kl", config_for("people").settings, 0).to_json()}
    budget = {name: value for name, value in asdict(start(options.targets[0])[2]).items() if name != "direction"}
    every = itertools.product(options.seeds, options.limits, options.targets)
    wanted = [Limited(target, limit, seed) for seed, limit, target in every]
    saved = options.results / "organism_drift.json"
    how = {"settings": settings | {"budget": budget}, "work": options.work, "saved": saved, "workers": options.workers}
    rows = list(run_cells(wanted, run, **how).values())  # type: ignore[arg-type]
    for table in drift_tables(rows):
        table.print()


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "organism_drift.py"))
