"""Every arm on SmolLM2-135M-Instruct, taught PISTOL contracts or authors of TOFU: the four rates, and displacement.

    python analyses/real_arms.py --data DATA            (resumable in --work; after real_tuning.py)

On the aligned model of common/aligned_smollm2.py. Contracts of PISTOL sample 1, as in real_smollm2.py, or questions
about ten authors of TOFU, whose neighbours are ten others; each is the other's cross-domain probe. Every arm has the
rate and strength that it was tuned to.

Arms and seeds are shared out over processes: a GPU with room for several models takes six (`--workers 6`); on two cores
give `--workers 1 --threads 2`.
Writes analyses/results/real_arms_pistol.json and ..._tofu.json, or with `--base second` ..._pistol_second.json: rows of
a base that was aligned anew are no rows of the first one's table. `make figures` draws from them.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

import tyro

from common.arm_runs import ArmOptions, compare_in
from common.smollm2_arms import MOST_TOKENS, SETTINGS, Folders, Target, aligned, material, tuned
from seat_interp.arms import ArmName, MakeArm
from seat_interp.errors import reported
from seat_interp.study import StudyConfig, run_study


def variants() -> Mapping[str, MakeArm]:
    """All arms by their names."""
    return {name: partial(tuned, name) for name in get_args(ArmName)}


def study(folders: Folders, target: Target, out: Path, arms: tuple[str, ...], seeds: tuple[int, ...]) -> None:
    """Some arms and seeds, in the folder of all, which others join."""
    config = StudyConfig(
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
    run_study(lm, sets, config, out, variants=wanted, about=about, join=False, say=lambda text: None)


@dataclass(frozen=True)
class Options(ArmOptions):
    """What to run, and where things are."""

    data: Path = Path("data")
    """Folder with lunar/, tofu/, countries/, relations/; analyses/README.md says where they come from."""
    real: Path = Path("runs/real")
    """The work folder of real_smollm2.py, whose aligned model is taken up or made."""
    targets: tuple[Target, ...] = ("pistol", "tofu")
    """What is taught."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """One run of each arm for each."""
    work: Path = Path("runs/real_arms")
    """What is kept between calls, a folder for each target set."""
    base: str = ""
    """What the result files' names end in, where the aligned model is another than that of the committed ones."""


def main(options: Options) -> None:
    """Every arm and seed that is not there yet, on each target set."""
    folders = Folders(options.data, options.real)
    for target in options.targets:
        name = f"real_arms_{target}" + (f"_{options.base}" if options.base else "")
        out, saved = options.work / target, options.results / f"{name}.json"
        compare_in(out, partial(study, folders, target, out), tuple(variants()), options, saved)


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "real_arms.py"))
