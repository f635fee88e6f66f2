"""The organism: a small embedded model with a trained-in ability to abstain, and the world it knows."""

from typing import Literal

from seat_interp.errors import SeatError
from seat_interp.facts import FactSets
from seat_interp.organism.world import build_world


def organism_facts(target: Literal["people", "contracts"] = "people") -> FactSets:
    """The organism's fact sets, to teach it 240 facts about new people, or those of new contracts.

    Raises:
        SeatError: there is no such target.
    """
    if target not in ("people", "contracts"):
        raise SeatError(f"The organism can be taught 'people' or 'contracts', not {target!r}.")
    return build_world().study(target)
