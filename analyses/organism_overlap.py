"""How stable the ways of making masks are on the organism, how much they share, and where their masks live.

    python analyses/organism_overlap.py            (five minutes on two cores)

Masks of 10 % for new people: from all target facts with two seeds of what is random (the draw; the dense fine-tuning
that the update rule looks into), and from two halves of the people. Writes analyses/results/organism_overlap.json;
`make figures` draws from it.
"""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_args

import tyro
from organism_masks import SCHEMES, Material, kept_facts

from seat_interp.direction import split_by_group
from seat_interp.errors import reported
from seat_interp.files import write_json
from seat_interp.masks.compare import overlap, where
from seat_interp.masks.mask import Granularity, Mask
from seat_interp.models.open import open_model
from seat_interp.organism import organism_facts
from seat_interp.results.environment import environment
from seat_interp.results.table import Table

BUDGET = 0.1
WAYS = ("random", "fisher_ratio", "update_exclude")
PAIRS = {"two seeds": ("seed 0", "seed 1"), "two halves": ("first half", "second half")}


@dataclass(frozen=True)
class Options:
    """Where the committed numbers go."""

    results: Path = Path("analyses/results")
    """A folder."""


def masks(granularity: Granularity) -> dict[tuple[str, str], Mask]:
    """By way of making them and what they were made from."""
    lm, sets, kept = open_model("organism"), organism_facts("people"), kept_facts("people")
    halves = split_by_group(sets.target, 0.5, 0)
    parts = {"seed 0": (sets.target, 0), "seed 1": (sets.target, 1), "first half": (halves[0], 0)}
    parts["second half"] = (halves[1], 0)
    made = {}
    for name, (facts, seed) in parts.items():
        material = Material(lm, replace(sets, target=facts), kept, granularity, seed)
        for way in WAYS:
            # Chance has no facts: its two halves are two draws.
            draw = seed + 2 * (name == "second half")
            made[way, name] = SCHEMES[granularity][way](material, BUDGET, draw)
    return made


def tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """Jaccard indices of masks made twice, and that of masks drawn at random."""
    lines = [
        (f"{row['arm']}, {row['granularity']}s", *(f"{v:.2f}" for v in (*row["stability"].values(), row["chance"])))
        for row in rows
    ]
    return [Table.of(("masks", *PAIRS, "by chance"), lines, "Jaccard index of masks made twice.")]


def main(options: Options) -> None:
    """Overlaps and places."""
    rows: list[dict[str, Any]] = []
    for granularity in get_args(Granularity):
        found = masks(granularity)
        whole = {way: found[way, "seed 0"] for way in WAYS}
        for way, mask in whole.items():
            pairs = {pair: overlap(found[way, one], found[way, other]) for pair, (one, other) in PAIRS.items()}
            alike = {pair: each.jaccard for pair, each in pairs.items()}
            chance = pairs["two halves"].chance
            others = {other: overlap(mask, whole[other]).jaccard for other in WAYS if other != way}
            about = {
                "arm": way,
                "granularity": granularity,
                "budget": mask.budget,
                "stability": alike,
                "chance": chance,
            }
            rows.append(about | {"jaccard": others, "places": [asdict(place) for place in where(mask)]})
    for table in tables(rows):
        table.print()
    summary = {"rows": rows, "config": {"budget": BUDGET, "target": "people"}, "environment": environment()}
    write_json(options.results / "organism_overlap.json", summary | {"command": "python analyses/organism_overlap.py"})


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "organism_overlap.py"))
