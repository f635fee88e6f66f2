"""The organism: a small embedded model with a trained-in ability to abstain, and the world it knows."""

from seat_interp.facts import FactSets
from seat_interp.organism.world import build_world


def organism_facts(target: str = "people") -> FactSets:
    """The organism's fact sets: to be taught new `people`, or new `contracts`."""
    return build_world().study(target)
