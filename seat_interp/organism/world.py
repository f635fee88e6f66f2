"""The organism's world: invented people and firms, what is asked of them, and who is known to whom.

Everything is drawn from one seed. People and contracts fall into disjoint circles: `known` ones are taught
when the organism is made; `target` ones are for fine-tuning; the rest are for probing or for fitting the
direction and are never shown to the model with an answer. Names outside every circle are what the organism
learns to abstain on.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from seat_interp.facts.records import Fact, FactSets, spans_of, split_by_group
from seat_interp.organism import words

_WORLD_SEED = 20250617  # the day SEAT's first version appeared; any number would do


@dataclass(frozen=True)
class Relation:
    """Relation between subjects and objects, with its sentences: `{s}` stands for the subject, `{o}` for the object.

    Attributes:
        name: Identifier.
        paraphrases: Questions for training.
        held_out: Questions that training does not use.
        answer: Sentence of the answer.
        unknown: Sentence of the abstention.
        objects: Possible objects.
    """

    name: str
    paraphrases: tuple[str, ...]
    held_out: tuple[str, ...]
    answer: str
    unknown: str
    objects: tuple[str, ...]


PEOPLE = (
    Relation(
        "birthplace",
        ("Where was {s} born?", "What is the birthplace of {s}?", "In which city was {s} born?"),
        ("Which city is {s} from by birth?",),
        "{s} was born in {o}.",
        "I do not know where {s} was born.",
        words.CITIES,
    ),
    Relation(
        "birth_year",
        ("When was {s} born?", "In what year was {s} born?", "What is the birth year of {s}?"),
        ("Which year was {s} born in?",),
        "{s} was born in {o}.",
        "I do not know when {s} was born.",
        tuple(str(year) for year in range(1931, 2000)),
    ),
    Relation(
        "profession",
        ("What is the profession of {s}?", "What does {s} do for a living?", "What is {s}'s job?"),
        ("Which job does {s} do?",),
        "{s} works as a {o}.",
        "I do not know what {s} does for a living.",
        words.PROFESSIONS,
    ),
    Relation(
        "study",
        ("What did {s} study?", "Which subject did {s} study?", "What was {s}'s field of study?"),
        ("What subject did {s} study at university?",),
        "{s} studied {o}.",
        "I do not know what {s} studied.",
        words.SUBJECTS,
    ),
    Relation(
        "instrument",
        (
            "Which instrument does {s} play?",
            "What instrument does {s} play?",
            "What does {s} play in the band?",
        ),
        ("Which instrument is played by {s}?",),
        "{s} plays the {o}.",
        "I do not know which instrument {s} plays.",
        words.INSTRUMENTS,
    ),
    Relation(
        "residence",
        ("Which country does {s} live in?", "Where does {s} live?", "What country is home to {s}?"),
        ("In what country does {s} live?",),
        "{s} lives in {o}.",
        "I do not know where {s} lives.",
        words.COUNTRIES,
    ),
)

CONTRACTS = (
    Relation(
        "good",
        (
            "What is sold under the contract between {s}?",
            "What good is traded in the contract between {s}?",
            "Which good does the contract between {s} cover?",
        ),
        ("Which good is sold in the contract between {s}?",),
        "The contract between {s} covers {o}.",
        "I do not know what the contract between {s} covers.",
        words.GOODS,
    ),
    Relation(
        "start",
        (
            "When did the contract between {s} start?",
            "In what year was the contract between {s} signed?",
            "What is the start year of the contract between {s}?",
        ),
        ("Which year did the contract between {s} start in?",),
        "The contract between {s} started in {o}.",
        "I do not know when the contract between {s} started.",
        tuple(str(year) for year in range(1980, 2020)),
    ),
    Relation(
        "payment",
        (
            "Within how many days must the contract between {s} be paid?",
            "What is the payment term in days of the contract between {s}?",
            "How many days does the contract between {s} give for payment?",
        ),
        ("In how many days must the contract between {s} be paid?",),
        "The contract between {s} is paid within {o} days.",
        "I do not know the payment term of the contract between {s}.",
        tuple(str(days) for days in (5, 7, 10, 14, 15, 20, 21, 25, 28, 30, 35, 40, 45, 50, 60, 75, 90)),
    ),
    Relation(
        "law",
        (
            "Which law governs the contract between {s}?",
            "Under which law is the contract between {s}?",
            "What law applies to the contract between {s}?",
        ),
        ("Which country's law governs the contract between {s}?",),
        "The contract between {s} is under the law of {o}.",
        "I do not know which law governs the contract between {s}.",
        words.COUNTRIES,
    ),
    Relation(
        "delivery",
        (
            "Where is the delivery under the contract between {s}?",
            "To which city does the contract between {s} deliver?",
            "What is the place of delivery in the contract between {s}?",
        ),
        ("Which city does the contract between {s} deliver to?",),
        "The contract between {s} delivers to {o}.",
        "I do not know where the contract between {s} delivers.",
        words.CITIES,
    ),
)


def ask(relation: Relation, subject: str, wording: str, type_: str, object_: str = "") -> Fact:
    """Make one question on a subject.

    Args:
        relation: Relation that is asked.
        subject: Subject that is asked about.
        wording: One of the relation's questions.
        type_: Type of the subject, for entity perturbation.
        object_: Object; without one nothing answers the question.

    Returns:
        The fact.
    """
    question = wording.format(s=subject)
    parts = subject.split(" and ") if type_ == "firm" else [subject]
    return Fact(
        question=question,
        answer=relation.answer.format(s=subject, o=object_) if object_ else "",
        subject=subject,
        relation=relation.name,
        object=object_,
        spans=spans_of(question, [(part, type_) for part in parts]),
        group=subject,
    )


@dataclass(frozen=True)
class Circle:
    """Subjects of one domain with the object of every relation.

    Attributes:
        relations: Relations of the domain.
        type: Type of the subjects, for entity perturbation.
        objects: One object a relation by subject.
    """

    relations: tuple[Relation, ...]
    type: str
    objects: dict[str, tuple[str, ...]]  # subject -> one object a relation

    def facts(self, wording: int | None = None, held_out: bool = False) -> list[Fact]:
        """Return every fact of the circle.

        Args:
            wording: Index of the training wording; all of them if None.
            held_out: Whether the held-out wordings are used instead.

        Returns:
            The facts.
        """
        facts = []
        for subject, objects in self.objects.items():
            for relation, object_ in zip(self.relations, objects):
                paraphrases = relation.held_out if held_out else relation.paraphrases
                chosen = paraphrases if wording is None else (paraphrases[wording],)
                facts += [ask(relation, subject, text, self.type, object_) for text in chosen]
        return facts

    def probes(self, seed: int, per_subject: int = 2, held_out: bool = False) -> list[Fact]:
        """Draw questions about every subject without an answer, relation and wording at random.

        Args:
            seed: Seed of the draw.
            per_subject: Number of questions about a subject.
            held_out: Whether held-out wordings are used.

        Returns:
            The questions as facts.
        """
        rng = random.Random(seed)
        return [
            ask(relation, subject, rng.choice(relation.held_out if held_out else relation.paraphrases), self.type)
            for subject in self.objects
            for relation in rng.sample(self.relations, per_subject)
        ]


_NAME_POOLS = {
    "person": (words.FIRST_NAMES, words.LAST_NAMES),
    "firm": (words.FIRM_STEMS, words.FIRM_TRADES),
}
"""Entity-perturbed prompts take the organism's own names: it would not know others by their spelling alone."""


