"""What a capture costs: against the plain backbone, HF's output_hidden_states, TransformerLens and nnsight; its growth.

    python analyses/benchmarks/capture.py            (on a GPU where there is one)

Every scheme begins with the same questions as text and ends with what it keeps. The bridge and nnsight's model are made
beforehand, as a user holds them. Growth: time by length of the prompts and by layers kept; memory, beyond that of the
model, of projections of 100 to 100,000 prompts, kept, and of last tokens streamed to disk and summed up in one pass.
Writes analyses/results/benchmark_capture.json.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import tyro

sys.path.insert(1, str(Path(__file__).parent.parent))
from common.small_runs import command
from interleave import GLIBC, alone, measure, rows
from models import load, parameters
from seat_interp.capture import LAST_TOKEN, Projection, Reduce, capture, capture_to, stream
from seat_interp.errors import reported
from seat_interp.files import write_json
from seat_interp.models.open import LanguageModel
from seat_interp.prompts import Batch, encode_prompts, last_token_mask, pad
from seat_interp.results.environment import environment
from seat_interp.streamed import moments

SIZES = ("organism", "55m", "smollm2-135m-instruct")
BATCH = 16
LENGTHS = (1, 4, 12)
"""Repeats of a clause in the question."""
DEPTHS = (4, 8, 16)
COUNTS = (100, 1_000, 10_000, 100_000)
PLAIN = "backbone"


@dataclass(frozen=True)
class Options:
    """What to time."""

    sizes: tuple[str, ...] = SIZES
    """Models."""
    varied: str = "55m"
    """The model of random weights whose prompts get longer and whose layers more."""
    rounds: int = 7
    """Steps of each scheme that count."""
    most: int = COUNTS[-1]
    """Prompts, for the growth of memory."""
    results: Path = Path("analyses/results")
    """Where the committed numbers go."""


def questions(count: int, clauses: int = 1) -> list[str]:
    """As many different questions of nearly one length."""
    clause = ", which nobody has ever told us about"
    return [f"Where does person number {i} live{clause * clauses}?" for i in range(count)]


def ready(size: str, layers: int | None = None) -> LanguageModel:
    """A model, on the GPU if there is one."""
    lm = load(size, layers)
    lm.model.to("cuda" if torch.cuda.is_available() else "cpu")
    return lm


def encoded(lm: LanguageModel, asked: Sequence[str]) -> Batch:
    """The questions as one padded batch."""
    return pad(encode_prompts(lm, asked), lm.tokenizer.pad_token_id).to(lm.model.device)


def waited(step: Callable[[], object]) -> Callable[[], None]:
    """The step, until the GPU is done."""

    def whole() -> None:
        with torch.no_grad():
            step()
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    return whole


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
    reduce = Projection(_directions(lm))
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


def kept(count: int) -> Iterator[Any]:
    """A projection of so many prompts, all kept: prompts x layers numbers."""
    lm = ready("tiny")
    yield lm
    asked = questions(count, 1)
    yield waited(lambda: capture(lm, asked, reduce=Projection(_directions(lm)), progress=False))


def streamed(count: int) -> Iterator[Any]:
    """Last tokens of so many prompts in shards on disk; the prompts are made as they are needed."""
    lm = ready("tiny")
    yield lm

    def step() -> None:
        with tempfile.TemporaryDirectory() as folder:
            capture_to(lm, _endless(count), Path(folder) / "shards", progress=False)

    yield waited(step)


def summed(count: int) -> Iterator[Any]:
    """Mean and covariance of the last tokens of so many prompts, in one pass."""
    lm = ready("tiny")
    yield lm
    yield waited(lambda: moments(stream(lm, _endless(count))))


def _endless(count: int) -> Iterator[str]:
    for at in range(0, count, 1000):
        yield from questions(min(1000, count - at), 1)


def _directions(lm: LanguageModel) -> torch.Tensor:
    width = lm.model.get_input_embeddings().weight.shape[1]
    return torch.nn.functional.normalize(torch.ones(len(lm.sites.blocks), width, dtype=torch.float64), dim=-1)


def main(options: Options) -> None:
    """Every scheme on every size, then how they grow."""
    found: list[dict[str, Any]] = []
    growth: list[dict[str, Any]] = []

    def keep() -> None:  # after each stage: the whole takes long
        about = {"config": {"batch": BATCH, "allocator": GLIBC}, "environment": environment()}
        saved = {"rows": found, "growth": growth, **about, "command": command(sys.argv)}
        write_json(options.results / "benchmark_capture.json", saved)

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
    for title, values, how in (("clauses", LENGTHS, "clauses"), ("layers", DEPTHS, "layers")):
        schemes, against = {}, {}
        for value in values:
            bare, ours = f"{PLAIN}, {value} {title}", f"capture, last token, {value} {title}"
            schemes |= {
                bare: partial(plain, options.varied, **{how: value}),
                ours: partial(hooks, options.varied, **{how: value}),
            }
            against |= {bare: bare, ours: bare}
        about = {
            "model": options.varied,
            "parameters": parameters(load(options.varied)),
            "batch": BATCH,
            "varied": title,
        }
        found += rows(measure(schemes, rounds=options.rounds, label=title), against, **about)
        keep()
    for name, way in (("projection, kept", kept), ("shards on disk", streamed), ("mean and covariance", summed)):
        for count in (each for each in COUNTS if each <= options.most):
            highest, seconds = alone(f"{name}, {count} prompts", partial(way, count))
            took = {"peak_memory_mib": round(highest, 1), "seconds": round(seconds, 2)}
            growth.append({"scheme": name, "model": "tiny", "prompts": count, **took})
    keep()
    for row in found:
        print(f"{row['model']:22s} {row['scheme']:36s} {row['seconds']:8.3f} s  x {row['time_ratio']:6.2f}  "
              f"{row['peak_memory_mib']:8.1f} MiB")  # fmt: skip
    for row in growth:
        size, seconds = f"{row['peak_memory_mib']:8.1f} MiB", f"{row['seconds']:7.2f} s"
        print(f"{row['scheme']:24s} {row['prompts']:7,d} prompts {size} {seconds}")


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "capture.py"))
