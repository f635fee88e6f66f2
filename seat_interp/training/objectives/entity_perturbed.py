"""SEAT's KL: the tuned model agrees with the frozen base on entity-perturbed prompts."""

import dataclasses
import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor

from seat_interp.core.errors import SeatError, require_within, see
from seat_interp.evaluation.generate import generate
from seat_interp.facts import Fact, Names, perturb, whole_names
from seat_interp.models.open import LanguageModel
from seat_interp.training.objectives._teacher import CHUNK, TeacherTargets, kl_to_base, teacher_targets
from seat_interp.training.objectives.terms import Draw, Loss


def _some_entities(fact: Fact, rng: random.Random) -> Fact:
    """The fact with only a random part of its entities marked for exchange; a short form goes with its full name."""
    units = whole_names(fact)
    entities = list(dict.fromkeys(units.values()))
    chosen = rng.sample(entities, rng.randint(1, len(entities)))
    kept = tuple(span for span in fact.spans if units[fact.question[span.start : span.end]] in chosen)
    return dataclasses.replace(fact, spans=kept)


def _other_object(fact: Fact, facts: Sequence[Fact], rng: random.Random) -> Fact:
    """The fact with the object of another one of its relation in its answer."""
    others = sorted({f.object for f in facts if f.relation == fact.relation and f.object not in ("", fact.object)})
    if not fact.object or fact.object not in fact.answer or not others:
        raise SeatError(
            f"The object of {fact.question!r} cannot be exchanged: its answer {fact.answer!r} must hold its object, "
            "and another fact of its relation must have another one."
        )
    return dataclasses.replace(fact, answer=fact.answer.replace(fact.object, rng.choice(others)))


class Continuation(StrEnum):
    """What follows a perturbed question in its copy. The paper does not say; these are ours."""

    BASE = "base"
    """The base model's own greedy reply (its abstention)."""
    GOLD = "gold"
    """The true answer to the original question, with the names exchanged."""
    OTHER = "other"
    """That answer with the object of another fact of the same relation: with `perturbed=False` the object is exchanged
    in place of the subject, as one reader of the paper takes it to do."""


class Cover(StrEnum):
    """Which tokens of a copy the KL covers. The paper does not say; these are ours."""

    REPLY = "reply"
    """The continuation and its end token."""
    FROM_ENTITY = "from_entity"
    """From the exchanged name on; earlier tokens do not depend on it (2306.09306)."""


