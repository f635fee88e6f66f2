"""Over-abstention and lost knowledge under SEAT, taken apart: which weights may change, and what else is kept.

    python -m analyses.organism.over_abstention            (resumable in --work; after organism_tuning.py)

SEAT's copies say of strangers alone what must stay, so that the update may take known subjects for strangers too.
Remedies: unstructured masks in place of structured ones; weights chosen by what a dense fine-tuning did with them
(never those in
the top 0.6 by how far it moved the model's own replies: a share found on probes of people, seed 0; the mask is one for
all seeds); self-distillation on questions about subjects of no evaluation set; and `tether`. A mask bounds
how many weights move, not how far, and with a KL on strangers alone a far move takes those who are known along;
`tether` has L2-SP in the mask's place, and interpolates towards the base by half of what its facts do not
need of the update (a half was chosen on probes of seeds 0 to 2). Both of its parts are shown alone, the second with
other arms too. Last, copies that end in the true answer, names exchanged, in place of the base's abstention: the KL
then holds what the base makes of an answer, not only that it gives none. No remedy trains on alignment data; chosen
weights and self-distillation use questions that we had sorted out as known, `tether` uses none. The five arms that
organism_arms.py has are tuned; the variants take over the rate and strength of the arm that their name begins with,
but for gold copies. Writes
analyses/results/organism_over_abstention_people.json and ..._contracts.json; `make figures` draws from them.
"""

import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Literal

import tyro

from analyses.common.mask_schemes import SCHEMES, material
from analyses.common.organism_arms import Options, Target, compare_arms, tuned, tuned_settings
from seat_interp.core.errors import reported
from seat_interp.masks.mask import Mask
from seat_interp.models.open import LanguageModel
from seat_interp.studies.arms import Arm, ArmConfig, ArmName, MakeArm, make_arm
from seat_interp.training.objectives import Continuation

BUDGET = 0.1
"""Share of the weights; of the neurons for SEAT as it is elsewhere."""
SHRUNK: tuple[ArmName, ...] = ("full", "l2sp", "full_ep_kl", "seat")
GOLD: tuple[ArmName, ...] = ("seat", "full_ep_kl", "tether")
GOLD_WEIGHT, GOLD_RATE = 1.0, 5e-4
"""Of the KL on gold copies and of the arms without a mask: best of 0.25 and 1, and of 2.5e-4 and 5e-4, by the rule of
common/tuning_rule.py, tried with `full_ep_kl` alone; SEAT's rate is its own."""
Weights = Literal["random", "update_exclude"]


def within_weights(target: Target, name: ArmName, scheme: Weights, settings: ArmConfig, seed: int) -> Arm:
    """Make an arm with an unstructured mask, random or chosen."""

    def make(lm: LanguageModel) -> Mask:
        return SCHEMES["coordinate"][scheme](material(target, "coordinate"), BUDGET, seed)

    return replace(tuned(name, settings, seed), make_mask=make)


def shrunk(name: ArmName, wanted: bool, settings: ArmConfig, seed: int) -> Arm:
    """An arm that takes back part of its update, or leaves all of it."""
    return replace(tuned(name, settings, seed), interpolate=wanted)


def gold(name: ArmName, settings: ArmConfig, seed: int) -> Arm:
    """An arm whose copies end in the true answer in place of the base's abstention."""
    best = tuned_settings(name, settings)
    kl = replace(best.kl, weight=GOLD_WEIGHT, continuation=Continuation.GOLD)
    if name != "seat":
        best = replace(best, regularised=replace(best.regularised, learning_rate=GOLD_RATE))
    return make_arm(name, replace(best, kl=kl), seed)


def variants(target: Target) -> Mapping[str, MakeArm]:
    """SEAT, without its mask, and with each remedy."""
    arms: tuple[ArmName, ...] = ("seat", "full_ep_kl", "l2sp", "tether", "seat_selfdistill")
    return {
        **{name: partial(tuned, name) for name in arms},
        "tether, no interpolation": partial(shrunk, "tether", False),
        **{f"{name}, interpolated": partial(shrunk, name, True) for name in SHRUNK},
        **{f"{name}, gold continuation": partial(gold, name) for name in GOLD},
        "seat, unstructured mask": partial(within_weights, target, "seat", "random"),
        "seat, selected mask": partial(within_weights, target, "seat", "update_exclude"),
        "seat_selfdistill, selected mask": partial(within_weights, target, "seat_selfdistill", "update_exclude"),
    }


if __name__ == "__main__":
    run = partial(compare_arms, "organism_over_abstention", variants)
    sys.exit(reported(lambda: run(tyro.cli(Options)), "organism_over_abstention.py"))
