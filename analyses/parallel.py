"""A study with its arms and seeds shared out over processes of one thread: a model this small gains nothing from more.

Every process works in the one folder of the study; whoever comes later reads back what is finished.
"""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

import torch
from tqdm import tqdm

Study = Callable[[tuple[str, ...], tuple[int, ...]], dict[str, Any]]
"""(arms, seeds) -> the summary of `run_study` with them, always in the same folder; importable."""


def in_parallel(study: Study, arms: Sequence[str], seeds: Sequence[int], *, workers: int = 2) -> dict[str, Any]:
    """Every arm with every seed, then the summary of them all. Seeds outermost: what is cut off has whole comparisons.

    Args:
        study: what runs some of it.
        arms: names.
        seeds: one run of each arm for each.
        workers: processes.
    """
    first, *rest = [((arm,), (seed,)) for seed in seeds for arm in arms]
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), torch.set_num_threads, (1,))
    try:
        with tqdm(total=1 + len(rest), unit="run") as bar:
            pool.submit(study, *first).result()  # alone: it measures the base, which the others read back
            bar.update()
            for job in as_completed([pool.submit(study, *each) for each in rest]):
                job.result()
                bar.update()
    finally:  # one that fails does not wait for all that are still to come
        pool.shutdown(cancel_futures=True)
    return study(tuple(arms), tuple(seeds))
