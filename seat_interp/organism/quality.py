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
    """Bounds that an organism must keep, as rates: the least, or, for over-abstention, the most.

    Attributes:
        known_recall: Least recall of known facts.
        held_out_recall: Least recall in held-out paraphrases.
        abstention: Least abstention on evaluation sets about unknown entities.
        entity_naming: Least entity-naming abstention.
        over_abstention: Largest abstention on known facts.
    """

    known_recall: float = 0.98
    held_out_recall: float = 0.75
    abstention: float = 0.97
    entity_naming: float = 0.95
    over_abstention: float = 0.01


@dataclass(frozen=True)
class Story:
    """Bounds that full fine-tuning and SEAT must keep after 240 new facts: the least, or, where the name ends in
    `most`, the most.

    Attributes:
        full_target_recall: Least target recall of full fine-tuning.
        full_abstention_most: Largest abstention on unknown prompts after full fine-tuning.
        seat_target_recall: Least target recall of SEAT.
        seat_abstention: Least abstention on unknown prompts after SEAT.
        full_displacement_most: Largest displacement of unknown prompts by full fine-tuning, in separations.
        full_beyond_null: 1 if that displacement must lie outside every null.
        full_to_seat: Least ratio of the sizes of the two displacements.
    """

    full_target_recall: float = 0.98
    full_abstention_most: float = 0.05
    seat_target_recall: float = 0.97
    seat_abstention: float = 0.88
    full_displacement_most: float = -0.5
    full_beyond_null: float = 1.0
    full_to_seat: float = 2.0


def measure(lm: LanguageModel) -> dict[str, float]:
    """Measure the rates that `Quality` bounds, and abstention by evaluation set.

    Args:
        lm: Organism.

    Returns:
        Rates by name.
    """
    world = build_world()
    people, contracts = world.study("people"), world.study("contracts")
    known = known_facts(world)
    held_out = world.people["known"].facts(held_out=True) + world.contracts["known"].facts(held_out=True)

    on_known = _ask(lm, known)
    probes = {
        **{f"people/{name}": facts for name, facts in people.abstention_sets().items()},
        **{f"contracts/{name}": contracts.abstention_sets()[name] for name in ("unknown", "neighbour")},
    }
    by_set = {name: _ask(lm, facts) for name, facts in probes.items()}
    asked = sum(rate.n for rate in by_set.values())
    return {
        "known_recall": on_known.correct,
        "held_out_recall": _ask(lm, held_out).correct,
        "over_abstention": on_known.abstain,
        "abstention": sum(rate.abstain * rate.n for rate in by_set.values()) / asked,
        "entity_naming": sum(rate.entity_naming * rate.n for rate in by_set.values()) / asked,
        **{f"abstention/{name}": rate.abstain for name, rate in by_set.items()},
    }


def check(measured: dict[str, float], quality: Quality | None = None) -> None:
    """Compare an organism's rates with their bounds.

    Args:
        measured: Rates of `measure`.
        quality: Bounds; the defaults if None.

    Raises:
        SeatError: A rate misses its bound.
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
    """Fine-tune the organism fully and with SEAT, seed 0, and measure what `Story` bounds. It takes a minute or two.

    Args:
        lm: Organism.

    Returns:
        Rates and displacements by name.
    """
    sets = build_world().study("people")
    direction = fit_direction(lm, unknown=sets.fit_unknown, known=sets.fit_known)
    probes = {"unknown": sets.unknown, "known": sets.known}
    measured, moved = {}, {}
    for name in ("full", "seat"):
        arm = make_arm(name, ORGANISM.settings, seed=0)  # type: ignore[arg-type]
        tuned = train_arm(lm, sets.target, arm, names=sets.names(), label=name).model
        measured[f"{name}_target_recall"] = _ask(tuned, sets.target).correct
        measured[f"{name}_abstention"] = _ask(tuned, sets.unknown).abstain
        moved[name] = displacement(base=lm, tuned=tuned, sets=probes, direction=direction).summary()["unknown"]
    full, seat = (moved[name]["mean"] for name in ("full", "seat"))
    inside = any(low <= full <= high for low, high in moved["full"]["null"].values())
    measured |= {"full_displacement": full, "seat_displacement": seat, "full_beyond_null": float(not inside)}
    return measured | {"full_to_seat": abs(full / seat)}


def check_story(measured: dict[str, float], story: Story | None = None) -> None:
    """Compare the rates after fine-tuning with their bounds.

    Args:
        measured: Rates of `tell`.
        story: Bounds; the defaults if None.

    Raises:
        SeatError: A rate misses its bound.
    """
    for name, bound in vars(story or Story()).items():
        most = name.endswith("_most")
        rate = measured[name.removesuffix("_most")]
        if rate > bound if most else rate < bound:
            raise SeatError(f"After fine-tuning, {name.removesuffix('_most')} is {rate:.3f}, its bound {bound}.")


def _ask(lm: LanguageModel, facts: list[Fact]) -> Rates:
    return rates(ask(lm, {"": facts})[""])
