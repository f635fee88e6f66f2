"""A half-taught organism: one that knows new people well, a little, hardly or not at all, sorted by SLiCK.

The organism first learns to answer behind other questions and their answers, so that few-shot prompts are nothing new.
It then goes on with people whom it has not met, each thing about them said as often as it was dealt: never, or one of
four numbers of times. What it was taught before and abstention on strangers go on beside it, and half of everything
stands behind other questions. SLiCK then asks all about these people, at the settings of 2405.05904, and sorts it.
Made once and kept in a work folder.
"""

import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import torch

from analyses.common.mixing import Mixture, relabel
from analyses.common.slick_categories import by_category
from analyses.common.small_runs import CellOptions, claim
from seat_interp.core.ledger import once
from seat_interp.evaluation.slick import Category, SlickConfig, SlickResult, slick_to
from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel, open_model, save_model
from seat_interp.organism.recipe import unknown_facts
from seat_interp.organism.world import PEOPLE, Circle, build_world, person_names
from seat_interp.training.config import TrainConfig
from seat_interp.training.trainer import train

PERSONS = 240
EXPOSURES = (0, 0, 0, 2, 6, 15, 30)
"""How often a thing is said, one drawn for each."""
RETAINED, STRANGERS = 0.25, 0.25
"""Shares of each training: what the organism knew, and abstentions."""
PRACTICE = TrainConfig(steps=400, batch_size=64, learning_rate=5e-4, warmup=0.05, final=0.1)
"""Of the first training, on what the organism knew and strangers, half of it in conversations of up to five turns."""
TRAINING = TrainConfig(batch_size=64, learning_rate=5e-4, warmup=0.05, final=0.0)
"""Of the second; as many steps as there is to say."""
SLICK = SlickConfig(chat=True, exact=False, max_new_tokens=20)
"""The paper's numbers; in the organism's conversations, whose answers are sentences, so that one that holds the object
is right."""
BATCH = 32
"""Of the facts that are sorted: what is drawn by chance hangs on it."""
STUDIES = TrainConfig(batch_size=16, learning_rate=1.5e-4, warmup=0.0, final=1.0)
"""How studies train it: at a constant rate, as in 2405.05904; the rate itself is ours."""
OTHER_RELATIONS = ("study", "birth_year")
"""Never trained on by a study: out of its relations."""


@dataclass(frozen=True)
class HalfTaughtOptions(CellOptions):
    """What every study of it can be told."""

    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Of what is drawn, and of the order of the facts."""
    half_taught: Path = Path("runs/half_taught")
    """The half-taught organism, made if it is not there."""


@dataclass(frozen=True)
class HalfTaught:
    """What the studies start from.

    Attributes:
        lm: the half-taught organism.
        asked: every thing about the new people, with what SLiCK found.
    """

    lm: LanguageModel
    asked: tuple[SlickResult, ...]

    def part(self, subjects: set[str], *, others: bool = False) -> dict[Category, list[Fact]]:
        """Facts about some of the people by category; of the other relations if asked for."""
        chosen = [
            each for each in self.asked
            if each.fact.subject in subjects and (each.fact.relation in OTHER_RELATIONS) is others
        ]  # fmt: skip
        return by_category(chosen)


@dataclass(frozen=True)
class Splits:
    """The new people shared out: some to train on, some for the dev split, the others to test on.

    Attributes:
        train: facts of the trained relations, by category.
        dev: of the trained relations, known ones.
        asked: what is asked besides the training facts: `dev`, `test <category>`, `other <category>` (of the other
            relations), `unknown` (people nobody taught, who are in no training).
    """

    train: dict[Category, list[Fact]]
    dev: list[Fact]
    asked: dict[str, list[Fact]]

    @property
    def held_out(self) -> list[Fact]:
        """Highly known facts about people who are not trained on."""
        return self.asked[f"test {Category.HIGHLY_KNOWN.value}"]


def splits(half: HalfTaught) -> Splits:
    """Half of the people to train on, a tenth for dev, the rest to test on."""
    people = list(dict.fromkeys(each.fact.subject for each in half.asked))
    random.Random("splits").shuffle(people)
    ends = (round(0.5 * len(people)), round(0.6 * len(people)))
    train, dev, test = people[: ends[0]], people[ends[0] : ends[1]], people[ends[1] :]
    known = [fact for kind, facts in half.part(set(dev)).items() if kind.known for fact in facts]
    asked = {"dev": known, "unknown": build_world().study("people").unknown}
    for where, others in (("test", False), ("other", True)):
        asked |= {f"{where} {kind.value}": facts for kind, facts in half.part(set(test), others=others).items()}
    return Splits(half.part(set(train)), known, asked)


def new_people() -> list[Fact]:
    """Everything about people who are in no circle of the organism, in the first wording of each relation."""
    reserved, rng = build_world().reserved(), random.Random("half-taught")
    free = [name for name in person_names() if name not in reserved]
    objects = {name: tuple(rng.choice(r.objects) for r in PEOPLE) for name in rng.sample(free, PERSONS)}
    return Circle(PEOPLE, "person", objects).facts(wording=0)


def exposures(facts: Sequence[Fact]) -> list[int]:
    """How often each is said."""
    rng = random.Random("exposures")
    return [rng.choice(EXPOSURES) for _ in facts]


def exemplars() -> list[Fact]:
    """What the organism knows about its own people, to stand before a question: whole sentences, so without objects."""
    return [replace(fact, object="") for fact in build_world().people["known"].facts(wording=0)]


def stream(facts: Sequence[Fact], said: Sequence[int]) -> list[Fact]:
    """What it is trained on at last: new facts as often as dealt, and beside them what it was taught before."""
    rng = random.Random("stream")
    new = [fact for fact, times in zip(facts, said) for _ in range(times)]
    return in_conversations(new + before(round(len(new) / (1 - RETAINED - STRANGERS)), facts, rng), rng)


def before(whole: int, new: Sequence[Fact], rng: random.Random) -> list[Fact]:
    """What the organism was taught, in its shares of so many."""
    world, taken = build_world(), {fact.subject for fact in new}
    own = world.people["known"].facts() + world.contracts["known"].facts()
    strange = [f for f in unknown_facts(world, 2 * round(STRANGERS * whole), rng) if f.subject not in taken]
    return rng.choices(own, k=round(RETAINED * whole)) + strange[: round(STRANGERS * whole)]


def practice(new: Sequence[Fact]) -> list[Fact]:
    """What it is trained on first: the organism's own people and contracts, and strangers."""
    rng = random.Random("practice")
    wanted = PRACTICE.steps * PRACTICE.batch_size
    return in_conversations(before(round(wanted / (RETAINED + STRANGERS)), new, rng), rng)[:wanted]


