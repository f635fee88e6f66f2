"""Known and Unknown facts of EntityQuestions in one training set, on SmolLM2-135M-Instruct (2405.05904), reduced.

    python -m analyses.smollm2.mixing --data DATA            (resumable in --work; goes on from smollm2_slick.py's)

As organism_mixing.py, with what SLiCK sorted: training sets of one size and mix of relations, 0 to 100 % Unknown, and
the half-Unknown one without its Unknown. Few epochs at a constant rate on all weights; answers are the objects alone,
behind the paper's "Answer the following question." Writes analyses/results/smollm2_mixing.json; `make figures` draws
from it. About ten minutes a training on two cores.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import tyro

from analyses.common.entity_questions import prepare
from analyses.common.learning_curves import asked_of, learn
from analyses.common.mixing import Mixture, mix, sizes_for
from analyses.common.slick_categories import KNOWN, by_category
from analyses.common.small_runs import ArmSeed, CellOptions, run_cells
from analyses.plots.smollm2_tables import mixing_tables
from seat_interp.core.errors import reported
from seat_interp.evaluation.slick import Category
from seat_interp.facts import Fact
from seat_interp.models.hardware import bfloat16_is_fast
from seat_interp.models.open import LanguageModel
from seat_interp.training.config import TrainConfig

LOOKED_AT = (1, 2, 3, 5, 8, 12)
TRAINING = TrainConfig(batch_size=16, learning_rate=3e-5, warmup=0.0, final=1.0, mixed_precision=bfloat16_is_fast())
SHARES = (0, 50, 100)
SIZE = 20
"""Facts of each relation at most."""


@dataclass(frozen=True)
class Options(CellOptions):
    """What to run and where."""

    data: Path = Path("data")
    """Folder with entityquestions/; analyses/README.md says where it comes from."""
    seeds: tuple[int, ...] = (0,)
    """Of the drawn facts and their order."""
    slick: Path = Path("runs/smollm2_slick")
    """The work folder of smollm2_slick.py."""
    work: Path = Path("runs/smollm2_mixing")
    """What is kept between calls."""
    workers: int = 1
    """Processes; each takes all cores."""


@cache
def start(data: Path, slick: Path) -> tuple[LanguageModel, dict[str, dict[Category, list[Fact]]]]:
    """The model and the sorted facts of every split, asked as the paper asks; once in a process."""
    lm, found = prepare(data, slick)
    return lm, {name: by_category([asked_as_the_paper(each) for each in asked]) for name, asked in found.items()}


def asked_as_the_paper(each: Any) -> Any:
    """The fact in the form of fine-tuning."""
    fact = each.fact
    said = replace(fact, question=f"Answer the following question. {fact.question}", answer=fact.object, spans=())
    return replace(each, fact=said)


def training_sets(parts: Mapping[Category, Sequence[Fact]], seed: int) -> dict[str, Mixture]:
    """Every variant by name."""
    known, unknown = [fact for kind in KNOWN for fact in parts[kind]], parts[Category.UNKNOWN]
    sizes = {relation: min(size, SIZE) for relation, size in sizes_for(known, unknown).items()}
    mixed = {share: mix(known, unknown, share / 100, sizes=sizes, seed=seed) for share in SHARES}
    return {f"{share} % Unknown": found for share, found in mixed.items()} | {"Known of 50 %": mixed[50].known_alone()}


def run(data: Path, slick: Path, cell: ArmSeed) -> dict[str, Any]:
    """Train on one set and look at it while it trains."""
    lm, parts = start(data, slick)
    mixture = training_sets(parts["train"], cell.seed)[cell.arm]
    asked = {f"{where} {kind.value}": facts for where in ("test", "other") for kind, facts in parts[where].items()}
    asked |= {"train_known": list(mixture.known), "train_unknown": list(mixture.unknown)}

    def look(tuned: LanguageModel) -> dict[str, Any]:
        return {"rates": asked_of(tuned, asked)}

    _, curve = learn(lm, mixture.facts, look, LOOKED_AT, replace(TRAINING, seed=cell.seed))
    return {"curve": curve, "size": {"known": len(mixture.known), "unknown": len(mixture.unknown)}}


def main(options: Options) -> None:
    """Every training that is not there yet, then the tables."""
    lm, parts = start(options.data, options.slick)
    wanted = [ArmSeed(arm, seed) for seed in options.seeds for arm in training_sets(parts["train"], seed)]
    settings = {"training": asdict(TRAINING), "looked_at": LOOKED_AT, "size": SIZE, "model": lm.fingerprint}
    saved = options.results / "smollm2_mixing.json"
    how = {"settings": settings, "work": options.work, "saved": saved, "workers": options.workers}
    rows = run_cells(wanted, partial(run, options.data, options.slick), **how)  # type: ignore[arg-type]
    for table in mixing_tables(list(rows.values())):
        table.print()


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "smollm2_mixing.py"))
