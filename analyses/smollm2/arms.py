"""Every arm on SmolLM2-135M-Instruct, taught PISTOL contracts or authors of TOFU: the four rates, and displacement.

    python -m analyses.smollm2.arms --data DATA            (resumable in --work; after smollm2_tuning.py)

On the aligned model of common/aligned_smollm2.py. Contracts of PISTOL sample 1, as in smollm2_headline.py, or questions
about ten authors of TOFU, whose neighbours are ten others; each is the other's cross-domain probe. Every arm has the
rate and strength that it was tuned to.

Arms and seeds are shared out over processes: a GPU with room for several models takes six (`--workers 6`); on two cores
give `--workers 1 --threads 2`.
Writes analyses/results/smollm2_arms_pistol.json and ..._tofu.json, or with `--base second` ..._pistol_second.json: rows
of a base that was aligned anew are no rows of the first one's table. `make figures` draws from them.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import get_args

import tyro

from analyses.common.arm_runs import ArmOptions, compare_in
from analyses.common.smollm2_arms import MOST_TOKENS, SETTINGS, Folders, Target, aligned, material, tuned
from seat_interp.core.errors import SeatError, reported
from seat_interp.core.files import read_json
from seat_interp.studies.arms import Arm, ArmConfig, ArmName, MakeArm
from seat_interp.studies.study import StudyConfig, run_study
from seat_interp.training.objectives import Continuation


def variants() -> Mapping[str, MakeArm]:
    """All arms by their names, and SEAT with the KL on what the base replies to a copy, in place of the true answer."""
    arms: dict[str, MakeArm] = {name: partial(tuned, name) for name in get_args(ArmName)}
    return arms | {"seat, KL on base continuation": seat_on_replies}


def seat_on_replies(settings: ArmConfig, seed: int) -> Arm:
    """The rate and the weight are those that were chosen for copies that end in the true answer."""
    return tuned("seat", replace(settings, kl=replace(settings.kl, continuation=Continuation.BASE)), seed)


def study(folders: Folders, target: Target, out: Path, arms: tuple[str, ...], seeds: tuple[int, ...]) -> None:
    """Some arms and seeds, in the folder of all, which others join."""
    config = StudyConfig(
        arms=(),
        seeds=seeds,
        settings=SETTINGS,
        batch_size=128,
        steering_prompts=24,
        positions=(-1, -2),
        max_new_tokens=MOST_TOKENS,
    )
    wanted = {name: make for name, make in variants().items() if name in arms}
    about = {"facts": "PISTOL sample 1" if target == "pistol" else "TOFU, ten authors"}
    lm, sets = aligned(folders).lm, material(folders, target)
    run_study(lm, sets, config, out, extra_arms=wanted, about=about, join=False, say=lambda text: None)


def require_same_base(saved: Path, weights: str) -> None:
    """Rows of two bases do not stand in one file.

    Raises:
        SeatError: the result file holds rows of another base than this one.
    """
    if saved.exists() and (there := read_json(saved)["config"]["model"]["weights"]) != weights:
        raise SeatError(
            f"{saved} holds rows of a base with weights {there}; this one has {weights}. Give it a name of its own, as "
            "--base mine, or other --results."
        )


@dataclass(frozen=True)
class Options(ArmOptions):
    """What to run, and where things are."""

    data: Path = Path("data")
    """Folder with lunar/, tofu/, countries/, relations/; analyses/README.md says where they come from."""
    real: Path = Path("runs/real")
    """The work folder of smollm2_headline.py, whose aligned model is taken up or made."""
    targets: tuple[Target, ...] = ("pistol", "tofu")
    """What is taught."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """One run of each arm for each."""
    work: Path = Path("runs/smollm2_arms")
    """What is kept between calls, a folder for each target set."""
    base: str = ""
    """What the result files' names end in, where the aligned model is another than that of the committed ones."""


def main(options: Options) -> None:
    """Every arm and seed that is not there yet, on each target set."""
    folders = Folders(options.data, options.real)
    for target in options.targets:
        name = f"smollm2_arms_{target}" + (f"_{options.base}" if options.base else "")
        out, saved = options.work / target, options.results / f"{name}.json"
        require_same_base(saved, str(aligned(folders).lm.fingerprint["weights"]))
        compare_in(out, partial(study, folders, target, out), tuple(variants()), options, saved)


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "smollm2_arms.py"))