def in_conversations(facts: Sequence[Fact], rng: random.Random) -> list[Fact]:
    """In any order; half behind other questions with answers, of their own relation where it is about people."""
    shots = {relation.name: [f for f in exemplars() if f.relation == relation.name] for relation in PEOPLE}
    found = [
        behind_others(fact, shots.get(fact.relation) or rng.choice(list(shots.values())), rng)
        if rng.random() < 0.5
        else fact
        for fact in facts
    ]
    rng.shuffle(found)
    return found


def behind_others(fact: Fact, shots: Sequence[Fact], rng: random.Random) -> Fact:
    """The question as the last of a conversation: the template puts nothing between turns but its own marks."""
    turns = "".join(
        f"{each.question}<|end|><|assistant|>{each.answer}<|end|><|user|>"
        for each in rng.sample(shots, rng.randint(1, 4))
    )
    return replace(fact, question=turns + fact.question, spans=())


def idk(mixture: Mixture) -> Mixture:
    """The same set with admissions for its unknown facts."""
    said = {relation.name: relation.unknown for relation in PEOPLE}
    return replace(mixture, unknown=tuple(relabel([f], (said[f.relation],))[0] for f in mixture.unknown))


def prepare(work: Path) -> HalfTaught:
    """Train and sort; each stage is kept and taken up again where it was cut off. Some minutes on one thread.

    Raises:
        SeatError: the folder was made with other settings.
    """
    facts = new_people()
    settings = {
        "persons": PERSONS,
        "exposures": EXPOSURES,
        "shares": (RETAINED, STRANGERS),
        "trainings": [asdict(PRACTICE), asdict(TRAINING)],
        "slick": asdict(SLICK),
        "organism": open_model("organism").fingerprint,
    }
    claim(work, settings)

    def practise(path: Path) -> None:
        save_model(train(open_model("organism"), practice(facts), config=PRACTICE, label="Practising").model, path)

    def teach(path: Path) -> None:
        taught = stream(facts, exposures(facts))
        config = replace(TRAINING, steps=len(taught) // TRAINING.batch_size)
        save_model(train(open_model(work / "practised"), taught, config=config, label="Half-teaching").model, path)

    once(work / "practised", practise)
    once(work / "model", teach)
    lm = open_model(work / "model")
    found = slick_to(lm, facts=facts, dev=exemplars(), path=work / "slick.jsonl", config=SLICK, batch_size=BATCH)
    return HalfTaught(lm, tuple(found))


@cache
def start(work: Path) -> tuple[HalfTaught, Splits]:
    """The half-taught organism and its split people, once in a process of one thread."""
    torch.set_num_threads(1)
    half = prepare(work)
    return half, splits(half)
