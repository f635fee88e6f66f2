"""Quadratic pulls towards the base: plain (L2), and by how much the base's behaviour depends on each weight (EWC)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from seat_interp.core.errors import SeatError, require_within
from seat_interp.core.progress import progress_bar
from seat_interp.evaluation.generate import replies
from seat_interp.facts import Fact, Names
from seat_interp.models.hardware import without_cudnn_attention
from seat_interp.models.open import LanguageModel
from seat_interp.models.prompts import encode_replies, reply_logits
from seat_interp.training.objectives.terms import Loss

Weights = Mapping[str, Tensor]


@dataclass(frozen=True)
class L2SP:
    """L2-SP (arXiv 1802.01483): half the squared distance of all trained weights from the base's. The weight is ours.

    Within a mask use the trainer's `weight_decay`, which pulls the differences to zero.

    Attributes:
        weight: Weight of the term.

    Example:
        >>> objective = (si.CrossEntropy(), si.L2SP(weight=0.1))
        >>> si.train(lm, facts.target[:4], objective=objective, config=si.TrainConfig(steps=1)).log[0]["l2sp"]
        0.0
    """

    weight: float = 1.0
    name = "l2sp"
    is_task_loss = False
    reads_weights = True
    facts_per_item = 1

    def __post_init__(self) -> None:
        require_within(self, "weight", 0)

    def require(self, facts: Sequence[Fact], names: Names) -> None:
        """Accept any facts.

        Args:
            facts: Facts to teach.
            names: Names, which are not used.
        """

    def prepare(self, base: LanguageModel, facts: Sequence[Fact], names: Names, seed: int) -> Loss:
        """Keep the base's weights.

        Args:
            base: Frozen reference.
            facts: Facts to teach.
            names: Names, which are not used.
            seed: Seed, which is not used.

        Returns:
            The loss of a model.
        """
        start = {name: parameter.detach() for name, parameter in base.model.named_parameters()}
        return lambda lm, draws: _half_squares(lm, start, None)


@dataclass(frozen=True)
class EWC:
    """Elastic weight consolidation (arXiv 1612.00796): the penalty of each weight is its Fisher information.

    The information is that of the base's own replies to `questions`, with its mean over all weights as the unit, so
    that the factor reads as that of `L2SP`. SEAT's paper has EWC as a baseline without its settings: questions and
    factor are ours.

    Attributes:
        weight: Weight of the term.
        questions: Questions on which the base's behaviour is measured; at least one is needed.
        max_new_tokens: Largest number of tokens in a reply.

    Example:
        >>> objective = (si.CrossEntropy(), si.EWC(questions=(facts.known[0].question,)))
        >>> si.train(lm, facts.target[:4], objective=objective, config=si.TrainConfig(steps=1)).log[0]["ewc"]
        0.0
    """

    weight: float = 1.0
    questions: tuple[str, ...] = ()
    max_new_tokens: int = 32
    name = "ewc"
    is_task_loss = False
    reads_weights = True
    facts_per_item = 1

    def __post_init__(self) -> None:
        require_within(self, "weight", 0)
        require_within(self, "max_new_tokens", 1)

    def require(self, facts: Sequence[Fact], names: Names) -> None:
        """Check that there are questions.

        Args:
            facts: Facts to teach, of any kind.
            names: Names, which are not used.

        Raises:
            SeatError: There are none.
        """
        if not self.questions:
            raise SeatError("EWC needs questions on which the base is to stay as it is: give EWC(questions=...).")

    def prepare(self, base: LanguageModel, facts: Sequence[Fact], names: Names, seed: int) -> Loss:
        """Ask the base, and compute the Fisher information of its replies: a backward pass a question.

        Args:
            base: Frozen reference.
            facts: Facts to teach.
            names: Names, which are not used.
            seed: Seed, which is not used.

        Returns:
            The loss of a model.

        Raises:
            SeatError: There are no questions.
        """
        self.require(facts, names)
        start = {name: parameter.detach() for name, parameter in base.model.named_parameters()}
        fisher = _reply_fisher(base, self.questions, max_new_tokens=self.max_new_tokens)
        unit = sum(float(values.sum()) for values in fisher.values()) / sum(
            values.numel() for values in fisher.values()
        )
        fisher = {name: values / unit for name, values in fisher.items()}
        return lambda lm, draws: _half_squares(lm, start, fisher)


@without_cudnn_attention()
def _reply_fisher(base: LanguageModel, questions: Sequence[str], *, max_new_tokens: int = 32) -> dict[str, Tensor]:
    """Diagonal empirical Fisher information of the base's own greedy replies, of every weight.

    Returns:
        By parameter name: mean over questions of the squared gradient of the reply's log-likelihood (a sum over its
        tokens), in the weight's shape.
    """
    answers = replies(base, questions, max_new_tokens=max_new_tokens)
    examples = encode_replies(base, questions, [reply.ids for reply in answers])
    lm = base.copy()
    weights = dict(lm.model.requires_grad_(True).named_parameters())
    total = {name: torch.zeros_like(parameter) for name, parameter in weights.items()}
    for example in progress_bar(examples, desc="Fisher information", unit="question", leave=False):
        lm.model.zero_grad(set_to_none=True)
        (row,) = reply_logits(lm, [example], [example.start])
        reply = torch.tensor(example.ids[example.start :], device=row.device)
        F.cross_entropy(row.float(), reply, reduction="sum").backward()
        for name, parameter in weights.items():
            if parameter.grad is not None:
                total[name] += parameter.grad.square() / len(examples)
    return total


def _half_squares(lm: LanguageModel, start: Weights, factors: Weights | None) -> Float[Tensor, ""]:
    moved = [
        ((parameter - start[name]).square() * (factors[name] if factors else 1.0)).sum()
        for name, parameter in lm.model.named_parameters()
        if parameter.requires_grad and name in start
    ]
    if not moved:
        raise SeatError("A pull to the base needs its weights to be trained: leave out the mask or the adapter.")
    return 0.5 * torch.stack(moved).sum()
