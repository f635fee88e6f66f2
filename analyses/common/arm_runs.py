"""Studies of many arms: arms and seeds shared out over processes, one folder, their table and result file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from analyses.common.first_replies import first_replies
from analyses.common.result_file import commands, write_result
from seat_interp.core.errors import SeatError
from seat_interp.core.files import read_json
from seat_interp.core.ledger import Workers, run_cells
from seat_interp.results.tables import print_summary
from seat_interp.studies.run_folder import BASE, RunFolder, join_runs, run_folder, unfinished


@dataclass(frozen=True)
class ArmOptions:
    """What every script of many arms can be told."""

    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """One run of each arm for each."""
    arms: tuple[str, ...] = ()
    """Some of the arms; all if none is named."""
    workers: int = 2
    """Processes."""
    threads: int = 1
    """Of each process; a model as small as the organism gains nothing from more."""
    results: Path = Path("analyses/results")
    """Where the committed numbers go."""


def every_run(path: Path) -> RunFolder:
    """All finished runs in a folder, whichever script made them, joined."""
    join_runs(path)
    return RunFolder.open(path)


def compare_in(
    out: Path,
    some: Callable[[tuple[str, ...], tuple[int, ...]], object],
    every: tuple[str, ...],
    options: ArmOptions,
    saved: Path,
) -> None:
    """Arms and seeds that are not in a folder yet, the table, and the result file.

    Args:
        out: the folder.
        some: runs `run_study` with (arms, seeds), always in that folder, and joins nothing.
        every: all arms of the script; the file holds those that have been run, whichever call ran them.
        options: which arms and seeds, in how many processes.
        saved: the result file.
    """
    if unknown := [arm for arm in options.arms if arm not in every]:
        raise SeatError(f"There is no arm {unknown[0]!r} here. Choose from {', '.join(every)}.")
    if not options.seeds:
        raise SeatError("No seed is given. Give at least one, as --seeds 0 1 2.")
    arms = tuple(arm for arm in every if not options.arms or arm in options.arms)
    jobs = unfinished(out, arms, options.seeds)
    in_parallel(some, jobs, options.workers, options.threads)
    some(arms, options.seeds)  # refuses what is there of other settings
    folder, order = every_run(out), [BASE, *every]
    summary = dict(folder.summary)
    mine = [run.row for run in (folder.base, *folder.runs) if run.arm in order]
    summary["rows"] = sorted(mine, key=lambda row: (order.index(row["arm"]), row["seed"]))
    print_summary(summary)
    there = {row["arm"]: row["seed"] for row in reversed(summary["rows"][1:])}
    trained = {arm: _described(run_folder(out, arm, there[arm])) for arm in order if arm in there}
    summary["config"] |= {"arms": list(trained), "seeds": sorted({row["seed"] for row in mine}), "trained": trained}
    summary["command"] = commands(read_json(saved) if saved.exists() else None, made=bool(jobs))
    summary["layers"] = {arm: folder.of_arm(arm)[0].displacement for arm in trained}
    summary["replies"] = first_replies([folder.base, *(folder.of_arm(arm)[0] for arm in trained)])
    write_result(saved, **summary)
    print(f"Result: {saved}")


def _described(run: Path) -> dict[str, Any]:
    """How an arm trained; its questions are counted."""
    arm = read_json(run / "arm.json")
    for term in arm["objective"].values():
        if "questions" in term:
            term["questions"] = len(term["questions"])
    return arm


def in_parallel(
    some: Callable[[tuple[str, ...], tuple[int, ...]], object],
    jobs: Sequence[tuple[str, int]],
    workers: int,
    threads: int = 1,
) -> None:
    """Run arms with their seeds, each in the folder of all.

    Args:
        some: Function that runs `run_study` with (arms, seeds), always in the same folder, and joins nothing.
        jobs: Arm and seed of each; seeds outermost, so that what is cut off has whole comparisons.
        workers: Number of processes.
        threads: Number of threads of each.
    """
    run, on = partial(_one, some), Workers(workers, threads)
    for cells in (jobs[:1], jobs[1:]):  # the first by itself: it measures the base, which the others read back
        run_cells(run, cells, on, Path())


def _one(some: Callable[[tuple[str, ...], tuple[int, ...]], object], cell: tuple[str, int]) -> None:
    arm, seed = cell
    some((arm,), (seed,))
