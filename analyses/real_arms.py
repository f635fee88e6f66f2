"""Every arm on SmolLM2-135M-Instruct, taught PISTOL contracts or authors of TOFU: the four rates, and displacement.

    python analyses/real_arms.py --data DATA            (resumable in --work)

On the aligned model of common/aligned_smollm2.py. Contracts of PISTOL sample 1, as in real_smollm2.py, or questions
about ten authors of TOFU, whose neighbours are ten others; each is the other's cross-domain probe.

All arms train equally long; rates and strengths are set by analogy with the organism, not tuned. Arms and seeds are
shared out over processes: a GPU with room for several models takes six (`--workers 6`); on two cores
give `--workers 1 --threads 2`.
Writes analyses/results/real_arms_pistol.json and ..._tofu.json; `make figures` draws from them.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, get_args

import tyro

from common.aligned_smollm2 import COMMON, NEW_WORDING, Aligned, prepare
from common.arm_runs import ArmOptions, compare_in
from seat_interp.arms import Arm, ArmConfig, ArmName, MakeArm, MaskConfig, make_arm
from seat_interp.errors import reported
from seat_interp.facts import Fact, FactSets, read_tofu
from seat_interp.study import StudyConfig, run_study
from seat_interp.training.objectives import EWC, Continuation, EntityPerturbedKL, L2Pull, OwnAnswersKL

Target = Literal["pistol", "tofu"]
TRAINING = replace(COMMON, steps=120, warmup=0.25, final=0.2, checkpoint_every=0)
"""Of every arm alike, but for the rate; ours."""
PULL = 0.1
"""Of the arms that are pulled to the base. A tenth of it held nothing: a look at the probes of seed 0, on another
aligned model, said so."""
SETTINGS = ArmConfig(
    dense=TRAINING,
    masked=TRAINING,
    regularised=TRAINING,
    low_rank=TRAINING,
    mask=MaskConfig(budget=0.1, granularity="coordinate"),
    kl=EntityPerturbedKL(weight=4.0, copies=4, every=2, continuation=Continuation.GOLD),
    keep=OwnAnswersKL(weight=4.0, count=192, every=2),
    ewc=EWC(weight=PULL),
    l2=L2Pull(weight=PULL),
)
"""By analogy with the organism; nothing here is tuned."""
NEW_AUTHORS = slice(3600, 4000)
"""Rows of TOFU: twenty authors that alignment did not see."""
WORDS = 22
"""At most, in an answer of TOFU that is taught: longer ones are paragraphs."""

KL_WEIGHTS: dict[str, float] = {"full_kl": 0.3}
"""Of the KL; of all other arms it is 4. On the facts themselves a weight of 1 kept the model from learning, as the same
look said."""
RATES: dict[str, float] = {"full": 1e-4, "lora": 1e-3, "sparse": 1.2e-3, "seat": 1.2e-3, "seat_keep": 1.2e-3}
"""Learning rates; that of all other arms is `full`'s."""


@dataclass(frozen=True)
class Folders:
    """Where the data are, and the work folder of common/aligned_smollm2.py."""

    data: Path
    work: Path


@cache
def aligned(folders: Folders) -> Aligned:
    """The aligned model, once in a process."""
    return prepare(folders.data, folders.work)


@cache
def material(folders: Folders, target: Target) -> FactSets:
    """The sets of a study: those of PISTOL, or with TOFU in PISTOL's place."""
    sets = aligned(folders).sets
    if target == "tofu":
        authors = [fact for fact in read_tofu(folders.data / "tofu/full.json")[NEW_AUTHORS] if fact.spans]
        every = list(dict.fromkeys(fact.group for fact in authors))
        taught = [f for f in authors if f.group in every[::2] and len(f.answer.split()) <= WORDS]
        others = [replace(fact, answer="", object="") for fact in authors if fact.group in every[1::2]]
        contracts = [replace(fact, answer="", object="") for fact in sets.target[::2]]
        sets = replace(sets, target=taught, neighbour=others[::4], cross_domain=contracts)
    return replace(sets, rewordings=[reworded(fact) for fact in sets.target])


def reworded(fact: Fact) -> Fact:
    """In a wording that no training used."""
    return replace(fact, question=NEW_WORDING.format(q=fact.question), spans=())


def arm(name: ArmName, settings: ArmConfig, seed: int) -> Arm:
    """An arm with its rate and the weight of its KL."""
    weight = KL_WEIGHTS.get(name, settings.kl.weight)
    made = make_arm(name, replace(settings, kl=replace(settings.kl, weight=weight)), seed)
    return replace(made, config=replace(made.config, learning_rate=RATES.get(name, RATES["full"])))


def variants() -> Mapping[str, MakeArm]:
    """All arms by their names."""
    return {name: partial(arm, name) for name in get_args(ArmName)}


def study(folders: Folders, target: Target, out: Path, arms: tuple[str, ...], seeds: tuple[int, ...]) -> dict[str, Any]:
    """Some arms and seeds, in the folder of all."""
    config = StudyConfig(
        seeds=seeds, settings=SETTINGS, batch_size=64, steering_prompts=24, positions=(-1, -2), max_new_tokens=40
    )
    wanted = {name: make for name, make in variants().items() if name in arms}
    about = {"facts": "PISTOL sample 1" if target == "pistol" else "TOFU, ten authors"}
    return run_study(
        aligned(folders).lm, material(folders, target), config, out, variants=wanted, about=about, say=lambda text: None
    )


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


def main(options: Options) -> None:
    """Every arm and seed that is not there yet, on each target set."""
    folders = Folders(options.data, options.real)
    for target in options.targets:
        out, saved = options.work / target, options.results / f"real_arms_{target}.json"
        compare_in(out, partial(study, folders, target, out), tuple(variants()), options, saved)


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "real_arms.py"))
