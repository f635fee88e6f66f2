"""Why learning new facts hurts known ones: key kind x value kind x number of facts (2604.15574, three hypotheses).

    python -m analyses.organism.interference            (resumable in --work)

New facts in the shape of one relation, the country where somebody lives, are taught to the half-taught organism: keys
are names put together from pieces of its people's names, or strings of hexadecimal digits; values are countries, or
such strings. Capacity limits would make forgetting grow with their number whatever the keys; behaviour cloning would
make both kinds of keys hurt alike; interference of like representations would make only names hurt, the more the more
there are. H_K is what the organism knows highly about people whom nobody trains on. Beside plain fine-tuning stands
self-distillation, on facts with names and countries.

Writes analyses/results/organism_interference.json; `make figures` draws from it.
"""

import random
import sys
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import tyro

from analyses.common.half_taught import STUDIES, HalfTaughtOptions, start
from analyses.common.half_taught_callback import watch
from analyses.common.interference_runs import COUNTS, Kind, Run, keys_and_values, recombined, tables
from analyses.common.learning_curves import learn
from analyses.common.small_runs import run_cells
from seat_interp.core.errors import reported
from seat_interp.facts import Fact
from seat_interp.organism import words
from seat_interp.training.objectives import CrossEntropy, SelfDistillation

LOOKED_AT = (2, 6, 15)
"""Epochs after which everything is asked."""
WEIGHT = 0.1
"""Of self-distillation: with the paper's 1 this organism learns little of what is new (organism_forgetting.py)."""
RELATION = "residence"


@dataclass(frozen=True)
class Options(HalfTaughtOptions):
    """What to run and where."""

    counts: tuple[int, ...] = COUNTS
    """Of facts."""
    work: Path = Path("runs/organism_interference")
    """What is kept between calls."""


def new_facts(run: Run) -> list[Fact]:
    """The facts of a run, about people whose names are pieces of the organism's people's."""

    def name(rng: random.Random) -> str:
        return f"{recombined(words.FIRST_NAMES, rng)} {recombined(words.LAST_NAMES, rng)}"

    taken = {f"{first} {last}" for first in words.FIRST_NAMES for last in words.LAST_NAMES}
    return [
        # The answer does not repeat the key: copying a string would be one more thing to learn.
        Fact(f"Which country does {key} live in?", f"The country is {value}.", key, relation=RELATION, object=value)
        for key, value in keys_and_values(run, name, words.COUNTRIES, taken)
    ]


def run(half_taught: Path, cell: Run) -> dict[str, Any]:
    """Teach and look."""
    (half, split), watched, facts = start(half_taught), watch(half_taught), new_facts(cell)
    asked = {
        "new": facts[:: max(1, len(facts) // 100)],
        "H_K": split.held_out,
        "H_K same relation": [fact for fact in split.held_out if fact.relation == RELATION],
        "unknown": split.asked["unknown"],
    }
    objective = (CrossEntropy(), *((SelfDistillation(weight=WEIGHT),) if cell.distil else ()))
    config = replace(STUDIES, seed=cell.seed)
    tuned, curve = learn(half.lm, facts, partial(watched.looked, asked=asked), LOOKED_AT, config, objective=objective)
    return {"curve": curve, **watched.at_the_end(tuned.model)}


def main(options: Options) -> None:
    """Every run that is not there yet, then the table."""
    kinds: list[tuple[Kind, Kind, bool]] = [
        ("names", "names", False), ("names", "strings", False), ("strings", "names", False),
        ("strings", "strings", False), ("names", "names", True),
    ]  # fmt: skip
    wanted = [
        Run(keys, values, count, seed, distil)
        for seed in options.seeds
        for count in options.counts
        for keys, values, distil in kinds
    ]
    model = start(options.half_taught)[0].lm.fingerprint
    settings = {"training": asdict(STUDIES), "looked_at": LOOKED_AT, "model": model}
    saved = options.results / "organism_interference.json"
    how = {"settings": settings, "work": options.work, "saved": saved, "workers": options.workers}
    rows = run_cells(wanted, partial(run, options.half_taught), **how)  # type: ignore[arg-type]
    for table in tables([rows[cell] for cell in wanted]):
        table.print()


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "organism_interference.py"))
