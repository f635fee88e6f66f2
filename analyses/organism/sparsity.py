"""SEAT and plain sparse training from 0.1 to 100 % of the weights: drift, abstention, target recall.

    python -m analyses.organism.sparsity            (resumable in --work; after organism_tuning_sparsity.py)

After Fig. 3 of 2506.14387, of which neither sparsity nor the scale of the drift is known. The budget is the share of
the MLP and attention weights, drawn at random; each trains at the rate that was chosen for it with cross entropy alone,
SEAT with the KL weight that was chosen for 10 % of the neurons. Writes
analyses/results/organism_sparsity_people.json and ..._contracts.json; `make figures` draws from them.
"""

import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import tyro

from analyses.common.organism_arms import BUDGETS, TUNED_SPARSITY, Options, Target, compare_arms, tuned_settings
from analyses.common.tuning_grid import chosen
from seat_interp.core.errors import reported
from seat_interp.studies.arms import Arm, ArmConfig, ArmName, MakeArm, MaskConfig, make_arm


def with_budget(arm: ArmName, budget: float, settings: ArmConfig, seed: int) -> Arm:
    """Make an arm with an unstructured mask of one size."""
    settings = tuned_settings(arm, settings)
    masked = replace(settings.masked, learning_rate=chosen(TUNED_SPARSITY)[f"{budget:g}"]["rate"])
    mask = MaskConfig(budget=budget, granularity="coordinate")
    return make_arm(arm, replace(settings, masked=masked, mask=mask), seed)


def variants(target: Target) -> Mapping[str, MakeArm]:
    """Both losses at every budget."""
    arms: tuple[ArmName, ...] = ("sparse", "seat")
    return {f"{arm}, {budget:.1%}": partial(with_budget, arm, budget) for budget in BUDGETS for arm in arms}


if __name__ == "__main__":
    sys.exit(reported(lambda: compare_arms("organism_sparsity", variants, tyro.cli(Options)), "organism_sparsity.py"))
