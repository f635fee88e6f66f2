"""What SLiCK costs: shared beginnings and samples grown together, against calling `generate` item by item.

    python analyses/benchmarks/slick.py --data DATA

SmolLM2-135M-Instruct, facts of EntityQuestions, the paper's prompts and samples (10 prompts of 4 exemplars, one greedy
answer and 16 samples each). A step asks one fact of one relation in the slow scheme, several at once in ours; seconds
are per fact. Both stop at a newline. Writes analyses/results/benchmark_slick.json.
"""

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import tyro
from transformers import GenerationConfig, StoppingCriteriaList, StopStringCriteria

sys.path.insert(1, str(Path(__file__).parent.parent))
from tqdm import tqdm

from common.small_runs import command
from real_slick import facts_of
from seat_interp.errors import reported
from seat_interp.evaluation.few_shot import draw_exemplars, few_shot_ids
from seat_interp.evaluation.slick import SlickConfig, slick
from seat_interp.facts import Fact
from seat_interp.files import write_json
from seat_interp.models.open import LanguageModel, open_model
from seat_interp.results.environment import environment, peak_memory_mib


@dataclass(frozen=True)
class Options:
    """What to time."""

    data: Path = Path("data")
    """Folder with entityquestions/."""
    relations: tuple[str, ...] = ("P36", "P17", "P19")
    """Of the facts, in turns."""
    facts: int = 16
    """Of each relation and round, in our scheme; the slow one asks one of them."""
    rounds: int = 5
    """Of each scheme."""
    results: Path = Path("analyses/results")
    """Where the committed numbers go."""


def one_by_one(lm: LanguageModel, fact: Fact, dev: list[Fact], config: SlickConfig) -> int:
    """Every prompt and sample by a call of `generate` of its own, as who writes it down directly does; its tokens."""
    stop = StoppingCriteriaList([StopStringCriteria(lm.tokenizer, ["\n"])])
    how: dict[str, Any] = {"max_new_tokens": config.max_new_tokens, "pad_token_id": lm.tokenizer.pad_token_id}
    greedy = GenerationConfig(do_sample=False, **how)
    sampled = GenerationConfig(do_sample=True, temperature=config.temperature, top_k=config.top_k, **how)
    tokens = 0
    drawn = draw_exemplars([fact], dev, prompts=config.prompts, exemplars=config.exemplars)
    for exemplars in drawn[fact.relation]:
        ids = torch.tensor([few_shot_ids(lm, fact.question, exemplars, chat=False)], device=lm.model.device)
        for settings in (greedy, *[sampled] * config.samples):
            said = lm.model.generate(  # type: ignore[operator]
                ids, attention_mask=torch.ones_like(ids), generation_config=settings, stopping_criteria=stop
            )
            tokens += said.shape[1] - ids.shape[1]
    return tokens


def timed(step: Callable[[], int]) -> tuple[float, int]:
    """Seconds and tokens."""
    began = time.perf_counter()
    tokens = step()
    return time.perf_counter() - began, tokens


def main(options: Options) -> None:
    """Both schemes in turns."""
    lm, config = open_model("smollm2-135m-instruct", system=""), SlickConfig()
    dev = facts_of(options.data, "dev", options.relations)
    ours, theirs = [], []
    for number in tqdm(range(options.rounds), unit="round"):
        relation = options.relations[number % len(options.relations)]
        every = facts_of(options.data, "test", [relation])
        facts = every[number * options.facts : (number + 1) * options.facts]
        found = timed(lambda facts=facts: sum(e.tokens for e in slick(lm, facts, dev, config, progress=False)))
        ours.append((found[0] / len(facts), found[1] / len(facts)))
        theirs.append(timed(lambda facts=facts: one_by_one(lm, facts[0], dev, config)))
    ratios = sorted(mine[0] / other[0] for mine, other in zip(ours, theirs))
    rows = []
    for scheme, each in (("slick", ours), ("generate, item by item", theirs)):
        own = ratios if scheme == "slick" else [1.0] * len(ratios)
        low, middle, high = statistics.quantiles(own, n=4, method="inclusive")
        seconds = statistics.median(s for s, _ in each)
        rows.append(
            {
                "scheme": scheme,
                "model": "smollm2-135m-instruct",
                "batch": options.facts if scheme == "slick" else 1,
                "parameters": sum(parameter.numel() for parameter in lm.model.parameters()),
                "seconds": seconds,
                "tokens_per_second": statistics.median(tokens / s for s, tokens in each),
                "peak_memory_mib": round(peak_memory_mib(), 1),
                "against": "generate, item by item",
                "time_ratio": round(middle, 3),
                "time_ratio_spread": [round(low, 3), round(high, 3)],
                "memory_ratio": None,
                "rounds": options.rounds,
            }
        )
    summary = {"rows": rows, "config": {"relations": options.relations, "facts": options.facts}}
    summary |= {"environment": environment(), "command": command(sys.argv)}
    write_json(options.results / "benchmark_slick.json", summary)
    for row in rows:
        print(f"{row['scheme']:24s} {row['seconds']:.2f} s a fact, ratio {row['time_ratio']}")


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "benchmarks/slick.py"))
