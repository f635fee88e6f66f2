"""What a capture keeps in memory, beyond the model, of 100 to 100,000 prompts.

    python -m analyses.benchmarks.capture_memory

Projections, kept; last tokens streamed to disk; and summed up in one pass. The model is of a few thousand weights, so
that growth is seen. The prompts are made as they are needed. Each measurement is in a process of its own.
Writes analyses/results/benchmark_capture_memory.json.
"""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import tyro
from tqdm import tqdm

from analyses.benchmarks.interleave import GLIBC, alone
from analyses.benchmarks.models import directions, load, parameters, questions, ready, waited
from analyses.common.result_file import write_result
from seat_interp.capture import Projection, capture, capture_to, stream
from seat_interp.core.errors import reported
from seat_interp.directions.streamed import moments

COUNTS = (100, 1_000, 10_000, 100_000)
MODEL = "tiny"


@dataclass(frozen=True)
class Options:
    """What to measure."""

    most: int = COUNTS[-1]
    """Prompts."""
    results: Path = Path("analyses/results")
    """Where the committed numbers go."""


def kept(count: int) -> Iterator[Any]:
    """A projection of so many prompts, all kept: prompts x layers numbers."""
    lm = ready(MODEL)
    yield lm
    asked = questions(count, 1)
    yield waited(lambda: capture(lm, asked, reduce=Projection(directions(lm)), progress=False))


def streamed(count: int) -> Iterator[Any]:
    """Last tokens of so many prompts in shards on disk; the prompts are made as they are needed."""
    lm = ready(MODEL)
    yield lm

    def step() -> None:
        with tempfile.TemporaryDirectory() as folder:
            capture_to(lm, endless(count), Path(folder) / "shards", progress=False)

    yield waited(step)


def summed(count: int) -> Iterator[Any]:
    """Mean and covariance of the last tokens of so many prompts, in one pass."""
    lm = ready(MODEL)
    yield lm
    yield waited(lambda: moments(stream(lm, endless(count))))


def endless(count: int) -> Iterator[str]:
    """So many questions, a thousand at a time in memory."""
    for at in range(0, count, 1000):
        yield from questions(min(1000, count - at), 1)


SCHEMES = {"projection, kept": kept, "shards on disk": streamed, "mean and covariance": summed}


def main(options: Options) -> None:
    """Every scheme at every count; saved after each, since the large ones take long."""
    size = {"model": MODEL, "parameters": parameters(load(MODEL))}
    found: list[dict[str, Any]] = []
    todo = [(name, count) for count in COUNTS if count <= options.most for name in SCHEMES]
    for name, count in tqdm(todo, unit="run"):
        highest, seconds = alone(f"{name}, {count} prompts", partial(SCHEMES[name], count))
        took = {"seconds": round(seconds, 2), "peak_memory_mib": round(highest, 1)}
        found.append({"scheme": name, **size, "prompts": count, **took})
        write_result(options.results / "benchmark_capture_memory.json", found, {"allocator": GLIBC})
    for row in found:
        size_of, seconds_of = f"{row['peak_memory_mib']:8.1f} MiB", f"{row['seconds']:7.2f} s"
        print(f"{row['scheme']:24s} {row['prompts']:7,d} prompts {size_of} {seconds_of}")


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "capture_memory.py"))