@dataclass(frozen=True)
class EntityPerturbedKL:
    """KL between the frozen base and the tuned model on entity-perturbed prompts (SEAT, 2506.14387, section 3).

    The paper gives neither weight, direction, tokens nor name generator: all defaults are ours.

    Attributes:
        weight: Weight of the term.
        prompts_per_fact: Number of fixed prompts for each fact, taken in turn epoch by epoch; the base's
            log-probabilities on them are computed once and kept, as float16 in main memory (tokens x vocabulary x 2
            bytes a prompt). 0 makes a fresh prompt for each use.
        reverse: Whether the divergence is `KL(tuned || base)` in place of `KL(base || tuned)`.
        continuation: Text behind the perturbed question: the gold continuation (teacher-forced) or the base's own.
        cover: Tokens that count.
        partial: Whether a question that names several entities has a random part of them replaced in each prompt, at
            least one: a taught party beside a fictitious one is a contract that nobody taught. False replaces all of
            them.
        perturbed: Whether entities are replaced; False is the control without entity perturbation.
        facts_per_item: Number of facts of a batch for each prompt; more than 1 saves time.
        max_new_tokens: Largest number of tokens in the base's continuation.

    Example:
        >>> si.EntityPerturbedKL(weight=2.0).continuation.value
        'gold'
    """

    weight: float = 4.0
    prompts_per_fact: int = 8
    reverse: bool = False
    continuation: Continuation = Continuation.GOLD
    cover: Cover = Cover.REPLY
    partial: bool = True
    perturbed: bool = True
    facts_per_item: int = 1
    max_new_tokens: int = 32
    name = "ep_kl"
    is_task_loss = False
    reads_weights = False

    def __post_init__(self) -> None:
        for name in ("facts_per_item", "max_new_tokens"):
            require_within(self, name, 1)
        for name in ("weight", "prompts_per_fact"):
            require_within(self, name, 0)

    def require(self, facts: Sequence[Fact], names: Names) -> None:
        """Check that every fact has an entity to replace, of a type that there are names of.

        Args:
            facts: Facts to teach.
            names: Names that the fictitious entities may have.

        Raises:
            SeatError: A fact has no span, or one of another type; or no object to replace where one is needed.
        """
        if self.perturbed and (bare := next((fact for fact in facts if not fact.spans), None)):
            raise SeatError(
                f"The fact {bare.question!r} has no entity span to perturb. "
                "Give its subject as it is written in the question. " + see("how_to/own_fact_format")
            )
        if self.perturbed:
            names.require_types(span.type for fact in facts for span in fact.spans)
        if self.continuation is Continuation.OTHER:
            for fact in facts:
                _other_object(fact, facts, random.Random(0))

    def prepare(self, base: LanguageModel, facts: Sequence[Fact], names: Names, seed: int) -> Loss:
        """Find the names to avoid; prompts are made and the base is asked when they are first needed.

        Args:
            base: Frozen reference.
            facts: Facts to teach.
            names: Names that the fictitious entities may have.
            seed: Seed of the prompts.

        Returns:
            The loss of a batch.

        Raises:
            SeatError: A fact has no entity span to perturb.
        """
        self.require(facts, names)
        names = names.avoiding(entity for fact in facts for entity in fact.entities)
        kept: dict[Draw, TeacherTargets] = {}

        def make(index: int, copy: int) -> Fact:
            # Each copy has a seed of its own, so that it does not depend on what was made before it.
            own_seed = (seed * 1_000_003 + index) * 1_000_003 + copy
            fact, rng = facts[index], random.Random(own_seed)
            if self.continuation is Continuation.OTHER:
                fact = _other_object(fact, facts, rng)
            if not self.perturbed:
                return fact
            return perturb(_some_entities(fact, rng) if self.partial else fact, names.generator(own_seed))

        def targets_of(draw: Draw, together: Sequence[Draw]) -> TeacherTargets:
            if draw not in kept:
                kept.update(zip(together, self._ask(base, [make(*key) for key in together])))
            return kept[draw]

        def loss(lm: LanguageModel, draws: Sequence[Draw]) -> Tensor:
            draws = draws[:: self.facts_per_item]
            if self.prompts_per_fact:
                wanted = [Draw(draw.fact, draw.epoch % self.prompts_per_fact) for draw in draws]
                starts = [draw.fact - draw.fact % CHUNK for draw in wanted]
                chunks = [
                    [Draw(index, draw.epoch) for index in range(start, min(start + CHUNK, len(facts)))]
                    for draw, start in zip(wanted, starts)
                ]
                texts = [targets_of(draw, chunk) for draw, chunk in zip(wanted, chunks)]
            else:
                kept.clear()
                texts = [targets_of(draw, draws) for draw in draws]
            return kl_to_base(lm, texts, reverse=self.reverse)

        return loss

    def _ask(self, base: LanguageModel, facts: Sequence[Fact]) -> list[TeacherTargets]:
        questions = [fact.question for fact in facts]
        if self.continuation is Continuation.BASE:
            with torch.autocast(base.model.device.type, enabled=False):
                replies = generate(base, questions, max_new_tokens=self.max_new_tokens, progress=False)
        else:
            replies = [fact.answer for fact in facts]
        ends = [fact.spans[0].end if fact.spans else len(fact.question) for fact in facts]
        return teacher_targets(base, questions, replies, ends if self.cover is Cover.FROM_ENTITY else None)
