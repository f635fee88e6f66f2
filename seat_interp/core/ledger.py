"""The ledger of long work: a folder claimed for settings, rows kept as they come, cells run in processes or as jobs."""

import glob
import json
import multiprocessing
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from seat_interp.core.errors import SeatError, require_package, require_within, see
from seat_interp.core.files import (
    append_jsonl,
    load_tensors,
    read_growing,
    read_json,
    save_tensors,
    write_json,
    write_jsonl,
)
from seat_interp.core.progress import progress_bar

if TYPE_CHECKING:
    from torch import Tensor

C = TypeVar("C")


def claim(
    path: Path,
    settings: Mapping[str, Any],
    *,
    begun: Callable[[], bool],
    refusal: str,
    notes: Mapping[str, Any] | None = None,
    write: bool = True,
) -> dict[str, Any]:
    """Claim work for settings: write them to a file, or compare them with those that it holds.

    Args:
        path: JSON file for the settings, beside the results that depend on them.
        settings: Settings of the work.
        begun: Function that returns whether there are results of other settings, with which new ones would mix.
        refusal: Sentence for the user if there are.
        notes: Entries beside the settings, which are then the entry `config` of the file.
        write: Whether the claim is written; otherwise it is only checked.

    Returns:
        The content of the file, and the earlier claim's where one with these settings is there.

    Raises:
        SeatError: There are results of other settings.
    """
    content: dict[str, Any] = json.loads(json.dumps(settings if notes is None else {"config": settings, **notes}))
    before = read_json(path) if path.exists() else None
    if before is not None and (before == content if notes is None else before.get("config") == content["config"]):
        return before
    if begun():
        raise SeatError(refusal)
    if write:
        write_json(path, content)
    return content


def once(path: Path, make: Callable[[Path], object]) -> bool:
    """Make what a path is to hold, unless it is there: whatever makes it must write it whole and last.

    Args:
        path: Path of a file or folder.
        make: Function that is given the path and makes it.

    Returns:
        Whether it was made now.
    """
    if path.exists():
        return False
    make(path)
    return True


