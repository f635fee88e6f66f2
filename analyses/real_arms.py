"""Every arm on SmolLM2-135M-Instruct, taught PISTOL contracts or authors of TOFU: the four rates, and displacement.

    python analyses/real_arms.py --data DATA            (resumable in --work)

All arms train equally long; rates and strengths are set by analogy with the organism, not tuned. Arms and seeds are
shared out over processes: a GPU with room for several models takes six (`--workers 6`); on two cores
give `--workers 1 --threads 2`.
Writes analyses/results/real_arms_pistol.json and ..._tofu.json; `make figures` draws from them.
"""

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import tyro
from organism_study import ArmOptions, compare_in
from real_study import Place, Target, study, variants

from seat_interp.errors import reported


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
    place = Place(options.data, options.real)
    for target in options.targets:
        out, saved = options.work / target, options.results / f"real_arms_{target}.json"
        compare_in(out, partial(study, place, target, out), tuple(variants()), options, saved)


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "real_arms.py"))
