"""Is it the displaced component that takes abstention away? It is put back during generation, and the other way round.

    python -m analyses.organism.patching            (after organism_arms.py, whose tuned models it reads)

In each tuned model the component along the ignorance direction becomes the base's own on the same tokens, after one
block or after every block; or the mean displacement is added back as a constant. The null puts the very same amounts,
token by token, along random directions. Patching the tuned model's component into the base is the reverse. Writes
analyses/results/organism_patching.json.
"""

import itertools
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import tyro

from analyses.common.organism_arms import TUNED
from analyses.common.saved_models import Tuned, TunedOptions, folder_of, run_of
from analyses.common.small_runs import run_cells
from analyses.common.tuning_grid import chosen
from analyses.plots.organism_tables import patching_tables
from seat_interp.core.errors import reported
from seat_interp.directions.direction import IgnoranceDirection
from seat_interp.directions.steering import abstention_rate, add_direction, patch_direction, random_like
from seat_interp.models.open import LanguageModel, open_model
from seat_interp.organism.study import organism_facts

CONTROLS = 5
"""Random directions."""
Edit = Callable[[IgnoranceDirection], AbstractContextManager[None]]


@dataclass(frozen=True)
class Options(TunedOptions):
    """What to patch, and where things are."""

    arms: tuple[str, ...] = ("full", "sparse", "seat")
    """Of organism_arms.py."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Of their runs."""
    work: Path = Path("runs/organism_patching")
    """What is kept between calls."""


def run(runs: Path, cell: Tuned) -> dict[str, Any]:
    """Abstention on unknown prompts, as it is and under every edit, along the direction and along random ones."""
    folder = folder_of(runs / cell.target)
    direction, unknown = folder.direction, organism_facts(cell.target).unknown
    base = open_model("organism")
    this = run_of(folder, cell.arm, cell.seed)
    tuned = open_model(str(this.path / "model"))
    moved, every = this.row["displacement"]["unknown"]["mean"], range(base.sites.n_layers)

    def patch(lm: LanguageModel, source: LanguageModel, layers: Any, along: IgnoranceDirection) -> Any:
        return patch_direction(lm, source=source, direction=direction, layers=layers, along=along)

    def rates(lm: LanguageModel, edit: Edit) -> dict[str, Any]:
        def one(along: IgnoranceDirection) -> float:
            with edit(along):
                return abstention_rate(lm, unknown)

        return {"along": one(direction), "random": [one(random_like(direction, seed)) for seed in range(CONTROLS)]}

    edits: dict[str, tuple[LanguageModel, Edit]] = {
        "base's component, one layer": (tuned, partial(patch, tuned, base, None)),
        "base's component, every layer": (tuned, partial(patch, tuned, base, every)),
        "mean displacement added back": (tuned, lambda d: add_direction(tuned, d, -moved)),
        "tuned's component in the base, one layer": (base, partial(patch, base, tuned, None)),
        "tuned's component in the base, every layer": (base, partial(patch, base, tuned, every)),
    }
    found = {name: rates(lm, edit) for name, (lm, edit) in edits.items()}
    return {
        "base": abstention_rate(base, unknown),
        "tuned": abstention_rate(tuned, unknown),
        "displacement": moved,
        "prompts": len(unknown),
        "edits": found,
    }


def main(options: Options) -> None:
    """Every tuned model that has not been patched yet, then the table."""
    every = itertools.product(options.seeds, options.targets, options.arms)
    wanted = [Tuned(arm, target, seed) for seed, target, arm in every]
    settings = {"controls": CONTROLS, "model": open_model("organism").fingerprint, "tuned": chosen(TUNED)}
    saved = options.results / "organism_patching.json"
    how = {"settings": settings, "work": options.work, "saved": saved, "workers": options.workers}
    rows = run_cells(wanted, partial(run, options.runs), **how)
    for table in patching_tables([rows[cell] for cell in wanted]):
        table.print()


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "organism_patching.py"))
