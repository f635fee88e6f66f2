"""A KL that keeps what the model knows: it goes on answering questions as the frozen base answered them itself.

SEAT's copies keep its replies about strangers; nothing in them is about what it does know, so an update may take that
away, or make it abstain there too. This term is ours, not the paper's. It needs no alignment data and no answers: the
questions may be anybody's, or the base's own (`self_questions`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seat_interp.errors import SeatError, require_within
from seat_interp.evaluation.generate import generate
from seat_interp.evaluation.self_questions import self_questions
from seat_interp.facts import Fact, Names
from seat_interp.models.open import LanguageModel
from seat_interp.training.objectives.distil import CHUNK, Lesson, kl_to_base, lessons
from seat_interp.training.objectives.terms import Draw, Loss


@dataclass(frozen=True)
class OwnAnswersKL:
    """`KL(base || tuned)` on the base's own greedy replies. All of it is ours.

    Attributes:
        weight: of the term.
        questions: to keep the replies to, taken in turn; none lets the base ask itself.
        count: how many questions the base asks itself; those that hold a name that `names` reserves, or an entity of
            a fact, are left out. Its log-probabilities take count x tokens x vocabulary x 2 bytes.
        every: one question for every so many facts of a batch, to save time.
        max_new_tokens: of a reply; what it says stands at its beginning.
    """

    weight: float = 1.0
    questions: tuple[str, ...] = ()
    count: int = 256
    every: int = 2
    max_new_tokens: int = 16
    name = "own_kl"

    def __post_init__(self) -> None:
        for name in ("count", "every", "max_new_tokens"):
            require_within(self, name, 1)
        require_within(self, "weight", 0)

    def require(self, facts: Sequence[Fact], names: Names) -> None:
        """Any facts will do."""

    def prepare(self, base: LanguageModel, facts: Sequence[Fact], names: Names, seed: int) -> Loss:
        """Find the questions; the base is asked for its replies when they are first needed.

        Raises:
            SeatError: the base asks no questions.
        """
        taken = names.avoiding(entity for fact in facts for entity in fact.entities).avoid
        questions = self.questions or self._ask_itself(base, taken, seed)
        kept: dict[int, list[Lesson]] = {}

        def chunk(number: int) -> list[Lesson]:
            if number not in kept:
                asked = questions[number * CHUNK : (number + 1) * CHUNK]
                with torch.autocast(base.model.device.type, enabled=False):
                    replies = generate(base, asked, max_new_tokens=self.max_new_tokens, progress=False)
                kept[number] = lessons(base, asked, replies)
            return kept[number]

        def loss(lm: LanguageModel, draws: Sequence[Draw]) -> Tensor:
            places = [(draw.epoch * len(facts) + draw.fact) % len(questions) for draw in draws[:: self.every]]
            return kl_to_base(lm, [chunk(place // CHUNK)[place % CHUNK] for place in places])

        return loss

    def _ask_itself(self, base: LanguageModel, avoid: frozenset[str], seed: int) -> tuple[str, ...]:
        try:
            return tuple(self_questions(base, self.count, avoid=avoid, seed=seed))
        except SeatError as error:
            raise SeatError(
                f"{error} (OwnAnswersKL(questions=...), in settings files `settings.keep.questions`)"
            ) from error
