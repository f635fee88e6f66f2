"""SEAT taken apart on the organism: its two parts, kinds of masks, every choice of the KL that the paper leaves open.

    python -m analyses.organism.ablations            (resumable in --work)

Each arm differs from `seat` (random 10 % of the neurons, tuned rate and KL weight, KL on the reply, two fixed copies a
fact) in the one thing that its name says; weights of the KL are multiples of the tuned one.

Writes analyses/results/organism_ablations_people.json and ..._contracts.json; `make figures` draws from them.
"""

import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial
from typing import Any

import tyro

from analyses.common.organism_arms import Options, Target, compare_arms, tuned, tuned_settings
from seat_interp.attribution import Scores, attribute, harm, weight_fisher, weight_norm
from seat_interp.core.errors import reported
from seat_interp.facts import ep_prompts
from seat_interp.masks.mask import Mask
from seat_interp.masks.select import ratio, select
from seat_interp.models.open import LanguageModel, open_model
from seat_interp.organism.study import organism_facts
from seat_interp.studies.arms import Arm, ArmConfig, MakeArm, MaskConfig, make_arm
from seat_interp.training.objectives import Continuation, Cover

KL: dict[str, dict[str, Any]] = {
    "KL(tuned || base)": {"reverse": True},
    "KL from the name on": {"cover": Cover.FROM_ENTITY},
    "KL on the gold answer": {"continuation": Continuation.GOLD},
    "one copy": {"prompts_per_fact": 1},
    "fresh copies": {"prompts_per_fact": 0},
    "all names exchanged": {"partial": False},
    "no names exchanged": {"perturbed": False},
    "object exchanged": {"perturbed": False, "continuation": Continuation.OTHER},
    "KL on the gold answer, entities unperturbed": {"perturbed": False, "continuation": Continuation.GOLD},
}
"""What differs in the KL."""
WEIGHTS = (1 / 16, 1 / 4, 4.0)
"""Multiples of the tuned weight of the KL."""


def with_kl(changes: Mapping[str, Any], settings: ArmConfig, seed: int) -> Arm:
    """SEAT with another KL."""
    settings = tuned_settings("seat", settings)
    return make_arm("seat", replace(settings, kl=replace(settings.kl, **changes)), seed)


def with_weights(settings: ArmConfig, seed: int) -> Arm:
    """Make SEAT with an unstructured mask."""
    budget = settings.mask.budget
    return tuned("seat", replace(settings, mask=MaskConfig(budget=budget, granularity="coordinate")), seed)


def with_weight(times: float, settings: ArmConfig, seed: int) -> Arm:
    """SEAT with so many times the tuned weight of the KL."""
    settings = tuned_settings("seat", settings)
    return make_arm("seat", replace(settings, kl=replace(settings.kl, weight=times * settings.kl.weight)), seed)


@cache
def scores(target: Target, kind: str) -> tuple[Scores, Scores | None]:
    """Usefulness and harm of the base's neurons, once in a process. None looks at a probe."""
    lm, sets = open_model("organism"), organism_facts(target)
    facts = sets.target
    if kind == "magnitude":
        return weight_norm(lm), None
    if kind == "fisher":
        return weight_fisher(lm, facts, batch_size=64).per_neuron(lm), None
    copies = harm(lm, ep_prompts(facts, names=sets.names()), granularity="coordinate", batch_size=64).per_neuron(lm)
    return attribute(lm, facts, absolute=True, batch_size=64), copies


def with_mask(target: Target, kind: str, settings: ArmConfig, seed: int) -> Arm:
    """SEAT within neurons that were chosen by a score."""

    def make(lm: LanguageModel) -> Mask:
        useful, harmful = scores(target, kind)
        return select(lm, useful, settings.mask.budget, protect=harmful, rule=ratio)

    return replace(tuned("seat", settings, seed), make_mask=make)


def variants(target: Target) -> Mapping[str, MakeArm]:
    """The two parts and both, other masks, other KLs."""
    parts: dict[str, MakeArm] = {name: partial(tuned, name) for name in ("full", "full_ep_kl", "sparse", "seat")}
    masks: dict[str, MakeArm] = {
        f"mask by {k}": partial(with_mask, target, k) for k in ("magnitude", "fisher", "attribution")
    }
    # Questions about people name one entity each: all of them is what is exchanged anyway.
    kinds = {name: changes for name, changes in KL.items() if target == "contracts" or "partial" not in changes}
    changed: dict[str, MakeArm] = {
        **masks,
        "single weights": with_weights,
        **{f"KL weight x {times:g}": partial(with_weight, times) for times in WEIGHTS},
        **{name: partial(with_kl, changes) for name, changes in kinds.items()},
    }
    return parts | {f"seat, {what}": make for what, make in changed.items()}


if __name__ == "__main__":
    sys.exit(reported(lambda: compare_arms("organism_ablations", variants, tyro.cli(Options)), "organism_ablations.py"))
