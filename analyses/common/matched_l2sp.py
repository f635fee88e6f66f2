"""Gradient-matched L2-SP: a penalty as strong as another term, the control for the strength of that term."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from seat_interp.facts import Fact, Names
from seat_interp.models.open import LanguageModel
from seat_interp.training.objectives.terms import Draw, Loss, Term


@dataclass(frozen=True)
class GradientMatchedL2SP:
    """L2-SP whose gradient is at every step as large as that of another term (2604.15574).

    The paper matches the two in gradient size; how is not known. Here the factor of half the squared distance is
    found anew at each step, so that the two gradients have equal norms over all that is trained. At the first step
    nothing has moved and there is no penalty.

    Attributes:
        like: the other term; its gradient is measured and not followed.
        weight: of the term; 1 is as large.
    """

    like: Term
    weight: float = 1.0
    name = "matched_l2sp"
    is_task_loss = False
    reads_weights = True

    @property
    def facts_per_item(self) -> int:
        """As the other term."""
        return self.like.facts_per_item

    def require(self, facts: Sequence[Fact], names: Names) -> None:
        """What the other term requires."""
        self.like.require(facts, names)

    def prepare(self, base: LanguageModel, facts: Sequence[Fact], names: Names, seed: int) -> Loss:
        """Remember the base and prepare the other term."""
        start = {name: parameter.detach() for name, parameter in base.model.named_parameters()}
        other = self.like.prepare(base, facts, names, seed)

        def loss(lm: LanguageModel, draws: Sequence[Draw]) -> Float[Tensor, ""]:
            trained = {name: p for name, p in lm.model.named_parameters() if p.requires_grad and name in start}
            grads = torch.autograd.grad(other(lm, draws), list(trained.values()), allow_unused=True)
            wanted = torch.stack([grad.square().sum() for grad in grads if grad is not None]).sum().sqrt()
            squares = torch.stack([(parameter - start[name]).square().sum() for name, parameter in trained.items()])
            moved = squares.detach().sum().sqrt()
            factor = torch.where(moved > 0, wanted / moved.clamp(min=torch.finfo(moved.dtype).tiny), 0.0)
            return 0.5 * factor.detach() * squares.sum()

        return loss
