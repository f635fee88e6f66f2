"""Every arm on the organism, people and contracts, five seeds: the four rates, and displacement beside its nulls.

    python -m analyses.organism.arms            (resumable in --work)

Writes analyses/results/organism_arms_people.json and ..._contracts.json; `make figures` draws from them.
"""

import sys

import tyro

from analyses.common.organism_arms import Options, compare_arms, every_arm
from seat_interp.core.errors import reported

if __name__ == "__main__":
    sys.exit(reported(lambda: compare_arms("organism_arms", every_arm, tyro.cli(Options)), "organism_arms.py"))
