"""Studies of many arms: arms and seeds shared out over processes, one folder, their table and result file."""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from common.result_file import commands, write_result
from seat_interp.errors import SeatError
from seat_interp.files import read_json, write_json
from seat_interp.results.folder import RunFolder
from seat_interp.results.tables import print_summary


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
    """All finished runs in a folder, whichever script made them."""
    made = [read_json(row) for row in sorted(path.glob("*/row.json"))]
    if not made:
        raise SeatError(f"There are no runs in {path}. Make them with `python analyses/organism_arms.py`.")
    rows = sorted(made, key=lambda row: (row["arm"] != "base", row["arm"], row["seed"]))
    write_json(path / "summary.json", {"rows": rows, "config": read_json(path / "config.json")})
    return RunFolder.open(path)


def compare_in(
    out: Path,
    some: Callable[[tuple[str, ...], tuple[int, ...]], dict[str, Any]],
    every: tuple[str, ...],
    options: ArmOptions,
    saved: Path,
) -> None:
    """Arms and seeds that are not in a folder yet, the table, and the result file.

    Args:
        out: the folder.
        some: (arms, seeds) -> the summary of `run_study` with them, always in that folder.
        every: all arms of the script; the file holds those that have been run, whichever call ran them.
        options: which arms and seeds, in how many processes.
        saved: the result file.
    """
    if unknown := [arm for arm in options.arms if arm not in every]:
        raise SeatError(f"There is no arm {unknown[0]!r} here. Choose from {', '.join(every)}.")
    if not options.seeds:
        raise SeatError("No seed is given. Give at least one, as --seeds 0 1 2.")
    arms = tuple(arm for arm in every if not options.arms or arm in options.arms)
    jobs = [(arm, seed) for seed in options.seeds for arm in arms if not (out / f"{arm}-{seed}" / "row.json").exists()]
    in_parallel(some, jobs, options.workers, options.threads)
    summary = some(arms, options.seeds)
    folder, order = every_run(out), ["base", *every]
    mine = [run.row for run in (folder.base, *folder.runs) if run.arm in order]
    summary["rows"] = sorted(mine, key=lambda row: (order.index(row["arm"]), row["seed"]))
    print_summary(summary)
    there = {row["arm"]: row["seed"] for row in reversed(summary["rows"][1:])}
    trained = {arm: _described(out / f"{arm}-{there[arm]}") for arm in order if arm in there}
    summary["config"] |= {"arms": list(trained), "seeds": sorted({row["seed"] for row in mine}), "trained": trained}
    summary["command"] = commands(read_json(saved) if saved.exists() else None, made=bool(jobs))
    summary["layers"] = {arm: folder.of_arm(arm)[0].displacement for arm in trained}
    write_result(saved, **summary)


def _described(run: Path) -> dict[str, Any]:
    """How an arm trained; its questions are counted."""
    arm = read_json(run / "arm.json")
    for term in arm["objective"].values():
        if "questions" in term:
            term["questions"] = len(term["questions"])
    return arm


def in_parallel(
    some: Callable[[tuple[str, ...], tuple[int, ...]], dict[str, Any]],
    jobs: Sequence[tuple[str, int]],
    workers: int,
    threads: int = 1,
) -> None:
    """Every run, each in the folder of all.

    Args:
        some: (arms, seeds) -> the summary of `run_study` with them, always in the same folder.
        jobs: arm and seed of each; seeds outermost, so that what is cut off has whole comparisons.
        workers: processes.
        threads: of each.
    """
    if not jobs:
        return
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), torch.set_num_threads, (threads,))
    try:
        with tqdm(total=len(jobs), unit="run") as bar:
            (arm, seed), *rest = jobs
            pool.submit(some, (arm,), (seed,)).result()  # alone: it measures the base, which the others read back
            bar.update()
            for job in as_completed([pool.submit(some, (arm,), (seed,)) for arm, seed in rest]):
                job.result()
                bar.update()
    finally:  # one that fails does not wait for all that are still to come
        pool.shutdown(cancel_futures=True)
