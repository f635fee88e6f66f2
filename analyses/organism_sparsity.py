"""SEAT and plain sparse training from 0.1 to 100 % of the weights: drift, abstention, target recall.

    python analyses/organism_sparsity.py            (resumable in --work)

After Fig. 3 of 2506.14387, of which neither sparsity nor the scale of the drift is known. The budget is the share of
the MLP and attention weights, drawn at random. All train at the rate that was tuned for 10 % of the neurons, so that a
large budget also moves further than it would at a rate of its own. Writes
analyses/results/organism_sparsity_people.json and ..._contracts.json; `make figures` draws from them.
"""

import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import tyro
from organism_study import Options, Target, compare_arms, tuned

from seat_interp.arms import Arm, ArmConfig, ArmName, MakeArm, MaskConfig
from seat_interp.errors import reported

BUDGETS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


def with_budget(arm: ArmName, budget: float, settings: ArmConfig, seed: int) -> Arm:
    """An arm within so many single weights."""
    return tuned(arm, replace(settings, mask=MaskConfig(budget=budget, granularity="coordinate")), seed)


def variants(target: Target) -> Mapping[str, MakeArm]:
    """Both losses at every budget."""
    arms: tuple[ArmName, ...] = ("sparse", "seat")
    return {f"{arm} {budget:.1%}": partial(with_budget, arm, budget) for budget in BUDGETS for arm in arms}


if __name__ == "__main__":
    sys.exit(reported(lambda: compare_arms("organism_sparsity", variants, tyro.cli(Options)), "organism_sparsity.py"))
