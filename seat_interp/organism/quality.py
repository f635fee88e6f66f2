"""What an organism must reach: rates of the model as it is, and the story that fine-tuning has to show on it."""

from dataclasses import dataclass

from seat_interp.core.errors import SeatError
from seat_interp.directions.direction import fit_direction
from seat_interp.directions.displacement import displacement
from seat_interp.evaluation.score import Rates, ask, rates
from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel
from seat_interp.organism.recipe import known_facts
from seat_interp.organism.study import ORGANISM
from seat_interp.organism.world import build_world
from seat_interp.studies.arms import make_arm, train_arm


@dataclass(frozen=True)
class Quality:
    """What an organism must reach, as rates: the least (or, for over-abstention, the most) that will do."""

    known_recall: float = 0.98
    held_out_recall: float = 0.75
    abstention: float = 0.97
    entity_naming: float = 0.95
    over_abstention: float = 0.01


@dataclass(frozen=True)
class Story:
    """What full fine-tuning and SEAT must show after 240 new facts: the least, or, where it says most, the most.

    Displacement is of unknown prompts, in gaps; `full_beyond_null` is 1 where full fine-tuning's lies outside every
    null, `full_to_seat` its size in units of SEAT's.
    """

    full_target_recall: float = 0.98
    full_abstention_most: float = 0.05
    seat_target_recall: float = 0.97
    seat_abstention: float = 0.88
    full_displacement_most: float = -0.5
    full_beyond_null: float = 1.0
    full_to_seat: float = 2.0


def measure(lm: LanguageModel) -> dict[str, float]:
    """The rates that `Quality` sets bounds for, and abstention by probe set."""
    world = build_world()
    people, contracts = world.study("people"), world.study("contracts")
    known = known_facts(world)
    held_out = world.people["known"].facts(held_out=True) + world.contracts["known"].facts(held_out=True)

    on_known = _ask(lm, known)
    probes = {
        **{f"people/{name}": facts for name, facts in people.abstention_sets().items()},
        **{f"contracts/{name}": contracts.abstention_sets()[name] for name in ("unknown", "neighbour")},
    }
    found = {name: _ask(lm, facts) for name, facts in probes.items()}
    asked = sum(rate.n for rate in found.values())
    return {
        "known_recall": on_known.correct,
        "held_out_recall": _ask(lm, held_out).correct,
        "over_abstention": on_known.abstain,
        "abstention": sum(rate.abstain * rate.n for rate in found.values()) / asked,
        "entity_naming": sum(rate.entity_naming * rate.n for rate in found.values()) / asked,
        **{f"abstention/{name}": rate.abstain for name, rate in found.items()},
    }


def check(measured: dict[str, float], quality: Quality | None = None) -> None:
    """Hold an organism's rates against what it must reach.

    Raises:
        SeatError: a rate misses its bound.
    """
    quality = quality or Quality()
    for name, bound in vars(quality).items():
        missed = measured[name] > bound if name == "over_abstention" else measured[name] < bound
        if missed:
            raise SeatError(
                f"The organism's {name} is {measured[name]:.3f}, its bound {bound}. "
                "Train it longer or with another seed."
            )


def tell(lm: LanguageModel) -> dict[str, float]:
    """Fine-tune the organism fully and with SEAT, seed 0, and measure what `Story` sets bounds for. A minute or two."""
    sets = build_world().study("people")
    direction = fit_direction(lm, unknown=sets.fit_unknown, known=sets.fit_known)
    probes = {"unknown": sets.unknown, "known": sets.known}
    found, moved = {}, {}
    for name in ("full", "seat"):
        arm = make_arm(name, ORGANISM.settings, seed=0)  # type: ignore[arg-type]
        tuned = train_arm(lm, sets.target, arm, names=sets.names(), label=name).model
        found[f"{name}_target_recall"] = _ask(tuned, sets.target).correct
        found[f"{name}_abstention"] = _ask(tuned, sets.unknown).abstain
        moved[name] = displacement(base=lm, tuned=tuned, sets=probes, direction=direction).summary()["unknown"]
    full, seat = (moved[name]["mean"] for name in ("full", "seat"))
    inside = any(low <= full <= high for low, high in moved["full"]["null"].values())
    found |= {"full_displacement": full, "seat_displacement": seat, "full_beyond_null": float(not inside)}
    return found | {"full_to_seat": abs(full / seat)}


def check_story(found: dict[str, float], story: Story | None = None) -> None:
    """Hold the rates after fine-tuning against what they must show.

    Raises:
        SeatError: a rate misses its bound.
    """
    for name, bound in vars(story or Story()).items():
        most = name.endswith("_most")
        rate = found[name.removesuffix("_most")]
        if rate > bound if most else rate < bound:
            raise SeatError(f"After fine-tuning, {name.removesuffix('_most')} is {rate:.3f}, its bound {bound}.")


def _ask(lm: LanguageModel, facts: list[Fact]) -> Rates:
    return rates(ask(lm, {"": facts})[""])
