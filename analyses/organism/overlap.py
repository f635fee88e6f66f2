"""How stable the ways of making masks are on the organism, how much they share, and where their masks live.

    python -m analyses.organism.overlap

Masks of 10 % for new people: from all target facts with three seeds of what is random (the draw; the dense fine-tuning
that the update rule looks into), and from two halves of the people, halved in three ways. Writes
analyses/results/organism_overlap.json; `make figures` draws from it.
"""

import itertools
import sys
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, get_args

import tyro

from analyses.common.mask_schemes import SCHEMES, Material, kept_facts
from analyses.common.result_file import write_result
from analyses.plots.organism_tables import overlap_tables
from seat_interp.core.errors import reported
from seat_interp.facts import Fact
from seat_interp.masks.compare import overlap, stability, where
from seat_interp.models.axes import Granularity
from seat_interp.models.open import open_model
from seat_interp.organism.study import organism_facts

BUDGET = 0.1
WAYS = ("random", "fisher_ratio", "update_exclude")
SEEDS = (0, 1, 2)
"""Of the draw, or of the dense fine-tuning that the update rule looks into."""
SPLITS = 3
"""Ways to halve the facts."""


@dataclass(frozen=True)
class Options:
    """Where the committed numbers go."""

    results: Path = Path("analyses/results")
    """A folder."""


@cache
def material(granularity: Granularity, facts: tuple[Fact, ...], seed: int) -> Material:
    """What masks for these facts are made of; the last ones are enough."""
    lm, sets = open_model("organism"), organism_facts("people")
    return Material(lm, replace(sets, target=list(facts)), kept_facts("people"), granularity, seed)


def row_of(way: str, granularity: Granularity) -> dict[str, Any]:
    """How stable one way of making masks is, what it shares with others, and where its mask lies."""
    facts, make = tuple(organism_facts("people").target), SCHEMES[granularity][way]
    whole = [make(material(granularity, facts, seed), BUDGET, seed) for seed in SEEDS]
    of_others = {
        other: SCHEMES[granularity][other](material(granularity, facts, 0), BUDGET, 0) for other in WAYS if other != way
    }
    draws = itertools.count(len(SEEDS))  # chance has no facts: its halves are further draws
    halves = stability(
        lambda half: make(material(granularity, tuple(half), 0), BUDGET, next(draws)), facts, splits=SPLITS
    )
    seeds = [overlap(one, other).jaccard for one, other in itertools.combinations(whole, 2)]
    about = {"arm": way, "granularity": granularity, "budget": whole[0].budget}
    alike = {"two seeds": seeds, "two halves": halves.jaccard}
    shared = {other: overlap(whole[0], mask).jaccard for other, mask in of_others.items()}
    places = [asdict(place) for place in where(whole[0])]
    return about | {"stability": alike, "chance": halves.chance, "jaccard": shared, "places": places}


def main(options: Options) -> None:
    """Stability, overlaps and places."""
    rows = [row_of(way, granularity) for granularity in get_args(Granularity) for way in WAYS]
    for table in overlap_tables(rows):
        table.print()
    config = {"budget": BUDGET, "target": "people", "seeds": SEEDS, "splits": SPLITS}
    write_result(options.results / "organism_overlap.json", rows, config)


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "organism_overlap.py"))
