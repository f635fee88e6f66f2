"""Known and Unknown facts in one training set, on the half-taught organism: what fitting the Unknown does (2405.05904).

    python analyses/organism_mixing.py            (resumable in --work)

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
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
import tyro

from common.half_taught import HalfTaught, Splits, prepare, splits
from common.small_runs import CellOptions, run_cells
from common.watched import asked_of
from seat_interp.errors import reported
from seat_interp.evaluation.accuracy_model import Point, accuracy_model
from seat_interp.evaluation.mixing import Mixture, draw, mix, relabel, sizes_for
from seat_interp.evaluation.slick import Category
from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel
from seat_interp.organism.world import PEOPLE
from seat_interp.results.aggregate import estimate
from seat_interp.results.table import Table
from seat_interp.results.tables import with_interval
from seat_interp.training.trainer import TrainConfig, train

EPOCHS = 40
LOOKED_AT = (1, 2, 3, 4, 6, 8, 11, 15, 20, 30, 40)
"""Epochs after which everything is asked."""
TRAINING = TrainConfig(batch_size=16, learning_rate=1.5e-4, warmup=0.0, final=1.0)
"""A constant rate, as in the paper; the rate itself is ours."""
SHARES = (0, 25, 50, 75, 100)
"""Per cent Unknown."""
KNOWN = (Category.HIGHLY_KNOWN, Category.MAYBE_KNOWN, Category.WEAKLY_KNOWN)


@dataclass(frozen=True)
class Options(CellOptions):
    """What to run and where."""

    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Of the drawn facts and their order."""
    variants: tuple[str, ...] = ()
    """Some of the training sets; all if none is named."""
    half_taught: Path = Path("runs/half_taught")
    """The half-taught organism, made if it is not there."""
    work: Path = Path("runs/organism_mixing")
    """What is kept between calls."""


@dataclass(frozen=True)
class Run:
    """One training set and one seed."""

    arm: str
    seed: int


@cache
def start(half_taught: Path) -> tuple[HalfTaught, Splits]:
    """The half-taught organism and its split people, once in a process."""
    torch.set_num_threads(1)
    half = prepare(half_taught)
    return half, splits(half)


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


def idk(mixture: Mixture) -> Mixture:
    """The same set with admissions for its unknown facts."""
    said = {relation.name: relation.unknown for relation in PEOPLE}
    return replace(mixture, unknown=tuple(relabel([f], (said[f.relation],))[0] for f in mixture.unknown))


def run(half_taught: Path, cell: Run) -> dict[str, Any]:
    """Train on one set and look at it while it trains."""
    half, split = start(half_taught)
    every = training_sets(split.train, cell.seed)
    relabelled = cell.arm == "IDK"
    mixture = every["50 % Unknown" if relabelled else cell.arm]
    taught = idk(mixture).facts if relabelled else mixture.facts
    asked = split.asked | {"train_known": list(mixture.known), "train_unknown": list(mixture.unknown)}
    steps = max(1, len(taught) // TRAINING.batch_size)
    config = replace(TRAINING, steps=EPOCHS * steps, probe_every=steps, seed=cell.seed)

    def probe(lm: LanguageModel) -> dict[str, Any]:
        nonlocal epoch
        epoch += 1
        return {"epoch": epoch, "rates": asked_of(lm, asked)} if epoch in LOOKED_AT else {}

    epoch = 0
    tuned = train(half.lm, taught, config=config, probe=probe)
    curve = [{"epoch": 0, "rates": asked_of(half.lm, asked)}, *(p for p in tuned.probes if "rates" in p)]
    sizes = {"known": len(mixture.known), "unknown": len(mixture.unknown)}
    return {"curve": [{"epoch": p["epoch"], "rates": p["rates"]} for p in curve], "size": sizes}


def early_stop(row: dict[str, Any]) -> dict[str, Any]:
    """The moment that is best on dev; the first of equals."""
    return max(row["curve"][1:], key=lambda moment: moment["rates"]["dev"]["correct"])


def whole(moment: dict[str, Any], where: str) -> float:
    """Accuracy over all categories of a test split."""
    parts = [moment["rates"][f"{where} {kind.value}"] for kind in Category]
    return sum(part["correct"] * part["n"] for part in parts) / sum(part["n"] for part in parts)


def points(rows: Sequence[dict[str, Any]], where: str) -> list[Point]:
    """All moments of the mixtures; fitted facts as shares of the whole set."""
    found = []
    for row in rows:
        if not row["arm"].endswith("% Unknown"):
            continue
        size = row["size"]["known"] + row["size"]["unknown"]
        for moment in row["curve"][1:]:
            fitted = [
                moment["rates"].get(f"train_{kind}", {"correct": 0.0})["correct"] * row["size"][kind] / size
                for kind in ("known", "unknown")
            ]
            found.append(Point(f"{row['arm']} {row['seed']}", whole(moment, where), *fitted))
    return found


def tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """Test accuracy by category at early stop and at convergence, and the linear model."""
    unit, found = {"bounds": (0.0, 1.0)}, []
    for title, at in (("Early stop", early_stop), ("Convergence", lambda row: row["curve"][-1])):
        lines = []
        for arm in dict.fromkeys(row["arm"] for row in rows):
            moments = [at(row) for row in rows if row["arm"] == arm]
            cells = [estimate([whole(m, where) for m in moments], **unit) for where in ("test", "other")]  # type: ignore[arg-type]
            cells += [
                estimate([m["rates"][f"test {kind.value}"]["correct"] for m in moments], **unit)  # type: ignore[arg-type]
                for kind in Category
            ]
            lines.append((arm, len(moments), *map(with_interval, cells)))
        heads = ("training set", "seeds", "test", "other relations", *(kind.value for kind in Category))
        found.append(Table.of(heads, lines, f"{title}: test accuracy, all and by category."))
    return [*found, model_table(rows)]


def model_table(rows: Sequence[dict[str, Any]]) -> Table:
    """The linear model, in and out of the trained relations."""
    lines = []
    for where in ("test", "other"):
        model = accuracy_model(points(rows, where))
        each = (model.intercept, model.known, model.unknown)
        said = [f"{c.value:+.3f} [{c.interval[0]:+.3f}, {c.interval[1]:+.3f}]" for c in each]
        lines.append((where, *said, f"{model.r2:.2f}", model.points, model.runs))
    heads = ("relations", "intercept", "fitted Known", "fitted Unknown", "R2", "points", "runs")
    return Table.of(
        heads, lines, "Test accuracy = intercept + shares of the set that are fitted; 95 %, clusters of runs."
    )


def main(options: Options) -> None:
    """The half-taught organism, every training that is not there yet, then the tables."""
    half, split = start(options.half_taught)
    names = [*training_sets(split.train, 0), "IDK"]
    names = [name for name in names if not options.variants or name in options.variants]
    wanted = [Run(name, seed) for seed in options.seeds for name in names]
    settings = {"training": asdict(TRAINING), "epochs": EPOCHS, "model": half.lm.fingerprint}
    saved = options.results / "organism_mixing.json"
    how = {"settings": settings, "work": options.work, "saved": saved, "workers": options.workers}
    rows = run_cells(wanted, partial(run, options.half_taught), **how)  # type: ignore[arg-type]
    for table in tables(list(rows.values())):
        table.print()


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "organism_mixing.py"))