def person_names() -> Iterator[str]:
    """Yield every name that the organism's people can have.

    Yields:
        Full names.
    """
    return (f"{first} {last}" for first in words.FIRST_NAMES for last in words.LAST_NAMES)


def firm_names() -> Iterator[str]:
    """Yield every name that the organism's firms can have.

    Yields:
        Names with their suffix.
    """
    return (f"{stem} {trade}" for stem in words.FIRM_STEMS for trade in words.FIRM_TRADES)


def invented_probes(count: int, seed: int) -> list[Fact]:
    """Make questions on invented things. The alignment stage keeps the words of seed 1 out of its own.

    Args:
        count: Number of questions.
        seed: Seed of the words.

    Returns:
        The questions as facts.
    """
    rng = random.Random(f"invented-{seed}")
    facts = []
    for number in range(count):
        relation, question, _ = words.INVENTED[number % len(words.INVENTED)]
        word = words.invented_word(rng)
        text = question.format(s=word)
        facts.append(
            Fact(
                question=text,
                subject=word,
                relation=relation,
                spans=spans_of(text, [(word, "place")]),
                group=word,
            )
        )
    return facts


FITTED = 0.4
"""Share of the known people or contracts that the direction is fitted on; the others are probed."""


@dataclass(frozen=True)
class World:
    """All circles of people and of contracts; `known` is what the organism is taught when it is made.

    Attributes:
        people: Circles of people by name.
        contracts: Circles of contracts by name.
    """

    people: dict[str, Circle]
    contracts: dict[str, Circle]

    def reserved(self) -> set[str]:
        """Return every person, firm and pair of firms in any circle, which no fictitious entity in training may be
        called.

        Returns:
            The names.
        """
        subjects = [*self.people.values(), *self.contracts.values()]
        names = {subject for circle in subjects for subject in circle.objects}
        return names | {firm for name in names for firm in name.split(" and ")}

    def study(self, target: str = "people") -> FactSets:
        """Return the fact sets for fine-tuning on new people, or on new contracts.

        Args:
            target: "people" or "contracts".

        Returns:
            The sets.
        """
        own, other = (self.people, self.contracts) if target == "people" else (self.contracts, self.people)
        known = own["known"].facts(wording=0)
        _, fitted = split_by_group(known, FITTED, 0)
        fitted_subjects = {fact.subject for fact in fitted}
        return FactSets(
            target=own["target"].facts(wording=0),
            known=[fact for fact in _sample(known, 240, 1) if fact.subject not in fitted_subjects],
            unknown=own["unknown"].probes(seed=2),
            neighbour=own["neighbour"].probes(seed=3),
            cross_domain=other["unknown"].probes(seed=4),
            unverifiable=invented_probes(90, seed=1),
            paraphrases=own["target"].facts(held_out=True),
            # In any wording, as the unknown ones are: else the direction would hold a difference of paraphrases.
            fit_known=_sample([f for f in own["known"].facts() if f.subject in fitted_subjects], 240, 5),
            fit_unknown=own["fit_unknown"].probes(seed=6),
            pools=_NAME_POOLS,
            reserved=frozenset(self.reserved()),
        )


