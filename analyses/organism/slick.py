"""What the half-taught organism knows, by SLiCK, against how often it was told (2405.05904).

    python -m analyses.organism.slick            (makes the half-taught organism if it is not there; resumable)

Writes analyses/results/organism_slick.json: counts of the categories by how often a thing was said, and how many facts
get the same category from other prompts and samples.
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import tyro

from analyses.common.half_taught import BATCH, EXPOSURES, SLICK, exemplars, exposures, new_people, prepare
from analyses.common.result_file import write_result
from analyses.common.slick_categories import agreement
from analyses.plots.organism_tables import slick_tables
from seat_interp.core.errors import reported
from seat_interp.core.files import read_json
from seat_interp.evaluation.slick import counts, slick_to

AGAIN = 5
"""Every so manyth fact is sorted twice."""


@dataclass(frozen=True)
class Options:
    """Where things are."""

    half_taught: Path = Path("runs/half_taught")
    """The half-taught organism."""
    results: Path = Path("analyses/results")
    """Where the committed numbers go."""


def main(options: Options) -> None:
    """Sort everything, and some of it once more with other prompts and samples."""
    torch.set_num_threads(1)
    half = prepare(options.half_taught)
    said = dict(zip(new_people(), exposures(new_people())))
    rows = []
    for times in sorted(set(EXPOSURES)):
        same = [each for each in half.asked if said[each.fact] == times]
        rows.append({"arm": f"said {times} times", "seed": SLICK.seed, "exposures": times, **counts(same)})
    some, other = half.asked[::AGAIN], replace(SLICK, seed=SLICK.seed + 1)
    facts, kept = [each.fact for each in some], options.half_taught / "slick_again.jsonl"
    again = slick_to(half.lm, facts=facts, dev=exemplars(), path=kept, config=other, batch_size=BATCH)
    config, stability = read_json(options.half_taught / "settings.json"), agreement(some, again)
    write_result(options.results / "organism_slick.json", rows, config, stability=stability)
    for table in slick_tables(rows):
        table.print()
    print(stability)


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "organism_slick.py"))
