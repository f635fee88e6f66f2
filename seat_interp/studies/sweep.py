"""Arms and seeds of a study as jobs of their own, on Slurm or on this machine, through submitit."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from seat_interp.core.errors import SeatError, require_package, require_within, see
from seat_interp.core.progress import progress_bar

Cell = tuple[str, int]
"""An arm and a seed."""
_PAUSE = 0.5
"""Seconds between looks at jobs."""


@dataclass(frozen=True)
class Jobs:
    """What each job gets, and how many there are at a time.

    Attributes:
        cluster: Slurm, or processes of this machine.
        at_once: jobs at the same time.
        cpus: cores of each, and its threads.
        gpus: of each, on this machine its own: 0, and it computes on the CPU, or 1, since a study uses one.
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
        require_within(self, "gpus", 0, 1)
        for name in ("memory_gb", "hours"):
            require_within(self, name, 0, above=True)

    def executor(self, folder: Path) -> Any:
        """submitit's, with what each job gets.

        Args:
            folder: of its files: what a job was given, what it printed and what it gave back.

        Raises:
            SeatError: submitit is not installed, or there is no Slurm here.
        """
        submitit = require_package("submitit", "sweep", "Submitting jobs")
        minutes = max(1, round(60 * self.hours))
        if self.cluster == "local":
            executor: Any = submitit.LocalExecutor(folder)
            executor.update_parameters(timeout_min=minutes, gpus_per_node=self.gpus)
            return executor
        try:
            executor = submitit.AutoExecutor(folder, cluster="slurm")
        except RuntimeError as error:
            raise SeatError(
                "There is no Slurm on this machine. Call from a login node, or give `local`. "
                + see("how_to/gpu_and_cluster")
            ) from error
        given = {"mem_gb": self.memory_gb, "slurm_partition": self.partition}
        executor.update_parameters(
            name="seat_interp",
            timeout_min=minutes,
            cpus_per_task=self.cpus,
            gpus_per_node=self.gpus,
            **{key: value for key, value in given.items() if value is not None},
        )
        return executor

    def submit(self, executor: Any, place: int, run: Callable[[Cell], object], cell: Cell) -> Any:
        """One job.

        Args:
            executor: as `executor` gives it.
            place: which of the jobs at the same time; on this machine each has GPUs of its own.
            run: what it does.
            cell: with what.

        Raises:
            SeatError: Slurm refused it.
        """
        from submitit.core.utils import FailedJobError, FailedSubmissionError

        if self.cluster == "local":
            executor.update_parameters(visible_gpus=tuple(range(place * self.gpus, (place + 1) * self.gpus)))
        try:
            return executor.submit(run, cell)
        except (FailedJobError, FailedSubmissionError) as error:
            raise SeatError(f"Slurm refused a job: {str(error).strip().splitlines()[-1]}") from error


def sweep(run: Callable[[Cell], object], cells: Sequence[Cell], jobs: Jobs, folder: Path) -> None:
    """One job for each cell. One that fails stops no other; a caller that is cut off cancels those that run.

    Args:
        run: it runs in the jobs, so it must be importable there.
        cells: what is to be done.
        jobs: what each gets.
        folder: of submitit's files.

    Raises:
        SeatError: jobs that failed, after all others are done, with the reason of the first and its log; or as
            `Jobs.executor` and `Jobs.submit`.
    """
    executor = jobs.executor(folder)
    todo, running, failed = list(cells), dict[int, tuple[Cell, Any]](), dict[Cell, Any]()
    try:
        with progress_bar(total=len(cells), desc="Jobs", unit="job") as bar:
            while todo or running:
                for place in range(jobs.at_once):
                    if todo and place not in running:
                        running[place] = todo[0], jobs.submit(executor, place, run, todo.pop(0))
                for place, (cell, job) in list(running.items()):
                    if job.done():
                        del running[place]
                        bar.update()
                        if job.exception() is not None:
                            failed[cell] = job
                time.sleep(_PAUSE)
    finally:
        for _, job in running.values():
            job.cancel(check=False)
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
    return last.removeprefix("seat_interp.core.errors.SeatError: ")
