"""Five rounds of new facts one after another on the organism: do abstention, the direction and earlier facts hold?

    python -m analyses.organism.rounds            (resumable in --work)

The people or contracts to be taught are shared out over the rounds. Each round starts from the model that the last one
left, which is also the frozen reference of its KL; masked arms draw a new mask each round. Displacement is measured
against the first base, along its direction. Writes analyses/results/organism_rounds.json; `make figures` draws from it.
"""

import itertools
import sys
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, get_args

import torch
import tyro

from analyses.common.organism_arms import TRAINING, TUNED, Target, config_for, tuned_settings
from analyses.common.small_runs import CellOptions, run_cells
from analyses.common.tuning_grid import TRAININGS, chosen
from analyses.plots.organism_tables import rounds_tables
from seat_interp.core.errors import reported, require_within
from seat_interp.directions.direction import fit_direction
from seat_interp.evaluation.score import ask, rates
from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel, open_model
from seat_interp.organism.study import organism_facts
from seat_interp.studies.arms import ArmName, make_arm, train_arm
from seat_interp.studies.measure import Baseline, baseline, rates_of


@dataclass(frozen=True)
class Options(CellOptions):
    """What to run and where."""

    targets: tuple[Target, ...] = ("people", "contracts")
    """What is taught."""
    arms: tuple[ArmName, ...] = ("full", "sparse", "full_ep_kl", "tether", "seat", "seat_selfdistill")
    """Ways of fine-tuning."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """One chain of rounds of each arm for each."""
    rounds: int = 5
    """How many."""
    work: Path = Path("runs/organism_rounds")
    """What is kept between calls."""

    def __post_init__(self) -> None:
        require_within(self, "rounds", 1)


@dataclass(frozen=True)
class Chain:
    """All rounds of one arm with one seed."""

    arm: ArmName
    target: Target
    seed: int


@cache
def start(target: Target) -> Baseline:
    """What every chain begins with and is measured against, once in a process."""
    torch.set_num_threads(1)
    lm, sets = open_model("organism"), organism_facts(target)
    direction = fit_direction(
        lm, unknown=sets.fit_unknown, known=sets.fit_known, positions=config_for(target).positions
    )
    return baseline(lm, sets, direction, set_names=("unknown", "known"))


def shares(facts: list[Fact], rounds: int) -> list[list[Fact]]:
    """The facts of each round: whole subjects, in turn."""
    subjects = list(dict.fromkeys(fact.subject for fact in facts))
    place = {subject: index % rounds for index, subject in enumerate(subjects)}
    return [[fact for fact in facts if place[fact.subject] == number] for number in range(rounds)]


def run(rounds: int, chain: Chain) -> dict[str, Any]:
    """One chain: a list of rates and displacements, one entry a round."""
    base = start(chain.target)
    taught, lm, found = shares(base.sets.target, rounds), base.lm, []
    settings = tuned_settings(chain.arm, config_for(chain.target).settings)
    # All rounds together are as long as one training: each fact is seen as often as when all are taught at once.
    whole = {name: getattr(settings, name) for name in TRAININGS}
    short = {
        name: replace(config, steps=max(1, config.steps // rounds), callback_every=0) for name, config in whole.items()
    }
    settings = replace(settings, **short)
    for number, facts in enumerate(taught):
        arm = make_arm(chain.arm, settings, 1000 * number + chain.seed)
        lm = train_arm(lm, facts, arm, names=base.sets.names()).model
        found.append(measured(base, lm, taught[: number + 1]))
    return {"rounds": found}


def measured(base: Baseline, lm: LanguageModel, taught: list[list[Fact]]) -> dict[str, Any]:
    """The rates after a round, of the facts of this and of earlier ones, and the displacement so far."""
    probes = base.sets.abstention_sets()
    earlier = [fact for facts in taught[:-1] for fact in facts]
    found = ask(lm, {"target": taught[-1], "known": base.sets.known, **probes, "earlier": earlier})
    again = found.pop("earlier")
    moved, layer = base.displaced(base.capture(lm)), base.direction.layer
    return {
        **rates_of(found, list(probes)),
        "earlier_recall": rates(again).correct if again else None,
        "displacement": moved.summary(),
        "linear_probe_auroc": moved.linear_probe_auroc[layer],
        "refit_angle": moved.angle()[layer],
    }


def main(options: Options) -> None:
    """Every chain that is not there yet, then the table."""
    settings = {"rounds": options.rounds, "steps": TRAINING.steps, "model": open_model("organism").fingerprint}
    settings |= {f"arms, {target}": asdict(config_for(target).settings) for target in get_args(Target)}
    settings |= {"tuned": chosen(TUNED)}
    every = itertools.product(options.seeds, options.targets, options.arms)
    wanted = [Chain(arm, target, seed) for seed, target, arm in every]
    saved = options.results / "organism_rounds.json"
    how = {"settings": settings, "work": options.work, "saved": saved, "workers": options.workers}
    rows = run_cells(wanted, partial(run, options.rounds), **how)
    for table in rounds_tables([rows[chain] for chain in wanted]):
        table.print()


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "organism_rounds.py"))
