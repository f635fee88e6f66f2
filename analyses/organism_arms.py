"""Every arm on the organism, people and contracts, five seeds: the four rates, and displacement beside its nulls.

    python analyses/organism_arms.py            (resumable in --work)

Writes analyses/results/organism_arms_people.json and ..._contracts.json; `make figures` draws from them.
"""

import sys

import tyro

from common.organism import Options, compare_arms, every_arm
from seat_interp.errors import reported

if __name__ == "__main__":
    sys.exit(reported(lambda: compare_arms("organism_arms", every_arm, tyro.cli(Options)), "organism_arms.py"))
