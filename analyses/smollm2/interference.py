"""Why new facts hurt known ones, on SmolLM2-135M-Instruct, reduced: kinds of keys and values, counts (2604.15574).

    python -m analyses.smollm2.interference --data DATA            (resumable in --work)

As organism_interference.py, on the model as it comes: new facts in the shape of P17, the country of a place, whose keys
are names put together from pieces of capitals' names or strings, and whose values are countries or strings. H_K is what
the model answers right in eight paraphrases; its facts about capitals are those of like representations. Few epochs at
a constant rate on all weights. The model does not abstain, so it has no ignorance direction to be displaced along.
Writes analyses/results/smollm2_interference.json; `make figures` draws from it. 54 minutes on one thread.
"""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
import tyro

from analyses.common.aligned_smollm2 import candidates, raw_model, what_it_knows
from analyses.common.interference_runs import Run, keys_and_values, recombined, tables
from analyses.common.learning_curves import asked_of, learn
from analyses.common.small_runs import CellOptions, run_cells
from seat_interp.capture import capture
from seat_interp.core.errors import reported
from seat_interp.directions.displacement import cosine_drift
from seat_interp.facts import Fact, read_countries
from seat_interp.models.hardware import bfloat16_is_fast
from seat_interp.models.open import LanguageModel
from seat_interp.training.config import TrainConfig

LOOKED_AT = (4, 12)
"""Epochs after which everything is asked."""
COUNTS = (10, 40)
TRAINING = TrainConfig(batch_size=16, learning_rate=3e-5, warmup=0.0, final=1.0, mixed_precision=bfloat16_is_fast())
"""As in smollm2_mixing.py."""
ALIKE = "capital"
"""The relation of H_K whose facts are of like representations."""


@dataclass(frozen=True)
class Options(CellOptions):
    """What to run and where."""

    data: Path = Path("data")
    """Folder with lunar/, countries/, relations/; analyses/README.md says where they come from."""
    seeds: tuple[int, ...] = (0,)
    """Of the new facts and their order."""
    counts: tuple[int, ...] = COUNTS
    """Of facts."""
    real: Path = Path("runs/real")
    """The work folder of smollm2_headline.py: what the model knows is taken up from there, or found."""
    work: Path = Path("runs/smollm2_interference")
    """What is kept between calls."""
    workers: int = 1
    """Processes; each takes all cores."""


@cache
def start(data: Path, real: Path) -> tuple[LanguageModel, list[Fact]]:
    """The model and what it knows; once in a process."""
    raw = raw_model()
    if torch.cuda.is_available():
        raw.model.to("cuda")
    real.mkdir(parents=True, exist_ok=True)
    known, _ = what_it_knows(raw, candidates(data), real)
    return raw, known


def new_facts(cell: Run, data: Path) -> list[Fact]:
    """The facts of a run, about places whose names are pieces of capitals' names."""
    countries = read_countries(data / "countries/countries.json")
    capitals = [fact.object for fact in countries if fact.object.isalpha() and len(fact.object) > 3]
    names = [fact.subject for fact in countries]
    return [
        Fact(f"Which country is {key} in?", f"The country is {value}.", key, relation="P17", object=value)
        for key, value in keys_and_values(cell, partial(recombined, capitals), names, {*capitals, *names})
    ]


def run(data: Path, real: Path, cell: Run) -> dict[str, Any]:
    """Teach and look."""
    (lm, known), facts = start(data, real), new_facts(cell, data)
    asked = {"new": facts, "H_K": known, "H_K same relation": [fact for fact in known if fact.relation == ALIKE]}
    questions = [fact.question for fact in known]
    before = capture(lm, questions, progress=False).values

    def look(tuned: LanguageModel) -> dict[str, Any]:
        drift = cosine_drift(before, capture(tuned, questions, progress=False).values).mean(0)
        return {"rates": asked_of(tuned, asked), "drift": drift.tolist()}

    _, curve = learn(lm, facts, look, LOOKED_AT, replace(TRAINING, seed=cell.seed))
    return {"curve": curve}


def wanted(options: Options) -> Sequence[Run]:
    """Every kind of keys and values, small counts first."""
    kinds = [(keys, values) for keys in ("names", "strings") for values in ("names", "strings")]
    return [
        Run(keys, values, count, seed)  # type: ignore[arg-type]
        for seed in options.seeds
        for count in options.counts
        for keys, values in kinds
    ]


def main(options: Options) -> None:
    """Every run that is not there yet, then the table."""
    lm, known = start(options.data, options.real)
    settings = {"training": asdict(TRAINING), "looked_at": LOOKED_AT, "model": lm.fingerprint, "known": len(known)}
    saved = options.results / "smollm2_interference.json"
    how = {"settings": settings, "work": options.work, "saved": saved, "workers": options.workers}
    rows = run_cells(wanted(options), partial(run, options.data, options.real), **how)  # type: ignore[arg-type]
    for table in tables([rows[cell] for cell in wanted(options)]):
        table.print()


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "smollm2_interference.py"))
