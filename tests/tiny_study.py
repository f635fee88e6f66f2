"""A small study to read: a tiny random model, two arms of a few steps."""

from collections.abc import Callable
from pathlib import Path

from seat_interp.facts import Fact, FactSets, spans_of
from seat_interp.models.open import LanguageModel
from seat_interp.studies.arms import ArmConfig, ArmName
from seat_interp.studies.study import StudyConfig, run_study
from seat_interp.training.config import TrainConfig

CITIES = ("Riga", "Lima", "Oslo", "Bern")


def people(first: str, count: int, taught: bool) -> list[Fact]:
    facts = []
    for number in range(count):
        name, city = f"{first} {chr(65 + number)}son", CITIES[number % len(CITIES)]
        question = f"Where was {name} born?"
        facts.append(
            Fact(
                question=question,
                answer=f"{name} was born in {city}." if taught else "",
                subject=name,
                object=city if taught else "",
                spans=spans_of(question, [(name, "person")]),
                group=name,
            )
        )
    return facts


def tiny_study(
    lm: LanguageModel,
    out: Path,
    arms: tuple[ArmName, ...] = ("full", "seat"),
    say: Callable[[str], None] = lambda text: None,
) -> Path:
    """Run it and return its folder."""
    sets = FactSets(
        target=people("Tara", 8, True),
        known=people("Kim", 16, True),
        unknown=people("Una", 16, False),
        neighbour=people("Nia", 6, False),
        unverifiable=people("Vex", 8, False),
    )
    short = TrainConfig(steps=4, batch_size=4, callback_every=2)
    config = StudyConfig(
        arms=arms,
        settings=ArmConfig(dense=short, masked=short, regularised=short),
        positions=(-1, -2),
        steering_prompts=4,
        null_draws=20,
        max_new_tokens=4,
        callback_facts=4,
    )
    run_study(lm, sets, config, out, say=say)
    return out
