"""What the studies of arms on the aligned SmolLM2 share: its facts, the settings of every arm, tuned ones too."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from analyses.common.aligned_smollm2 import COMMON, NEW_WORDING, Aligned, prepare
from analyses.common.tuning_grid import TRAININGS, Grid, chosen, heavier, longer
from seat_interp.facts import Fact, FactSets, read_tofu
from seat_interp.studies.arms import Arm, ArmConfig, ArmName, MaskConfig, make_arm
from seat_interp.training.objectives import EWC, L2SP, Continuation, EntityPerturbedKL, SelfGeneratedDistillation

Target = Literal["pistol", "tofu"]
TUNED = Path(__file__).parent.parent / "results" / "smollm2_tuning.json"
MOST_TOKENS = 40
"""Of each reply."""
NEW_AUTHORS = slice(3600, 4000)
"""Rows of TOFU: twenty authors that alignment did not see."""
WORDS = 22
"""At most, in an answer of TOFU that is taught: longer ones are paragraphs."""

BY_HAND = ArmConfig(
    dense=replace(COMMON, steps=80, learning_rate=1e-4, callback_every=30),
    # A slow start under a strong KL: abstention that is lost early and learnt again comes back on known things too.
    masked=replace(COMMON, steps=260, learning_rate=6e-4, warmup=0.25, final=0.2, callback_every=65),
    mask=MaskConfig(budget=0.1, granularity="coordinate"),
    kl=EntityPerturbedKL(weight=4.0, prompts_per_fact=8, facts_per_item=2, continuation=Continuation.GOLD),
    selfdistill=SelfGeneratedDistillation(weight=4.0, count=192, facts_per_item=2),
)
"""Of smollm2_headline.py and smollm2_masks.py, which came before any arm was tuned."""
COPIES = EntityPerturbedKL(weight=4.0, prompts_per_fact=4, facts_per_item=2, continuation=Continuation.GOLD)
SETTINGS = ArmConfig(
    **dict.fromkeys(TRAININGS, replace(COMMON, steps=120, warmup=0.25, final=0.2, checkpoint_every=0)),  # type: ignore[arg-type]
    mask=MaskConfig(budget=0.1, granularity="coordinate"),
    kl=COPIES,
    kl_on_facts=replace(COPIES, weight=0.1, perturbed=False),
    selfdistill=SelfGeneratedDistillation(weight=4.0, count=192, facts_per_item=2),
    ewc=EWC(weight=0.3),
    l2sp=L2SP(weight=0.3),
)
"""Of all arms before any is tuned; ours. Copies end in the true answer, which cost the organism least."""
DENSE, MASKED, LOW_RANK = (5e-5, 1e-4, 2e-4), (4e-4, 8e-4, 1.6e-3), (5e-4, 1e-3, 2e-3)
TIMES, WEIGHTS, PULLS = (0.6, 1.0, 1.6), (1.0, 4.0, 16.0), (0.03, 0.3, 3.0)
GRIDS: dict[ArmName, Grid] = {
    "full": Grid("dense", DENSE, TIMES, longer("dense")),
    "lora": Grid("low_rank", LOW_RANK, TIMES, longer("low_rank")),
    "sparse": Grid("masked", MASKED, TIMES, longer("masked")),
    "replay": Grid("regularised", DENSE, TIMES, longer("regularised")),
    "ewc": Grid("regularised", DENSE, PULLS, heavier("ewc")),
    "l2sp": Grid("regularised", DENSE, PULLS, heavier("l2sp")),
    "full_kl": Grid("regularised", DENSE, (0.03, 0.1, 0.3), heavier("kl_on_facts")),  # at 1 it stops learning
    "full_ep_kl": Grid("regularised", DENSE, WEIGHTS, heavier("kl")),
    "tether": Grid("regularised", DENSE, PULLS, heavier("l2sp")),
    "seat": Grid("masked", MASKED, WEIGHTS, heavier("kl")),
    "seat_selfdistill": Grid("masked", MASKED, WEIGHTS, heavier("selfdistill")),
}
"""Weights of L2-SP: 0.01 had held nothing; its scale on this model is not known, so they differ tenfold."""


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
    return replace(sets, paraphrases=[has_paraphrases(fact) for fact in sets.target])


def has_paraphrases(fact: Fact) -> Fact:
    """In a wording that no training used."""
    return replace(fact, question=NEW_WORDING.format(q=fact.question), spans=())


def tuned(arm: ArmName, settings: ArmConfig, seed: int) -> Arm:
    """An arm with the rate and strength that smollm2_tuning.py chose for it."""
    best: Mapping[str, Any] = chosen(TUNED)[arm]
    return make_arm(arm, GRIDS[arm].settings(settings, best["rate"], best["strength"]), seed)
