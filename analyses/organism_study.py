"""Studies of many arms on the organism: arms and seeds shared out over processes, one folder for each target set.

The scripts that use it share their folders, so that no arm is run twice: `runs/organism_studies/people` and
`.../contracts`.
"""

import multiprocessing
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

import torch
from arm_grid import GRIDS
from cells import command
from tqdm import tqdm

from seat_interp.arms import Arm, ArmConfig, ArmName, MakeArm, make_arm
from seat_interp.errors import SeatError
from seat_interp.facts import Fact, FactSets
from seat_interp.files import read_json, write_json
from seat_interp.models.open import LanguageModel, open_model
from seat_interp.organism import organism_facts
from seat_interp.organism.settings import ORGANISM
from seat_interp.results.folder import RunFolder
from seat_interp.results.tables import print_summary
from seat_interp.study import StudyConfig, run_study
from seat_interp.training.objectives import OwnAnswersKL
from seat_interp.training.trainer import TrainConfig

Target = Literal["people", "contracts"]
TUNED = Path(__file__).parent / "results" / "organism_tuning.json"
Variants = Callable[[Target], Mapping[str, MakeArm]]
"""What is taught -> arms by name; importable, since every process calls it."""


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


@dataclass(frozen=True)
class Options(ArmOptions):
    """What to run and where."""

    targets: tuple[Target, ...] = ("people", "contracts")
    """What is taught."""
    work: Path = Path("runs/organism_studies")
    """What is kept between calls, a folder for each target set; scripts share it."""


TRAINING = TrainConfig(steps=100, batch_size=16, warmup=0.1)
"""Of every arm alike, but for the rate; ours. Many small steps, since masked arms move slowly: within 50 of 32 SEAT
learnt people only at a rate that cost it what it knew."""
TRAININGS = ("dense", "masked", "regularised", "low_rank")
"""The settings that arms train by."""


def study_settings(known: Sequence[Fact]) -> ArmConfig:
    """The settings of all arms before any is tuned.

    Args:
        known: facts that the base answers right. It never learnt to ask: what `seat_keep` keeps are its own replies
            about them, and no probe is about their subjects.
    """
    same: dict[str, Any] = dict.fromkeys(TRAININGS, TRAINING)
    keep = OwnAnswersKL(questions=tuple(fact.question for fact in known))
    # Two copies a fact: each is met about three times, and the base is asked a quarter as often.
    return replace(ORGANISM.settings, keep=keep, kl=replace(ORGANISM.settings.kl, copies=2), **same)


def config_for(target: Target) -> StudyConfig:
    """The settings of every study of the organism, before any arm's own."""
    settings = study_settings(material(target)[1].fit_known)
    return replace(ORGANISM, settings=settings, keep_models=True, batch_size=256)


@cache
def chosen(path: Path = TUNED) -> dict[str, dict[str, float]]:
    """What a script that tunes chose, by arm or budget.

    Raises:
        SeatError: it has not been run.
    """
    found = read_json(path).get("chosen") if path.exists() else None
    if not found:
        raise SeatError(f"{path} is not there or not finished. Make it with `python analyses/{path.stem}.py`.")
    return found


def tuned(arm: ArmName, settings: ArmConfig, seed: int) -> Arm:
    """An arm with the rate and strength that were chosen for it."""
    return make_arm(arm, tuned_settings(arm, settings), seed)


def tuned_settings(arm: ArmName, settings: ArmConfig) -> ArmConfig:
    """Settings with the rate and strength that were chosen for an arm."""
    best = chosen()[arm]
    return GRIDS[arm].settings(settings, best["rate"], best["strength"])


def study(
    variants: Variants, target: Target, out: Path, arms: tuple[str, ...], seeds: tuple[int, ...]
) -> dict[str, Any]:
    """Some arms and seeds, in the folder of all."""
    wanted = {name: make for name, make in variants(target).items() if name in arms}
    config, about = replace(config_for(target), seeds=seeds), {"facts": f"organism, {target}"}
    return run_study(*material(target), config, out, variants=wanted, about=about, say=lambda text: None)


@cache
def material(target: Target) -> tuple[LanguageModel, FactSets]:
    """The organism and its facts, once in a process."""
    return open_model("organism"), organism_facts(target)


def every_run(path: Path) -> RunFolder:
    """All finished runs in a folder, whichever script made them."""
    made = [read_json(row) for row in sorted(path.glob("*/row.json"))]
    if not made:
        raise SeatError(f"There are no runs in {path}. Make them with `python analyses/organism_arms.py`.")
    rows = sorted(made, key=lambda row: (row["arm"] != "base", row["arm"], row["seed"]))
    write_json(path / "summary.json", {"rows": rows, "config": read_json(path / "config.json")})
    return RunFolder.open(path)


def compare_arms(name: str, variants: Variants, options: Options) -> None:
    """Every arm with every seed, the table, and `analyses/results/<name>_<target>.json`."""
    for target in options.targets:
        out, every = options.work / target, variants(target)
        saved = options.results / f"{name}_{target}.json"
        compare_in(out, partial(study, variants, target, out), tuple(every), options, saved)


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
    arms = tuple(arm for arm in every if not options.arms or arm in options.arms)
    summary = in_parallel(some, arms, options.seeds, options.workers, options.threads)
    folder, order = every_run(out), ["base", *every]
    mine = [run.row for run in (folder.base, *folder.runs) if run.arm in order]
    summary["rows"] = sorted(mine, key=lambda row: (order.index(row["arm"]), row["seed"]))
    print_summary(summary)
    summary["command"] = command(sys.argv)
    there = dict.fromkeys(row["arm"] for row in summary["rows"][1:])
    summary["layers"] = {arm: folder.of_arm(arm)[0].displacement for arm in there}
    write_json(saved, summary)


def in_parallel(
    some: Callable[[tuple[str, ...], tuple[int, ...]], dict[str, Any]],
    arms: tuple[str, ...],
    seeds: tuple[int, ...],
    workers: int,
    threads: int = 1,
) -> dict[str, Any]:
    """Every arm with every seed, then the summary of them all. Seeds outermost: what is cut off has whole comparisons.

    Args:
        some: (arms, seeds) -> the summary of `run_study` with them, always in the same folder.
        arms: names.
        seeds: one run of each arm for each.
        workers: processes.
        threads: of each.
    """
    first, *rest = [((arm,), (seed,)) for seed in seeds for arm in arms]
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), torch.set_num_threads, (threads,))
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