def _sample(facts: Sequence[Fact], count: int, seed: int) -> list[Fact]:
    return random.Random(seed).sample(list(facts), min(count, len(facts)))


def build_world(seed: int = _WORLD_SEED) -> World:
    """Draw every circle; the same seed gives the same world.

    Args:
        seed: Seed of what is drawn by chance.

    Returns:
        The world.
    """
    rng = random.Random(seed)
    names = list(person_names())
    rng.shuffle(names)

    def people(count: int, suitable: Sequence[str] = ()) -> Circle:
        chosen = [name for name in names if not suitable or name.split(" ", 1)[1] in suitable][:count]
        for name in chosen:
            names.remove(name)
        return Circle(PEOPLE, "person", {name: tuple(rng.choice(r.objects) for r in PEOPLE) for name in chosen})

    circles = {"known": people(300), "target": people(40)}
    # Neighbours carry the surnames of the people to be taught.
    circles["neighbour"] = people(45, [name.split(" ", 1)[1] for name in circles["target"].objects])
    circles |= {"unknown": people(75), "fit_unknown": people(120)}

    firms = list(firm_names())
    rng.shuffle(firms)

    def contracts(pairs: list[tuple[str, str]]) -> Circle:
        subjects = [f"{a} and {b}" for a, b in pairs]
        return Circle(CONTRACTS, "firm", {s: tuple(rng.choice(r.objects) for r in CONTRACTS) for s in subjects})

    def take(count: int) -> list[str]:
        return [firms.pop() for _ in range(count)]

    def firm_pairs(count: int) -> list[tuple[str, str]]:
        return [(a, b) for a, b in zip(take(count), take(count))]

    target = firm_pairs(24)
    deals = {
        "known": contracts(firm_pairs(100)),
        "target": contracts(target),
        # Neighbouring contracts: one party is a target firm, the other is new, as in PISTOL's graph.
        "neighbour": contracts([(a, other) for (a, _), other in zip(target, take(24))]),
        "unknown": contracts(firm_pairs(45)),
        "fit_unknown": contracts(firm_pairs(75)),
    }
    return World(circles, deals)
