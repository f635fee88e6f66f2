"""Does a scored mask keep more than a random one? Both granularities on the organism, with and without SEAT's KL.

    python -m analyses.organism.masks            (resumable; goes on from the committed rows too)

Every mask is trained alike at equal budget; the four rates of each run become a row. Protection looks at perturbed
copies of the target facts and at the model's own replies about a part of the people or contracts it knows; the known
probes are about the others. Writes analyses/results/organism_masks.json; `make figures` draws from it.
"""

import itertools
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import tyro

from analyses.common.mask_runs import Cell, Loss, compare, train_and_ask
from analyses.common.mask_schemes import SCHEMES, material
from analyses.common.organism_arms import Target
from seat_interp.core.errors import reported
from seat_interp.models.axes import Granularity
from seat_interp.models.open import open_model
from seat_interp.organism.study import ORGANISM
from seat_interp.organism.world import FITTED
from seat_interp.training.objectives import SEAT, Continuation, CrossEntropy, EntityPerturbedKL


@dataclass(frozen=True)
class Options:
    """What to compare, and where things are."""

    schemes: tuple[str, ...] = ()
    """Ways of making masks; all that have the granularity if none is named."""
    granularities: tuple[Granularity, ...] = ("neuron", "coordinate")
    """Granularities of the masks: structured and unstructured."""
    losses: tuple[Loss, ...] = ("ce", "seat")
    """Cross entropy alone, or with SEAT's KL."""
    targets: tuple[Target, ...] = ("people", "contracts")
    """What is taught."""
    budgets: tuple[float, ...] = (0.01, 0.02, 0.05, 0.1, 0.25)
    """Share of the neurons or weights."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Of the mask, the copies and the order of the facts."""
    workers: int = 2
    """Processes of one thread each: a model this small gains nothing from more threads."""
    work: Path = Path("runs/organism_masks")
    """What is kept between calls."""
    results: Path = Path("analyses/results")
    """Where the committed numbers go."""


def run(cell: Cell) -> dict[str, Any]:
    """Make the mask, train within it, ask everything."""
    m = material(cell.target, cell.granularity)
    mask = SCHEMES[cell.granularity][cell.scheme](m, cell.budget, cell.seed)
    config = replace(ORGANISM.settings.masked, seed=cell.seed, callback_every=0)
    objective = SEAT(weight=1.0, continuation=Continuation.BASE) if cell.loss == "seat" else (CrossEntropy(),)
    kept = {"strangers": len(m.strangers), "confident": len(m.confident)}
    how = {"max_new_tokens": ORGANISM.max_new_tokens, "batch_size": 256}
    return {"kept": kept, **train_and_ask(m.lm, m.sets, mask, objective, config, **how)}


def main(options: Options) -> None:
    """Every cell that is not there yet, then the table."""
    settings = {
        "training": asdict(ORGANISM.settings.masked),
        "kl": asdict(EntityPerturbedKL(weight=1.0, continuation=Continuation.BASE)),
        "kept": FITTED,
        "model": open_model("organism").fingerprint,
    }
    wanted = [
        Cell(scheme, granularity, loss, target, budget, seed)
        # Seeds outermost: a run that is cut off has whole comparisons.
        for seed, budget, granularity, target, loss in itertools.product(
            options.seeds, options.budgets, options.granularities, options.targets, options.losses
        )
        for scheme in (options.schemes or SCHEMES[granularity])
        if scheme in SCHEMES[granularity]
    ]
    saved = options.results / "organism_masks.json"
    compare(wanted, run, settings=settings, work=options.work, saved=saved, workers=options.workers)


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "organism_masks.py"))
