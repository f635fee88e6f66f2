"""What a study of the organism takes: its fact sets, and settings that would wreck a larger model."""

from typing import Literal

from seat_interp.core.errors import SeatError
from seat_interp.facts import FactSets
from seat_interp.organism.world import build_world
from seat_interp.studies.arms import ArmConfig, MaskConfig
from seat_interp.studies.study import StudyConfig
from seat_interp.training.config import TrainConfig
from seat_interp.training.objectives import Continuation, EntityPerturbedKL

ORGANISM = StudyConfig(
    settings=ArmConfig(
        dense=TrainConfig(steps=80, batch_size=64, learning_rate=2e-3, callback_every=20),
        masked=TrainConfig(steps=150, batch_size=64, learning_rate=2e-3, callback_every=30),
        regularised=TrainConfig(steps=150, batch_size=64, learning_rate=1e-3, callback_every=30),
        mask=MaskConfig(budget=0.1, granularity="neuron"),
        kl=EntityPerturbedKL(weight=1.0, continuation=Continuation.BASE),
        kl_on_facts=EntityPerturbedKL(weight=0.3, continuation=Continuation.BASE, perturbed=False),
    ),
    max_new_tokens=24,
)
"""What `seat-interp demo` runs."""


def organism_facts(target: Literal["people", "contracts"] = "people") -> FactSets:
    """Return the organism's fact sets, to teach it 240 facts about new people, or those of new contracts.

    Args:
        target: Kind of the target facts.

    Returns:
        The sets.

    Raises:
        SeatError: There is no such target.

    Example:
        >>> facts = si.organism_facts("people")
        >>> len(facts.target)
        240
    """
    if target not in ("people", "contracts"):
        raise SeatError(f"The organism can be taught 'people' or 'contracts', not {target!r}.")
    return build_world().study(target)
