"""Studies of many arms on the organism: arms and seeds shared out over processes, one folder for each target set.

The scripts that use it share their folders, so that no arm is run twice: `runs/organism/people`, `.../contracts`.
A model this small gains nothing from more threads, so each process has one.
"""

import multiprocessing
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from tqdm import tqdm

from seat_interp.arms import MakeArm
from seat_interp.files import write_json
from seat_interp.models.open import open_model
from seat_interp.organism import organism_facts
from seat_interp.organism.settings import ORGANISM
from seat_interp.results.folder import RunFolder
from seat_interp.results.tables import print_summary
from seat_interp.study import StudyConfig, run_study
from seat_interp.training.objectives import OwnAnswersKL

Target = Literal["people", "contracts"]
Variants = Callable[[Target], Mapping[str, MakeArm]]
"""What is taught -> arms by name; importable, since every process calls it."""


@dataclass(frozen=True)
class Options:
    """What to run and where."""

    targets: tuple[Target, ...] = ("people", "contracts")
    """What is taught."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """One run of each arm for each."""
    arms: tuple[str, ...] = ()
    """Some of the arms; all if none is named."""
    workers: int = 2
    """Processes of one thread each."""
    work: Path = Path("runs/organism_studies")
    """What is kept between calls, a folder for each target set; scripts share it."""
    results: Path = Path("analyses/results")
    """Where the committed numbers go."""


def config_for(target: Target) -> StudyConfig:
    """The settings of every study of the organism."""
    # It never learnt to ask: what it keeps are its own replies about people or firms that no probe is about.
    questions = tuple(fact.question for fact in organism_facts(target).fit_known)
    settings = replace(ORGANISM.settings, keep=OwnAnswersKL(questions=questions))
    return replace(ORGANISM, settings=settings, keep_models=True)


def study(
    variants: Variants, target: Target, out: Path, arms: tuple[str, ...], seeds: tuple[int, ...]
) -> dict[str, Any]:
    """Some arms and seeds, in the folder of all."""
    wanted = {name: make for name, make in variants(target).items() if name in arms}
    config, about = replace(config_for(target), seeds=seeds), {"facts": f"organism, {target}"}
    lm, sets = open_model("organism"), organism_facts(target)
    return run_study(lm, sets, config, out, variants=wanted, about=about, say=lambda text: None)


def compare_arms(name: str, variants: Variants, options: Options) -> None:
    """Every arm with every seed, the table, and `analyses/results/<name>_<target>.json`."""
    for target in options.targets:
        out = options.work / target
        arms = tuple(arm for arm in variants(target) if not options.arms or arm in options.arms)
        summary = in_parallel(partial(study, variants, target, out), arms, options.seeds, options.workers)
        print_summary(summary)
        folder = RunFolder.open(out)
        summary["command"] = f"python analyses/{name}.py"
        summary["layers"] = {arm: folder.of_arm(arm)[0].displacement for arm in folder.arms}
        write_json(options.results / f"{name}_{target}.json", summary)


def in_parallel(
    some: Callable[[tuple[str, ...], tuple[int, ...]], dict[str, Any]],
    arms: tuple[str, ...],
    seeds: tuple[int, ...],
    workers: int,
) -> dict[str, Any]:
    """Every arm with every seed, then the summary of them all. Seeds outermost: what is cut off has whole comparisons.

    Args:
        some: (arms, seeds) -> the summary of `run_study` with them, always in the same folder.
        arms: names.
        seeds: one run of each arm for each.
        workers: processes.
    """
    first, *rest = [((arm,), (seed,)) for seed in seeds for arm in arms]
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), torch.set_num_threads, (1,))
    try:
        with tqdm(total=1 + len(rest), unit="run") as bar:
            pool.submit(some, *first).result()  # alone: it measures the base, which the others read back
            bar.update()
            for job in as_completed([pool.submit(some, *each) for each in rest]):
                job.result()
                bar.update()
    finally:  # one that fails does not wait for all that are still to come
        pool.shutdown(cancel_futures=True)
    return some(arms, seeds)
