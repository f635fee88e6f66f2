"""Schemes timed side by side: one process each, all in one run, taking turns, so that a slow minute hits them alike.

A scheme is a generator function that loads a model and yields, then makes ready what it needs and yields one step, a
function. Its process waits after that; one process at a time is told to make a step. Time ratios are taken round by
round against the scheme named in `against`, and given as median with the middle half. Memory is the peak above what the
process held when its model was loaded: all that a scheme adds counts, masks and adapters too. It is taken in a second
process that returns every freed block to the system: what the heap happens to keep varies by hundreds of MiB from one
run of the same scheme to the next.
"""

import multiprocessing
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from tqdm import tqdm

from seat_interp.core.environment import peak_memory_mib, reset_peak_memory
from seat_interp.core.errors import SeatError

Setup = Callable[[], Iterator[Any]]
"""Yields once its model is loaded, and then its step."""
MEMORY_STEPS = 4
"""Before the peak is read; it is reached in the second, when the optimiser has its state."""
GLIBC = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "0"}
"""Makes glibc give freed blocks back to the system at once."""


@dataclass(frozen=True)
class Measured:
    """What one scheme took.

    Attributes:
        seconds: of a step, one a round.
        peak_memory_mib: highest resident memory during the steps, above that with the model loaded.
    """

    seconds: list[float]
    peak_memory_mib: float


def measure(
    schemes: Mapping[str, Setup], *, rounds: int, warm_up: int = 2, memory_steps: int = MEMORY_STEPS, label: str = ""
) -> dict[str, Measured]:
    """Time every scheme, in turns.

    Args:
        schemes: by name; the functions must be importable (no closures), since each runs in a process of its own.
        rounds: steps that count, at least 3.
        warm_up: steps before, of each.
        memory_steps: steps before a peak is read.
        label: for the progress bar.
    """
    if rounds < 3:
        raise SeatError(f"There are {rounds} rounds; a median with its spread needs at least 3.")
    peaks = {
        name: peak(name, setup, memory_steps)
        for name, setup in tqdm(schemes.items(), desc=f"{label}, memory", leave=False)
    }
    workers = {name: _start(name, setup) for name, setup in schemes.items()}
    seconds: dict[str, list[float]] = {name: [] for name in schemes}
    order = random.Random(0)
    for turn in tqdm(range(warm_up + rounds), desc=label, unit="round", leave=False):
        for name in order.sample(list(workers), len(workers)):  # what comes first in a round is at an advantage
            line = workers[name][1]
            line.send("step")
            took = _answer(name, line)
            if turn >= warm_up:
                seconds[name].append(took)
    for process, line in workers.values():
        line.send("end")
        process.join()
    return {name: Measured(seconds[name], peaks[name]) for name in schemes}


def peak(name: str, setup: Setup, steps: int = MEMORY_STEPS) -> float:
    """Highest memory of a scheme in MiB, above that with its model loaded."""
    return alone(name, setup, steps)[0]


def alone(name: str, setup: Setup, steps: int = 1) -> tuple[float, float]:
    """That memory, and the seconds of the last step."""
    with _environment(GLIBC):
        process, line = _start(name, setup)
    for _ in range(steps):
        line.send("step")
        seconds = _answer(name, line)
    line.send("end")
    highest = _answer(name, line)
    process.join()
    return float(highest), float(seconds)


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _start(name: str, setup: Setup) -> tuple[Any, Connection]:
    """A process that has made ready; one at a time, so that loading does not disturb anybody."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(setup, theirs), daemon=True)
    process.start()
    theirs.close()
    _answer(name, ours)
    return process, ours


def _answer(name: str, line: Connection) -> Any:
    try:
        return line.recv()
    except EOFError as error:
        raise SeatError(f"The process of the scheme {name!r} ended early; what it said stands above.") from error


def _serve(setup: Setup, line: Connection) -> None:
    stages = setup()
    next(stages)
    reset_peak_memory()
    before = peak_memory_mib()
    step = next(stages)
    line.send("ready")
    while line.recv() == "step":
        began = time.perf_counter()
        step()
        line.send(time.perf_counter() - began)
    line.send(peak_memory_mib() - before)


def rows(found: Mapping[str, Measured], against: Mapping[str, str], **about: Any) -> list[dict[str, Any]]:
    """One row a scheme for the result file.

    Args:
        found: what was measured.
        against: for each scheme the one its ratios are taken against.
        about: the same for all rows, such as the model's size.
    """
    made = []
    for name, each in found.items():
        other = found[against[name]]
        ratios = [mine / theirs for mine, theirs in zip(each.seconds, other.seconds)]
        low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
        made.append(
            {
                "scheme": name,
                **about,
                "seconds": statistics.median(each.seconds),
                "peak_memory_mib": round(each.peak_memory_mib, 1),
                "against": against[name],
                "time_ratio": round(middle, 3),
                "time_ratio_spread": [round(low, 3), round(high, 3)],
                "memory_ratio": round(each.peak_memory_mib / max(other.peak_memory_mib, 0.1), 3),
                "rounds": len(each.seconds),
            }
        )
    return made
