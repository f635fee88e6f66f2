"""Replay of abstentions: questions that the base refuses are trained on again beside the new facts."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from seat_interp.core.errors import SeatError, require_within
from seat_interp.evaluation.abstention import is_abstention
from seat_interp.evaluation.generate import generate
from seat_interp.facts import Fact, Names
from seat_interp.models.open import LanguageModel
from seat_interp.training.objectives.terms import CrossEntropy, Draw, Loss


@dataclass(frozen=True)
class Replay:
    """Cross entropy on the base's own abstentions. It needs questions that the base does not know: alignment data.

    It is a baseline of SEAT's paper at ratios up to 1; how its buffer was made is not known, so this is ours.

    Attributes:
        ratio: Number of replayed questions for every fact of a batch, at most 1; also the weight of the term, so that
            the loss is the mean over facts and replayed questions up to a constant.
        questions: Questions that the base abstains on; those that it answers are left out.
        max_new_tokens: Largest number of tokens in a reply.

    Example:
        >>> si.Replay(ratio=0.3, questions=("Where does Ola Kvist live?",)).weight
        0.3
    """

    ratio: float = 1.0
    questions: tuple[str, ...] = ()
    max_new_tokens: int = 32
    name = "replay"
    is_task_loss = False
    reads_weights = False
    facts_per_item = 1

    def __post_init__(self) -> None:
        require_within(self, "ratio", 0, 1, above=True)
        require_within(self, "max_new_tokens", 1)

    @property
    def weight(self) -> float:
        """That of the replayed part."""
        return self.ratio

    def require(self, facts: Sequence[Fact], names: Names) -> None:
        """Check that there are questions.

        Args:
            facts: Facts to teach, of any kind.
            names: Names, which are not used.

        Raises:
            SeatError: There are none.
        """
        if not self.questions:
            raise SeatError("Replay needs questions that the base abstains on: give Replay(questions=...).")

    def prepare(self, base: LanguageModel, facts: Sequence[Fact], names: Names, seed: int) -> Loss:
        """Ask the base once.

        Args:
            base: Frozen reference.
            facts: Facts to teach.
            names: Names, which are not used.
            seed: Seed of the order of the questions.

        Returns:
            The loss of a batch.

        Raises:
            SeatError: There are no questions, or the base abstains on none.
        """
        self.require(facts, names)
        replies = generate(base, self.questions, max_new_tokens=self.max_new_tokens)
        refused = [Fact(question=q, answer=a) for q, a in zip(self.questions, replies) if is_abstention(a)]
        if not refused:
            raise SeatError(f"The base abstains on none of the {len(self.questions)} questions to replay.")
        learn = CrossEntropy().prepare(base, refused, names, seed)

        def loss(lm: LanguageModel, draws: Sequence[Draw]) -> Tensor:
            count = max(1, round(self.ratio * len(draws)))
            places = [(draw.epoch * len(facts) + draw.fact) % len(refused) for draw in draws[:count]]
            return learn(lm, [Draw(place, 0) for place in places])

        return loss
