"""What a capture costs: against the plain backbone, HF's output_hidden_states, TransformerLens and nnsight.

    python -m analyses.benchmarks.capture            (on a GPU where there is one)

Every scheme begins with the same questions as text and ends with what it keeps. The bridge and nnsight's model are made
beforehand, as a user holds them. Time grows with the length of the prompts and with the layers of the model; how memory
grows tells capture_memory.py. Writes analyses/results/benchmark_capture.json.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import tyro

from analyses.benchmarks.interleave import GLIBC, measure, rows
from analyses.benchmarks.models import directions, load, parameters, questions, ready, waited
from analyses.common.result_file import commands, write_result
from seat_interp.capture import LAST_TOKEN, Projection, Reduce, capture
from seat_interp.core.errors import reported
from seat_interp.core.files import read_json
from seat_interp.models.open import LanguageModel
from seat_interp.models.prompts import Batch, encode_prompts, last_token_mask, pad

SIZES = ("organism", "55m", "smollm2-135m-instruct")
BATCH = 16
LENGTHS = (1, 4, 12)
"""Repeats of a clause in the question."""
DEPTHS = (4, 8, 16)
PLAIN = "backbone"


@dataclass(frozen=True)
class Options:
    """What to time."""

    sizes: tuple[str, ...] = SIZES
    """Models; rows of others, that are there already, stay."""
    varied: str | None = "55m"
    """The model of random weights whose prompts get longer and whose layers more; if None, such rows stay."""
    rounds: int = 15
    """Steps of each scheme that count."""
    results: Path = Path("analyses/results")
    """Where the committed numbers go."""


def encoded(lm: LanguageModel, asked: Sequence[str]) -> Batch:
    """The questions as one padded batch."""
    return pad(encode_prompts(lm, asked), lm.tokenizer.pad_token_id).to(lm.model.device)


def plain(size: str, *, head: bool = False, clauses: int = 1, layers: int | None = None) -> Iterator[Any]:
    """A forward pass and nothing kept, without the head or with it."""
    lm, asked = ready(size, layers), questions(BATCH, clauses)
    yield lm
    network: Any = lm.model if head else lm.model.base_model
    yield waited(lambda: network(**encoded(lm, asked).inputs(), use_cache=False))


def hidden_states(size: str) -> Iterator[Any]:
    """All hidden states by Hugging Face, then the last token's."""
    lm, asked = ready(size), questions(BATCH)
    yield lm

    def step() -> torch.Tensor:
        batch = encoded(lm, asked)
        found = lm.model.base_model(**batch.inputs(), use_cache=False, output_hidden_states=True).hidden_states
        last = last_token_mask(batch.attention_mask)
        return torch.stack([each[last] for each in found[1:]]).cpu()

    yield waited(step)


def everything(hidden: torch.Tensor, mask: torch.Tensor, layer: int) -> torch.Tensor:
    """A reduction that reduces nothing: every token."""
    return hidden.clone()


def hooks(
    size: str, reduce: Reduce = LAST_TOKEN, *, share: float = 1.0, clauses: int = 1, layers: int | None = None
) -> Iterator[Any]:
    """`capture` of a share of the layers, from the first on."""
    lm, asked = ready(size, layers), questions(BATCH, clauses)
    yield lm
    few = range(max(1, round(share * len(lm.sites.blocks))))
    yield waited(lambda: capture(lm, asked, layers=few, reduce=reduce, batch_size=BATCH, progress=False))


def projected(size: str) -> Iterator[Any]:
    """One number a prompt and layer."""
    lm, asked = ready(size), questions(BATCH)
    yield lm
    reduce = Projection(directions(lm))
    yield waited(lambda: capture(lm, asked, reduce=reduce, batch_size=BATCH, progress=False))


def bridge(size: str) -> Iterator[Any]:
    """`capture` through a TransformerBridge that is held."""
    from transformer_lens.model_bridge.sources import build_bridge_from_module

    lm, asked = ready(size), questions(BATCH)
    yield lm
    architecture = type(lm.model).__name__
    held = build_bridge_from_module(
        lm.model, architecture=architecture, hf_config=lm.model.config, tokenizer=lm.tokenizer
    )
    yield waited(lambda: capture(held, asked, batch_size=BATCH, progress=False))


def traced(size: str) -> Iterator[Any]:
    """`capture` through a model of nnsight that is held."""
    import nnsight

    lm, asked = ready(size), questions(BATCH)
    yield lm
    held = nnsight.TransformersModel(lm.model, tokenizer=lm.tokenizer, task="text-generation")
    yield waited(lambda: capture(held, asked, batch_size=BATCH, progress=False))


def varied(model: str, rounds: int) -> list[dict[str, Any]]:
    """With longer prompts, and with more layers."""
    found = []
    for title, values, how in (("clauses", LENGTHS, "clauses"), ("layers", DEPTHS, "layers")):
        schemes, against = {}, {}
        for value in values:
            bare, ours = f"{PLAIN}, {value} {title}", f"capture, last token, {value} {title}"
            schemes |= {bare: partial(plain, model, **{how: value}), ours: partial(hooks, model, **{how: value})}
            against |= {bare: bare, ours: bare}
        about = {"model": model, "parameters": parameters(load(model)), "batch": BATCH, "varied": title}
        found += rows(measure(schemes, rounds=rounds, label=title), against, **about)
    return found


def _kind(row: Mapping[str, Any]) -> str:
    return "varied" if "varied" in row else row["model"]


def main(options: Options) -> None:
    """Every scheme on every size, then longer prompts and more layers."""
    path = options.results / "benchmark_capture.json"
    before = read_json(path) if path.exists() else None
    anew = (*options.sizes, "varied") if options.varied else options.sizes
    found = [row for row in before["rows"] if _kind(row) not in anew] if before else []
    calls = commands(before if found else None)

    def keep() -> None:  # after each stage: the whole takes long
        in_order = sorted(found, key=lambda row: ("varied" in row, row["parameters"]))
        write_result(path, in_order, {"batch": BATCH, "allocator": GLIBC}, command=calls)

    for size in options.sizes:
        about = {"model": size, "parameters": parameters(load(size)), "batch": BATCH}
        schemes = {
            PLAIN: partial(plain, size),
            "with the head": partial(plain, size, head=True),
            "capture, last token": partial(hooks, size),
            "capture, every token": partial(hooks, size, everything),
            "capture, projection": partial(projected, size),
            "capture, first half of the layers": partial(hooks, size, share=0.5),
            "output_hidden_states": partial(hidden_states, size),
            "TransformerBridge": partial(bridge, size),
            "nnsight": partial(traced, size),
        }
        found += rows(measure(schemes, rounds=options.rounds, label=size), dict.fromkeys(schemes, PLAIN), **about)
        keep()
    if options.varied:
        found += varied(options.varied, options.rounds)
        keep()
    for row in found:
        print(f"{row['model']:22s} {row['scheme']:36s} {row['seconds']:8.3f} s  x {row['time_ratio']:6.2f}  "
              f"{row['peak_memory_mib']:8.1f} MiB")  # fmt: skip


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "capture.py"))
