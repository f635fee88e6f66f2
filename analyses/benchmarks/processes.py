"""What more processes bring: capture, attribution, SLiCK and training in one and in two, one thread each, in turns.

    python -m analyses.benchmarks.processes

Started by torchrun as a user starts them; the clock runs from where all processes are ready to where all are done.
Writes analyses/results/benchmark_processes.json.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import tyro
from tqdm import tqdm

from analyses.benchmarks.interleave import Measured, rows
from analyses.benchmarks.models import facts, load, parameters, questions
from analyses.common.result_file import write_result
from seat_interp.attribution import attribute
from seat_interp.capture import capture
from seat_interp.core.environment import peak_memory_mib
from seat_interp.core.errors import SeatError, reported
from seat_interp.core.files import read_json, write_json
from seat_interp.core.processes import processes
from seat_interp.evaluation.slick import SlickConfig, slick_to
from seat_interp.models.open import LanguageModel
from seat_interp.organism.study import organism_facts
from seat_interp.training.config import TrainConfig
from seat_interp.training.trainer import train


def captured(lm: LanguageModel, folder: Path) -> None:
    """Last tokens of all layers."""
    capture(lm, questions(64), batch_size=16, progress=False)


def attributed(lm: LanguageModel, folder: Path) -> None:
    """A score of every neuron."""
    attribute(lm, facts(32), batch_size=16)


def sorted_out(lm: LanguageModel, folder: Path) -> None:
    """Facts by SLiCK."""
    people = organism_facts("people")
    settings = SlickConfig(chat=True, exact=False)
    slick_to(
        lm,
        facts=people.known[:24],
        dev=people.fit_known,
        path=folder / "slick.jsonl",
        config=settings,
        batch_size=8,
        progress=False,
    )


def trained(lm: LanguageModel, folder: Path) -> None:
    """Steps of plain fine-tuning."""
    train(lm, facts(BATCH), config=TrainConfig(steps=2, batch_size=BATCH))


def trained_sharded(lm: LanguageModel, folder: Path) -> None:
    """The same, weights shared out."""
    train(lm, facts(BATCH), config=TrainConfig(steps=2, batch_size=BATCH), sharded=True)


BATCH = 64
"""Facts a step: every step ends with a sum of all gradients over the processes, whatever its batch."""
WORK: dict[str, tuple[str, Callable[[LanguageModel, Path], None]]] = {
    "capture": ("55m", captured),
    "attribution": ("55m", attributed),
    "SLiCK": ("organism", sorted_out),
    "training": ("55m", trained),
    "training, sharded": ("55m", trained_sharded),
}
"""Each with the model that it is timed on."""


@dataclass(frozen=True)
class Options:
    """What to time."""

    rounds: int = 3
    """Runs of each that count."""
    processes: int = 2
    """Against one."""
    kinds: tuple[str, ...] = tuple(WORK)
    """Of work; what the result file holds of others stays."""
    results: Path = Path("analyses/results")
    """Where the committed numbers go."""
    work: str = ""
    """Used by the processes themselves: what to do."""
    out: Path = Path()
    """Used by the processes themselves: where to say how long it took."""


def work(name: str, out: Path) -> None:
    """In one of the processes: do it twice, and time the second time."""
    torch.set_num_threads(1)
    size, do = WORK[name]
    lm, here = load(size), processes()
    for time_that_counts in (False, True):
        folder = out / str(time_that_counts)
        folder.mkdir(exist_ok=True)
        here.barrier()
        began = time.perf_counter()
        do(lm, folder)
        here.barrier()
    if here.rank == 0:
        write_json(out / "took.json", {"seconds": time.perf_counter() - began, "memory": peak_memory_mib()})


def launched(name: str, count: int) -> tuple[float, float]:
    """Seconds, and peak memory of the first process, with so many processes.

    Raises:
        SeatError: the launch failed.
    """
    with tempfile.TemporaryDirectory() as out:
        launch = [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc-per-node",
            str(count),
            "--module",
            "analyses.benchmarks.processes",
        ]
        done = subprocess.run([*launch, "--work", name, "--out", out], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SeatError(f"{name} with {count} processes ended early: {done.stderr.strip().splitlines()[-1]}")
        took = read_json(Path(out) / "took.json")
        return took["seconds"], took["memory"]


def main(options: Options) -> None:
    """All work, with one process and with more, in turns."""
    if options.work:
        return work(options.work, options.out)
    unknown = [kind for kind in options.kinds if kind not in WORK]
    if unknown:
        raise SeatError(f"There is no work {unknown[0]!r}. Choose from {', '.join(map(repr, WORK))}.")
    path = options.results / "benchmark_processes.json"
    saved = read_json(path)["rows"] if path.exists() else []
    found: list[dict[str, Any]] = [row for row in saved if row["scheme"].rpartition(", ")[0] not in options.kinds]
    many = f"{options.processes} processes"
    for name in tqdm(options.kinds, unit="kind"):
        size = WORK[name][0]
        took: dict[str, list[tuple[float, float]]] = {"1 process": [], many: []}
        for _ in range(options.rounds):
            for scheme, count in (("1 process", 1), (many, options.processes)):
                took[scheme].append(launched(name, count))
        seen = {
            f"{name}, {scheme}": Measured([seconds for seconds, _ in each], max(memory for _, memory in each))
            for scheme, each in took.items()
        }
        about = {
            "model": size,
            "parameters": parameters(load(size)),
            "batch": BATCH if name.startswith("training") else 16,
        }
        found += rows(seen, dict.fromkeys(seen, f"{name}, 1 process"), **about)
    for row in found:
        print(
            f"{row['scheme']:32s} {row['seconds']:7.2f} s  x {row['time_ratio']:.2f}  {row['peak_memory_mib']:.0f} MiB"
        )
    write_result(path, found, {"processes": options.processes})
    return None


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "processes.py"))
