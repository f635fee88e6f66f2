"""Every arm on the organism, people and contracts, five seeds: the four rates, and displacement beside its nulls.

    python analyses/organism_arms.py            (resumable in --work)

Writes analyses/results/organism_arms_people.json and ..._contracts.json; `make figures` draws from them.
"""

import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import get_args

import tyro

from common.organism import Options, Target, compare_arms, tuned
from seat_interp.arms import Arm, ArmConfig, ArmName, MakeArm
from seat_interp.errors import reported

RATIOS = (0.1, 0.3)
"""Of replay beside the arm `replay`, whose ratio is 1."""


def replay(ratio: float, settings: ArmConfig, seed: int) -> Arm:
    """Replay at another ratio."""
    return tuned("replay", replace(settings, replay=replace(settings.replay, ratio=ratio)), seed)


def variants(target: Target) -> Mapping[str, MakeArm]:
    """All arms by their names, and replay at several ratios."""
    arms: dict[str, MakeArm] = {name: partial(tuned, name) for name in get_args(ArmName)}
    return arms | {f"replay_{ratio:g}": partial(replay, ratio) for ratio in RATIOS}


if __name__ == "__main__":
    sys.exit(reported(lambda: compare_arms("organism_arms", variants, tyro.cli(Options)), "organism_arms.py"))
