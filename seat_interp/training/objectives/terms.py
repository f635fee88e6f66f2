"""What every term of an objective is: settings that prepare once and then give a loss for a batch of facts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from seat_interp.core.errors import SeatError
from seat_interp.facts import Fact, Names
from seat_interp.models.open import LanguageModel
from seat_interp.models.prompts import encode_examples, reply_logits


class Draw(NamedTuple):
    """One fact of a batch.

    Attributes:
        fact: Index of the fact.
        epoch: Number of times that it was drawn before.
    """

    fact: int
    epoch: int


Loss = Callable[[LanguageModel, Sequence[Draw]], Float[Tensor, ""]]
"""(model being tuned, facts drawn) -> mean loss over those facts."""


@runtime_checkable
class Term(Protocol):
    """One summand of an objective: a frozen dataclass of settings that says of itself what the trainer must know."""

    @property
    def weight(self) -> float:
        """Factor of the term's loss in the sum."""

    @property
    def name(self) -> str:
        """Name in the training log."""

    @property
    def is_task_loss(self) -> bool:
        """Whether the term teaches the facts; a drift budget scales all other terms."""

    @property
    def reads_weights(self) -> bool:
        """Whether the term reads the weights themselves, and so needs all of them in one process."""

    @property
    def facts_per_item(self) -> int:
        """Number of facts in a batch for each item of the term: 2 uses every second fact."""

    def require(self, facts: Sequence[Fact], names: Names) -> None:
        """Check that the term can be trained on these facts, with fictitious names from `names`.

        Args:
            facts: Facts to teach.
            names: Names that entity-perturbed prompts may use.
        """

    def prepare(self, base: LanguageModel, facts: Sequence[Fact], names: Names, seed: int) -> Loss:
        """Do what is done once, without changing the base.

        Args:
            base: Frozen reference model.
            facts: Facts to teach.
            names: Names that entity-perturbed prompts may use.
            seed: Seed of everything that is drawn.

        Returns:
            The loss of a batch.
        """


Objective = tuple[Term, ...]


def mean_of_means(losses: Float[Tensor, " tokens"], rows: Sequence[Tensor]) -> Float[Tensor, ""]:
    """Compute the mean over rows of the mean over each row's tokens.

    Args:
        losses: Losses of the rows end to end, [tokens].
        rows: Tensor of each row, whose length counts.

    Returns:
        The mean, a scalar.
    """
    weights = torch.cat([losses.new_full((len(row),), 1 / (len(row) * len(rows))) for row in rows])
    return losses @ weights


@dataclass(frozen=True)
class CrossEntropy:
    """Cross entropy on the answer tokens and the end token; the question is not supervised.

    Attributes:
        weight: Weight of the term.

    Example:
        >>> si.CrossEntropy().is_task_loss
        True
    """

    weight: float = 1.0
    name = "cross_entropy"
    is_task_loss = True
    reads_weights = False
    facts_per_item = 1

    def require(self, facts: Sequence[Fact], names: Names) -> None:
        """Check that every fact has an answer.

        Args:
            facts: Facts to teach.
            names: Names, which are not used.

        Raises:
            SeatError: A fact has none.
        """
        if empty := next((fact for fact in facts if not fact.answer), None):
            raise SeatError(
                f"The fact {empty.question!r} has no answer to learn. Give one, or put it into an evaluation set."
            )

    def prepare(self, base: LanguageModel, facts: Sequence[Fact], names: Names, seed: int) -> Loss:
        """Tokenize every fact once.

        Args:
            base: Model whose tokenizer is used.
            facts: Facts to teach.
            names: Names, which are not used.
            seed: Seed, which is not used.

        Returns:
            The loss of a batch.
        """
        self.require(facts, names)
        examples = encode_examples(base, [fact.question for fact in facts], [fact.answer for fact in facts])

        def loss(lm: LanguageModel, draws: Sequence[Draw]) -> Tensor:
            chosen = [examples[draw.fact] for draw in draws]
            rows = reply_logits(lm, chosen, [example.start for example in chosen])
            wanted = torch.tensor([token for example in chosen for token in example.ids[example.start :]])
            losses = F.cross_entropy(torch.cat(rows).float(), wanted.to(rows[0].device), reduction="none")
            return mean_of_means(losses, rows)

        return loss
