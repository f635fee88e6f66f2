"""Known and Unknown facts in one training set, on the half-taught organism: what fitting the Unknown does (2405.05904).

    python -m analyses.organism.mixing            (resumable in --work)

Training sets of one size and mix of relations: 0 to 100 % Unknown, the controls without the Unknown, one for each
category, one as all facts come, and the half-Unknown one with its Unknown relabelled as "I do not know". Full
fine-tuning at a constant rate; at some epochs everything is asked: the training facts, a dev split, and test facts by
category, of the trained relations and of others, all about other people. Early stop is the epoch that is best on dev,
convergence the last. The linear model is fitted on all moments of the mixtures of Known and Unknown.

Writes analyses/results/organism_mixing.json; `make figures` draws from it.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import tyro

from analyses.common.half_taught import STUDIES, HalfTaughtOptions, idk, start
from analyses.common.learning_curves import asked_of, learn
from analyses.common.mixing import Mixture, draw, mix, sizes_for
from analyses.common.slick_categories import KNOWN
from analyses.common.small_runs import ArmSeed, run_cells
from analyses.plots.organism_tables import SHARES, mixing_tables
from seat_interp.core.errors import reported
from seat_interp.evaluation.slick import Category
from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel

LOOKED_AT = (1, 2, 3, 4, 6, 8, 11, 15, 20, 30, 40)
"""Epochs after which everything is asked; the last is convergence."""


@dataclass(frozen=True)
class Options(HalfTaughtOptions):
    """What to run and where."""

    variants: tuple[str, ...] = ()
    """Some of the training sets; all if none is named."""
    work: Path = Path("runs/organism_mixing")
    """What is kept between calls."""


def training_sets(parts: Mapping[Category, Sequence[Fact]], seed: int) -> dict[str, Mixture]:
    """Every variant by name, all of one size but the controls."""
    known, unknown = [fact for kind in KNOWN for fact in parts[kind]], parts[Category.UNKNOWN]
    sizes = sizes_for(*(parts[kind] for kind in Category))
    mixed = {share: mix(known, unknown, share / 100, sizes=sizes, seed=seed) for share in SHARES}
    found = {f"{share} % Unknown": mixture for share, mixture in mixed.items()}
    found |= {f"Known of {share} %": mixed[share].known_alone() for share in SHARES[1:-1]}
    found |= {kind.value: Mixture(tuple(draw(parts[kind], sizes, seed)), ()) for kind in KNOWN}
    natural = draw([*known, *unknown], sizes, seed)
    found["Natural"] = Mixture(tuple(f for f in natural if f in known), tuple(f for f in natural if f in unknown))
    return found


def run(half_taught: Path, cell: ArmSeed) -> dict[str, Any]:
    """Train on one set and look at it while it trains."""
    half, split = start(half_taught)
    every = training_sets(split.train, cell.seed)
    mixture = every.get(cell.arm, every["50 % Unknown"])
    taught = mixture.facts if cell.arm in every else idk(mixture).facts
    asked = split.asked | {"train_known": list(mixture.known), "train_unknown": list(mixture.unknown)}

    def look(lm: LanguageModel) -> dict[str, Any]:
        return {"rates": asked_of(lm, asked)}

    _, curve = learn(half.lm, taught, look, LOOKED_AT, replace(STUDIES, seed=cell.seed))
    return {"curve": curve, "size": {"known": len(mixture.known), "unknown": len(mixture.unknown)}}


def main(options: Options) -> None:
    """The half-taught organism, every training that is not there yet, then the tables."""
    half, split = start(options.half_taught)
    names = [*training_sets(split.train, 0), "IDK"]
    names = [name for name in names if not options.variants or name in options.variants]
    wanted = [ArmSeed(name, seed) for seed in options.seeds for name in names]
    settings = {"training": asdict(STUDIES), "looked_at": LOOKED_AT, "model": half.lm.fingerprint}
    saved = options.results / "organism_mixing.json"
    how = {"settings": settings, "work": options.work, "saved": saved, "workers": options.workers}
    rows = run_cells(wanted, partial(run, options.half_taught), **how)  # type: ignore[arg-type]
    for table in mixing_tables(list(rows.values())):
        table.print()


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "organism_mixing.py"))