@dataclass(frozen=True)
class Rows:
    """Rows of results in JSON lines that are kept as they come; each of several processes writes a file of its own.

    Attributes:
        path: File of the first process.
        others: Name of the file of another process, with `{}` for its rank.
    """

    path: Path
    others: str = "{}"

    def read(self) -> list[dict[str, Any]]:
        """Read the rows of all processes; a row that was cut off is taken out of its file.

        Returns:
            JSON objects, those of the first process first.
        """
        return [row for path in (self.path, *self._parts()) for row in read_growing(path)]

    def append(self, row: Mapping[str, Any], rank: int = 0) -> None:
        """Add a row.

        Args:
            row: JSON object.
            rank: Rank of the process that adds it.
        """
        append_jsonl(self.path.with_name(self.others.format(rank)) if rank else self.path, [row])

    def join(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows as the only ones, in their final order, and remove the files of the other processes.

        Args:
            rows: JSON objects.
        """
        write_jsonl(self.path, rows)
        for part in self._parts():
            part.unlink()

    def exist(self) -> bool:
        """Return whether any process has written a row.

        Returns:
            True if a file is there.
        """
        return self.path.exists() or bool(self._parts())

    def _parts(self) -> list[Path]:
        before, _, after = self.others.partition("{}")
        pattern = f"{glob.escape(before)}*{glob.escape(after)}"
        return sorted(set(self.path.parent.glob(pattern)) - {self.path}) if before else []


@dataclass(frozen=True)
class Checkpoint:
    """Tensors of work that is not finished, in a file that says what they depend on.

    Attributes:
        path: File, or None for work without a checkpoint.
        format: Kind of the file, such as "seat_interp.training".
        identity: Digest of all that the tensors depend on.
    """

    path: str | Path | None
    format: str
    identity: str

    def save(self, tensors: Mapping[str, "Tensor"], **entries: Any) -> None:
        """Write the checkpoint in one piece.

        Args:
            tensors: Tensors by name.
            entries: Entries of the header, as JSON.
        """
        if self.path is not None:
            save_tensors(
                self.path, tensors, {"format": self.format, "version": 1, "identity": self.identity, **entries}
            )

    def load(self) -> "tuple[dict[str, Tensor], dict[str, Any]] | None":
        """Load the checkpoint.

        Returns:
            Tensors and header, or None if there is no checkpoint.

        Raises:
            SeatError: The checkpoint belongs to other settings.
        """
        if self.path is None or not Path(self.path).exists():
            return None
        tensors, header = load_tensors(self.path, self.format)
        if header["identity"] != self.identity:
            raise SeatError(
                f"{self.path} is a checkpoint of a run with other settings or facts. "
                "Remove it, or restore the settings."
            )
        return tensors, header

    def remove(self) -> None:
        """Remove the file of work that is finished."""
        if self.path is not None:
            Path(self.path).unlink(missing_ok=True)


Submit = Callable[[int, Callable[[Any], Any], Any], Any]
"""A function from place, function and cell to a job with `done`, `exception` and `result`."""


@dataclass(frozen=True)
class Workers:
    """Processes of this machine.

    Attributes:
        at_once: Number of processes.
        threads: Number of torch's threads in each.
    """

    at_once: int = 2
    threads: int = 1
    pause: ClassVar[float] = 0.05

    @contextmanager
    def open(self, folder: Path) -> Iterator[Submit]:
        """Start the processes.

        Args:
            folder: Not used: processes write no files of their own.

        Yields:
            Function that submits a cell.
        """
        pool = ProcessPoolExecutor(self.at_once, multiprocessing.get_context("spawn"), _set_threads, (self.threads,))
        try:
            yield lambda place, run, cell: pool.submit(run, cell)
        finally:
            pool.shutdown(cancel_futures=True)

    def reason(self, job: Any) -> str:
        """Return in one line why a cell failed.

        Args:
            job: Future of the cell.

        Returns:
            The message of a `SeatError`, and that of any other error with its type.
        """
        error = job.exception()
        return str(error) if isinstance(error, SeatError) else f"{type(error).__name__}: {error}"


def _set_threads(count: int) -> None:
    import torch

    torch.set_num_threads(count)


@dataclass(frozen=True)
class Jobs:
    """Jobs of submitit, on Slurm or on this machine.

    Attributes:
        cluster: "slurm", or "local" for processes of this machine.
        at_once: Number of jobs at the same time.
        cpus: Number of cores of a job, and of its threads.
        gpus: Number of GPUs of a job, 0 or 1: a study uses one.
        memory_gb: Memory of a job in GB; the cluster's default if None. Not used on this machine.
        hours: Hours after which a job is ended; another call resumes from its last checkpoint.
        partition: Partition of Slurm; its default if None.
    """

    cluster: Literal["slurm", "local"] = "local"
    at_once: int = 2
    cpus: int = 1
    gpus: int = 0
    memory_gb: int | None = None
    hours: float = 12.0
    partition: str | None = None
    pause: ClassVar[float] = 0.5

    def __post_init__(self) -> None:
        for name in ("at_once", "cpus"):
            require_within(self, name, 1)
        require_within(self, "gpus", 0, 1)
        for name in ("memory_gb", "hours"):
            require_within(self, name, 0, above=True)

    @contextmanager
    def open(self, folder: Path) -> Iterator[Submit]:
        """Open an executor of submitit.

        Args:
            folder: Folder for its files: the input of each job, what it printed and what it returned.

        Yields:
            Function that submits a cell.

        Raises:
            SeatError: submitit is not installed, or there is no Slurm here.
        """
        executor, submitted = self._executor(folder), []

        def submit(place: int, run: Callable[[Any], Any], cell: Any) -> Any:
            submitted.append(self._submit(executor, place, run, cell))
            return submitted[-1]

        try:
            yield submit
        finally:
            for job in submitted:
                if not job.done():
                    job.cancel(check=False)

    def _executor(self, folder: Path) -> Any:
        submitit = require_package("submitit", "sweep", "Submitting jobs")
        minutes = max(1, round(60 * self.hours))
        if self.cluster == "local":
            local: Any = submitit.LocalExecutor(folder)
            local.update_parameters(timeout_min=minutes, gpus_per_node=self.gpus)
            return local
        try:
            executor = submitit.AutoExecutor(folder, cluster="slurm")
        except RuntimeError as error:
            raise SeatError(
                "There is no Slurm on this machine. Call from a login node, or give `local`. "
                + see("how_to/gpu_and_cluster")
            ) from error
        wishes = {"mem_gb": self.memory_gb, "slurm_partition": self.partition}
        executor.update_parameters(
            name="seat_interp",
            timeout_min=minutes,
            cpus_per_task=self.cpus,
            gpus_per_node=self.gpus,
            **{key: value for key, value in wishes.items() if value is not None},
        )
        return executor

    def _submit(self, executor: Any, place: int, run: Callable[[Any], Any], cell: Any) -> Any:
        """Submit one job; on this machine each place has GPUs of its own."""
        from submitit.core.utils import FailedJobError, FailedSubmissionError

        if self.cluster == "local":
            executor.update_parameters(visible_gpus=tuple(range(place * self.gpus, (place + 1) * self.gpus)))
        try:
            return executor.submit(run, cell)
        except (FailedJobError, FailedSubmissionError) as error:
            raise SeatError(f"Slurm refused a job: {str(error).strip().splitlines()[-1]}") from error

    def reason(self, job: Any) -> str:
        """Return in one line why a job failed, and where its log is.

        Args:
            job: Job of submitit, which puts the whole trace between two lines of dashes.

        Returns:
            The last line of the trace, and the path of the log.
        """
        text = str(job.exception())
        trace = re.search(r"^-{5,}\n(.*?)\n+-{5,}$", text, flags=re.DOTALL | re.MULTILINE)
        last = (trace[1] if trace else text).strip().splitlines()[-1]
        return f"{last.removeprefix('seat_interp.core.errors.SeatError: ')} Its log is {job.paths.stderr}."


def run_cells(
    run: Callable[[C], Any],
    cells: Sequence[C],
    executor: Workers | Jobs,
    folder: Path,
    *,
    keep: Callable[[C, Any], None] | None = None,
    name: Callable[[C], str] = str,
    unit: str = "run",
) -> None:
    """Run cells in processes or as jobs. One that fails stops no other; a caller that is cut off cancels the rest.

    Args:
        run: Function of a cell that can be imported where the cell runs.
        cells: Cells to run, each once.
        executor: `Workers` or `Jobs`.
        folder: Folder for the executor's own files.
        keep: Function of a cell and its result, called here as soon as it is there.
        name: Function that names a cell in a message.
        unit: Name of one cell in the progress bar.

    Raises:
        SeatError: Cells failed; all others are done. The message has the reason of the first.
    """
    todo, running, failed = list(cells), dict[int, tuple[C, Any]](), list[tuple[C, Any]]()
    with (
        executor.open(folder) as submit,
        progress_bar(total=len(todo), desc=f"{unit.capitalize()}s", unit=unit) as bar,
    ):
        while todo or running:
            for place in range(executor.at_once):
                if todo and place not in running:
                    running[place] = todo[0], submit(place, run, todo.pop(0))
            for place, (cell, job) in list(running.items()):
                if not job.done():
                    continue
                del running[place]
                bar.update()
                if job.exception() is not None:
                    failed.append((cell, job))
                elif keep:
                    keep(cell, job.result())
            time.sleep(executor.pause)
    if failed:
        cell, job = failed[0]
        raise SeatError(
            f"{len(failed)} of {len(cells)} {unit}s failed; the first is {name(cell)}: {executor.reason(job)} "
            f"The same call runs what is not done."
        )
