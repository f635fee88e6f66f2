"""What SLiCK costs: shared beginnings and samples grown together, against calling `generate` item by item.

    python -m analyses.benchmarks.slick --data DATA

SmolLM2-135M-Instruct, facts of EntityQuestions, the paper's prompts and samples (10 prompts of 4 exemplars, one greedy
answer and 16 samples each). `slick` asks some facts together, as its batches do; item by item takes as long for each,
so one fact is enough. Seconds and ratios are of one fact. Both stop at a newline. Writes
analyses/results/benchmark_slick.json. About 12 minutes on one core.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
import tyro
from transformers import GenerationConfig, StoppingCriteriaList, StopStringCriteria

from analyses.benchmarks.interleave import measure, rows
from analyses.common.entity_questions import facts_of
from analyses.common.result_file import write_result
from seat_interp.core.errors import reported
from seat_interp.evaluation._few_shot import draw_exemplars, few_shot_ids
from seat_interp.evaluation.slick import SlickConfig, slick
from seat_interp.models.open import open_model

MODEL = "smollm2-135m-instruct"
ONE_BY_ONE = "generate, item by item"


@dataclass(frozen=True)
class Options:
    """What to time."""

    data: Path = Path("data")
    """Folder with entityquestions/."""
    relation: str = "P36"
    """Of the facts."""
    facts: int = 16
    """Of a batch of `slick`."""
    rounds: int = 3
    """Steps of each scheme that count."""
    results: Path = Path("analyses/results")
    """Where the committed numbers go."""


def ours(data: Path, relation: str, count: int) -> Iterator[Any]:
    """`slick`, all facts of a step in one batch."""
    lm = open_model(MODEL, system="")
    yield
    facts, dev = (facts_of(data, split, [relation]) for split in ("test", "dev"))
    yield lambda: list(slick(lm, facts=facts[:count], dev=dev, config=SlickConfig(), batch_size=count, progress=False))


def one_by_one(data: Path, relation: str) -> Iterator[Any]:
    """Every prompt and sample by a call of `generate` of its own, as who writes it down directly does."""
    lm, config = open_model(MODEL, system=""), SlickConfig()
    yield
    facts, dev = (facts_of(data, split, [relation]) for split in ("test", "dev"))
    stop = StoppingCriteriaList([StopStringCriteria(lm.tokenizer, ["\n"])])
    how: dict[str, Any] = {"max_new_tokens": config.max_new_tokens, "pad_token_id": lm.tokenizer.pad_token_id}
    greedy = GenerationConfig(do_sample=False, **how)
    sampled = GenerationConfig(do_sample=True, temperature=config.temperature, top_k=config.top_k, **how)
    drawn = draw_exemplars(facts[:1], dev, prompts=config.prompts, exemplars=config.exemplars)[relation]

    def step() -> None:
        for exemplars in drawn:
            ids = torch.tensor([few_shot_ids(lm, facts[0].question, exemplars, chat=False)], device=lm.model.device)
            for settings in (greedy, *[sampled] * config.samples):
                how = {"attention_mask": torch.ones_like(ids), "generation_config": settings}
                lm.model.generate(ids, stopping_criteria=stop, **how)  # type: ignore[operator]

    yield step


def main(options: Options) -> None:
    """Both schemes in turns."""
    where = (options.data, options.relation)
    schemes = {"slick": partial(ours, *where, options.facts), ONE_BY_ONE: partial(one_by_one, *where)}
    found = measure(schemes, rounds=options.rounds, warm_up=0, memory_steps=1, label="SLiCK")  # type: ignore[arg-type]
    found["slick"] = replace(found["slick"], seconds=[each / options.facts for each in found["slick"].seconds])
    parameters = sum(parameter.numel() for parameter in open_model(MODEL, system="").model.parameters())
    about = {"model": MODEL, "batch": options.facts, "parameters": parameters}
    timed = rows(found, dict.fromkeys(schemes, ONE_BY_ONE), **about)
    config = {"relation": options.relation, "facts": options.facts}
    write_result(options.results / "benchmark_slick.json", timed, config)
    for row in timed:
        print(f"{row['scheme']:24s} {row['seconds']:.2f} s a fact, ratio {row['time_ratio']}")


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "benchmarks/slick.py"))
