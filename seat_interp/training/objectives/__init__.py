"""What an update is asked to achieve: cross entropy on the target facts, and terms that keep what must stay.

An objective is a tuple of terms. Each term is a frozen dataclass of settings with a `prepare` that does what is
done once (encoding, perturbing) and returns a function from a batch of fact indices to a loss. Losses are means
over facts of means over tokens, so that micro-batches add up to exactly the whole batch's gradient.
"""

from typing import Any

from seat_interp.training.objectives.entity_perturbed import Continuation, Cover, EntityPerturbedKL
from seat_interp.training.objectives.replay import Replay
from seat_interp.training.objectives.self_distillation import SelfDistillation, SelfGeneratedDistillation
from seat_interp.training.objectives.terms import CrossEntropy, Draw, Loss, Objective, Term
from seat_interp.training.objectives.weight_penalties import EWC, L2SP

__all__ = [
    "EWC",
    "L2SP",
    "SEAT",
    "Continuation",
    "Cover",
    "CrossEntropy",
    "Draw",
    "EntityPerturbedKL",
    "Loss",
    "Objective",
    "Replay",
    "SelfDistillation",
    "SelfGeneratedDistillation",
    "Term",
    "plain",
]


def SEAT(**settings: Any) -> Objective:
    """Make SEAT's loss: cross entropy on the facts plus KL to the base on entity-perturbed prompts (2506.14387, section
    3).

    Args:
        settings: Settings of `EntityPerturbedKL`.

    Returns:
        The two terms.

    Example:
        >>> [term.name for term in si.SEAT(weight=1.0)]
        ['cross_entropy', 'ep_kl']
    """
    return (CrossEntropy(), EntityPerturbedKL(**settings))


def plain() -> Objective:
    """Make the loss of ordinary fine-tuning: cross entropy alone.

    Returns:
        The one term.
    """
    return (CrossEntropy(),)
