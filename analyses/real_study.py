"""What the studies of many arms on SmolLM2-135M-Instruct share: their sets of facts, their settings, how they run.

On the aligned model of real_model.py. Two target sets: contracts of PISTOL sample 1, as in real_smollm2.py, and
questions about ten authors of TOFU, whose neighbours are ten others. Each is the other's cross-domain probe.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, get_args

from real_model import COMMON, NEW_WORDING, Aligned, prepare

from seat_interp.arms import Arm, ArmConfig, ArmName, MakeArm, MaskConfig, make_arm
from seat_interp.facts import Fact, FactSets, read_tofu
from seat_interp.study import StudyConfig, run_study
from seat_interp.training.objectives import EWC, Continuation, EntityPerturbedKL, L2Pull, OwnAnswersKL

Target = Literal["pistol", "tofu"]
TRAINING = replace(COMMON, steps=120, warmup=0.25, final=0.2, checkpoint_every=0)
"""Of every arm alike, but for the rate; ours."""
PULL = 0.1
"""Of the arms that are pulled to the base. A tenth of it held nothing: a look at the probes of seed 0, on another
aligned model, said so. The KL on the facts themselves is weaker than that on copies for the same reason: it kept the
model from learning."""
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

RATES: dict[str, float] = {"full": 1e-4, "lora": 1e-3, "sparse": 1.2e-3, "seat": 1.2e-3, "seat_keep": 1.2e-3}
"""Learning rates; that of all other arms is `full`'s."""


@dataclass(frozen=True)
class Place:
    """Where the data are, and the work folder of real_model.py."""

    data: Path
    work: Path


@cache
def aligned(place: Place) -> Aligned:
    """The aligned model, once in a process."""
    return prepare(place.data, place.work)


@cache
def material(place: Place, target: Target) -> FactSets:
    """The sets of a study: those of PISTOL, or with TOFU in PISTOL's place."""
    sets = aligned(place).sets
    if target == "tofu":
        authors = [fact for fact in read_tofu(place.data / "tofu/full.json")[NEW_AUTHORS] if fact.spans]
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
    """An arm with its rate."""
    if name == "full_kl":
        settings = replace(settings, kl=replace(settings.kl, weight=0.3))
    made = make_arm(name, settings, seed)
    return replace(made, config=replace(made.config, learning_rate=RATES.get(name, RATES["full"])))


def variants() -> Mapping[str, MakeArm]:
    """All arms by their names."""
    return {name: partial(arm, name) for name in get_args(ArmName)}


def study(place: Place, target: Target, out: Path, arms: tuple[str, ...], seeds: tuple[int, ...]) -> dict[str, Any]:
    """Some arms and seeds, in the folder of all."""
    config = StudyConfig(
        seeds=seeds, settings=SETTINGS, batch_size=64, steering_prompts=24, positions=(-1, -2), max_new_tokens=40
    )
    wanted = {name: make for name, make in variants().items() if name in arms}
    about = {"facts": "PISTOL sample 1" if target == "pistol" else "TOFU, ten authors"}
    return run_study(
        aligned(place).lm, material(place, target), config, out, variants=wanted, about=about, say=lambda text: None
    )
