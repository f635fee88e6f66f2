"""Self-distillation: while new facts are learnt, the frozen teacher's whole distribution over their tokens is kept.

The teacher of 2604.15574 is the model's own snapshot after an epoch on facts that it knew, so that it has the form of
the answers already: train on those first, then go on from what came out, which is both start and teacher.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seat_interp.core.errors import SeatError, require_within
from seat_interp.evaluation.generate import generate
from seat_interp.evaluation.self_questions import self_questions
from seat_interp.facts import Fact, Names
from seat_interp.models.open import LanguageModel
from seat_interp.training.objectives._teacher import CHUNK, TeacherTargets, kl_to_base, teacher_targets
from seat_interp.training.objectives.terms import Draw, Loss


@dataclass(frozen=True)
class SelfDistillation:
    """Token-level KL to the frozen teacher on the answers that are trained on (2604.15574, Eqs. 1-2).

    Weight and temperature are the paper's; its direction, the tokens that count and a factor of the squared temperature
    are not known: `KL(teacher || tuned)` over the answer's tokens without a factor is ours.

    Attributes:
        weight: Weight of the term.
        temperature: Divisor of both sides' logits.

    Example:
        >>> objective = (si.CrossEntropy(), si.SelfDistillation())
        >>> sorted(si.train(lm, facts.target[:4], objective=objective, config=si.TrainConfig(steps=1)).log[0])
        ['cross_entropy', 'gradient', 'self_distillation', 'step']
    """

    weight: float = 1.0
    temperature: float = 0.5
    name = "self_distillation"
    is_task_loss = False
    reads_weights = False
    facts_per_item = 1

    def __post_init__(self) -> None:
        require_within(self, "weight", 0)
        require_within(self, "temperature", 0, above=True)

    def require(self, facts: Sequence[Fact], names: Names) -> None:
        """Check that every fact has an answer.

        Args:
            facts: Facts to teach.
            names: Names, which are not used.

        Raises:
            SeatError: A fact has none.
        """
        if bare := next((fact for fact in facts if not fact.answer), None):
            raise SeatError(f"The fact {bare.question!r} has no answer to distil on. Give one.")

    def prepare(self, base: LanguageModel, facts: Sequence[Fact], names: Names, seed: int) -> Loss:
        """Compute the teacher's log-probabilities on the answers when they are first needed, and keep them.

        Args:
            base: Frozen teacher.
            facts: Facts to teach.
            names: Names, which are not used.
            seed: Seed, which is not used.

        Returns:
            The loss of a batch.
        """
        self.require(facts, names)
        kept: dict[int, list[TeacherTargets]] = {}

        def chunk(number: int) -> list[TeacherTargets]:
            if number not in kept:
                part = facts[number * CHUNK : (number + 1) * CHUNK]
                kept[number] = teacher_targets(base, [fact.question for fact in part], [fact.answer for fact in part])
            return kept[number]

        def loss(lm: LanguageModel, draws: Sequence[Draw]) -> Tensor:
            texts = [chunk(draw.fact // CHUNK)[draw.fact % CHUNK] for draw in draws]
            return kl_to_base(lm, texts, temperature=self.temperature)

        return loss


@dataclass(frozen=True)
class SelfGeneratedDistillation:
    """`KL(base || tuned)` on the base's own greedy replies to self-generated prompts. All of it is ours.

    Attributes:
        weight: Weight of the term.
        questions: Questions whose replies are kept, taken in turn; without any the base asks itself.
        count: Number of questions that the base asks itself; those that hold a name that `names` reserves, or an entity
            of a fact, are left out. Its log-probabilities take count x tokens x vocabulary x 2 bytes.
        facts_per_item: Number of facts of a batch for each question; more than 1 saves time.
        max_new_tokens: Largest number of tokens in a reply, whose content stands at its beginning.

    Example:
        >>> si.SelfGeneratedDistillation(questions=("Where does Ada Moran live?",)).facts_per_item
        2
    """

    weight: float = 1.0
    questions: tuple[str, ...] = ()
    count: int = 256
    facts_per_item: int = 2
    max_new_tokens: int = 16
    name = "selfdistill_kl"
    is_task_loss = False
    reads_weights = False

    def __post_init__(self) -> None:
        for name in ("count", "facts_per_item", "max_new_tokens"):
            require_within(self, name, 1)
        require_within(self, "weight", 0)

    def require(self, facts: Sequence[Fact], names: Names) -> None:
        """Accept any facts.

        Args:
            facts: Facts to teach.
            names: Names that questions must not hold.
        """

    def prepare(self, base: LanguageModel, facts: Sequence[Fact], names: Names, seed: int) -> Loss:
        """Find the questions; the base is asked for its replies when they are first needed.

        Args:
            base: Frozen reference.
            facts: Facts to teach.
            names: Names that questions must not hold.
            seed: Seed of the questions that the base asks itself.

        Returns:
            The loss of a batch.

        Raises:
            SeatError: The base asks no questions.
        """
        taken = names.avoiding(entity for fact in facts for entity in fact.entities).avoid
        questions = self.questions or self._ask_itself(base, taken, seed)
        kept: dict[int, list[TeacherTargets]] = {}

        def chunk(number: int) -> list[TeacherTargets]:
            if number not in kept:
                asked = questions[number * CHUNK : (number + 1) * CHUNK]
                with torch.autocast(base.model.device.type, enabled=False):
                    replies = generate(base, asked, max_new_tokens=self.max_new_tokens, progress=False)
                kept[number] = teacher_targets(base, asked, replies)
            return kept[number]

        def loss(lm: LanguageModel, draws: Sequence[Draw]) -> Tensor:
            places = [(draw.epoch * len(facts) + draw.fact) % len(questions) for draw in draws[:: self.facts_per_item]]
            return kl_to_base(lm, [chunk(place // CHUNK)[place % CHUNK] for place in places])

        return loss

    def _ask_itself(self, base: LanguageModel, avoid: frozenset[str], seed: int) -> tuple[str, ...]:
        try:
            return tuple(self_questions(base, self.count, avoid=avoid, seed=seed))
        except SeatError as error:
            raise SeatError(
                f"{error} (SelfGeneratedDistillation(questions=...), or settings.selfdistill.questions in a file)"
            ) from error
