"""How to train."""

import math
from dataclasses import dataclass

from seat_interp.core.config import LARGEST_SEED
from seat_interp.core.errors import SeatError, require_within


@dataclass(frozen=True)
class TrainConfig:
    """Optimiser and schedule. The SEAT paper gives none of these settings; all are ours.

    Attributes:
        steps: Number of optimiser steps.
        batch_size: Number of facts in a step.
        micro_batch: Number of facts in a forward pass; a smaller one than `batch_size` accumulates gradients. None
            takes all at once.
        learning_rate: Peak learning rate of AdamW.
        warmup: Share of the steps in which the rate rises from zero.
        final: Share of the peak that a cosine reaches at the end; 1 keeps the rate constant.
        betas: Betas of AdamW.
        weight_decay: Weight decay on trained entries alone; what is masked out is never decayed. With a mask the decay
            is towards the base, since differences from it are trained; without one, towards zero.
        clip: Largest norm of the gradient over trained entries; None does not clip.
        mixed_precision: Whether forward passes run in bfloat16 under autocast; weights and optimiser stay as they are.
            It is twice as fast on processors with bfloat16 units, and far slower on others, which is warned of.
        seed: Seed of the order of the facts, the entity-perturbed prompts and dropout; in a study, the run's own.
        callback_every: Number of steps between calls of the callback; 0 for never.
        checkpoint_every: Number of steps between checkpoints; 0 for never.

    Example:
        >>> si.TrainConfig(steps=100, warmup=0.1).rate(9) == 5e-5
        True
    """

    steps: int = 60
    batch_size: int = 16
    micro_batch: int | None = None
    learning_rate: float = 5e-5
    warmup: float = 0.05
    final: float = 0.1
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    clip: float | None = 1.0
    mixed_precision: bool = False
    seed: int = 0
    callback_every: int = 0
    checkpoint_every: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "micro_batch"):
            require_within(self, name, 1)
        for name in ("learning_rate", "clip"):
            require_within(self, name, 0, above=True)
        for name in ("warmup", "final"):
            require_within(self, name, 0, 1)
        for name in ("weight_decay", "callback_every", "checkpoint_every"):
            require_within(self, name, 0)
        require_within(self, "seed", 0, LARGEST_SEED)
        if not all(0 <= beta < 1 for beta in self.betas):
            raise SeatError(f"AdamW's betas are {self.betas}; both must be at least 0 and below 1.")

    def rate(self, step: int) -> float:
        """Return the learning rate of a step.

        Args:
            step: Step, counted from 0.

        Returns:
            The rate.
        """
        rise = max(1, round(self.warmup * self.steps))
        if step < rise:
            return self.learning_rate * (step + 1) / rise
        done = (step - rise) / max(1, self.steps - rise)
        return self.learning_rate * (self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * done)))
