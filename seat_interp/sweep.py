"""Arms and seeds of a study as jobs of their own, on Slurm or on this machine, through submitit."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tqdm import tqdm

from seat_interp.errors import SeatError, require_within

Cell = tuple[str, int]
"""An arm and a seed."""
PAUSE = 0.5
"""Seconds between looks at jobs."""


@dataclass(frozen=True)
class Jobs:
    """What each job gets, and how many there are at a time.

    Attributes:
        cluster: Slurm, or processes of this machine.
        at_once: jobs at the same time.
        cpus: cores of each, and its threads.
        gpus: of each.
        memory_gb: of each; as the cluster has it if None. Not used on this machine.
        hours: after which a job is ended; another call goes on from its last checkpoint.
        partition: of Slurm; its own choice if None.
    """

    cluster: Literal["slurm", "local"] = "local"
    at_once: int = 2
    cpus: int = 1
    gpus: int = 0
    memory_gb: int | None = None
    hours: float = 12.0
    partition: str | None = None

    def __post_init__(self) -> None:
        for name in ("at_once", "cpus"):
            require_within(self, name, 1)
        require_within(self, "gpus", 0)
        for name in ("memory_gb", "hours"):
            require_within(self, name, 0, above=True)

    def executor(self, folder: Path) -> Any:
        """submitit's, with what each job gets.

        Args:
            folder: of its files: what a job was given, what it printed and what it gave back.

        Raises:
            SeatError: submitit is not installed, or there is no Slurm here.
        """
        try:
            import submitit
        except ImportError as error:
            raise SeatError(
                "Jobs are submitted by submitit, which is not installed: pip install 'seat_interp[sweep]'."
            ) from error
        try:
            executor = submitit.AutoExecutor(folder=folder, cluster=self.cluster)
        except RuntimeError as error:
            raise SeatError("There is no Slurm on this machine. Call from a login node, or give `local`.") from error
        given = {"mem_gb": self.memory_gb, "slurm_partition": self.partition}
        executor.update_parameters(
            name="seat_interp",
            timeout_min=max(1, round(60 * self.hours)),
            cpus_per_task=self.cpus,
            gpus_per_node=self.gpus,
            **{key: value for key, value in given.items() if value is not None},
        )
        return executor


def sweep(run: Callable[[tuple[Cell, ...]], object], cells: Sequence[Cell], jobs: Jobs, folder: Path) -> None:
    """One job for each cell, the first one by itself, since it measures the base that the others read back.

    Args:
        run: given one cell as a tuple; it runs in the jobs, so it must be importable there.
        cells: what is to be done.
        jobs: what each gets.
        folder: of submitit's files.

    Raises:
        SeatError: jobs that failed, after all others are done, with the reason of the first and its log; or as
            `Jobs.executor`.
    """
    executor = jobs.executor(folder)
    failed: dict[Cell, Any] = {}
    with tqdm(total=len(cells), desc="Jobs", unit="job") as bar:
        for together, at_once in ((cells[:1], 1), (cells[1:], jobs.at_once)):
            todo, running = list(together), dict[Cell, Any]()
            while todo or running:
                while todo and len(running) < at_once:
                    cell = todo.pop(0)
                    running[cell] = executor.submit(run, (cell,))
                for cell in [cell for cell, job in running.items() if job.done()]:
                    job = running.pop(cell)
                    if job.exception() is not None:
                        failed[cell] = job
                    bar.update()
                time.sleep(PAUSE)
            if failed and together == cells[:1]:
                break  # without a base no other one can run
    if failed:
        (arm, seed), job = next(iter(failed.items()))
        raise SeatError(
            f"{len(failed)} of {len(cells)} jobs failed; the first is {arm}, seed {seed}: {_reason(job)} "
            f"Its log is {job.paths.stderr}. The same call submits what is not done."
        )


def _reason(job: Any) -> str:
    """What its error said: submitit puts the whole trace between two lines of dashes."""
    said = str(job.exception())
    trace = re.search(r"^-{5,}\n(.*?)\n+-{5,}$", said, flags=re.DOTALL | re.MULTILINE)
    last = (trace[1] if trace else said).strip().splitlines()[-1]
    return last.removeprefix("seat_interp.errors.SeatError: ")
