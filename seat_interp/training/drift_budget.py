"""A limit on drift inside training: the weight of the KL follows displacement on entity-perturbed prompts.

No alignment data is used: entity-perturbed prompts of the target facts are prompts on which the base abstains,
and how far they move along the ignorance direction is known without evaluation data. All of it is ours.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from seat_interp.capture import AtToken, capture
from seat_interp.core.errors import require_within
from seat_interp.directions.direction import IgnoranceDirection
from seat_interp.facts import Fact, Names, ep_prompts
from seat_interp.models.open import LanguageModel

Watch = Callable[[LanguageModel], float]
"""Mean displacement of the entity-perturbed prompts, in separations of the base."""


@dataclass(frozen=True)
class DriftBudget:
    """Limit on the mean displacement of entity-perturbed prompts, kept by the weights of all terms but the task loss.

    Every `every` steps these weights are multiplied by exp(gain x (drift / limit - 1)), and never leave the range from
    1 / `most` to `most` times what they were: heavier while the size of the drift is above the limit, lighter below it.

    Attributes:
        direction: Direction of the base; it may be fitted on such prompts and on the base's own confident answers
            alone.
        limit: Largest displacement, in separations.
        every: Number of steps between two measurements.
        gain: Gain with which the weights follow.
        most: Largest factor.
        prompts: Number of prompts that are measured; they are drawn apart from those that are trained on, which they
            meet by chance at most.

    Example:
        >>> direction = si.fit_direction(lm, unknown=facts.fit_unknown[:20], known=facts.fit_known[:20])
        >>> budget = si.DriftBudget(direction, limit=0.1, every=1, prompts=4)
        >>> config = si.TrainConfig(steps=2, batch_size=4)
        >>> log = si.train(lm, facts.target[:4], objective=si.SEAT(), drift_budget=budget, config=config).log
        >>> "drift" in log[-1]
        True
    """

    direction: IgnoranceDirection
    limit: float = 0.2
    every: int = 5
    gain: float = 0.5
    most: float = 32.0
    prompts: int = 64

    def __post_init__(self) -> None:
        for name in ("limit", "gain"):
            require_within(self, name, 0, above=True)
        for name in ("every", "most", "prompts"):
            require_within(self, name, 1)

    def watch(self, base: LanguageModel, facts: Sequence[Fact], names: Names, seed: int) -> Watch:
        """Make the prompts and capture the base on them once.

        Args:
            base: Frozen reference.
            facts: Facts to teach.
            names: Names that the fictitious entities may have.
            seed: Seed of the prompts.

        Returns:
            Function from a model to its drift, in separations.

        Raises:
            SeatError: The direction is of another architecture, or a fact has no entity span.
        """
        self.direction.require_fits(base)
        layer, position = self.direction.layer, self.direction.position
        made = ep_prompts(facts, names=names, per_fact=-(-self.prompts // len(facts)), seed=seed + 1_000_003)
        questions = [fact.question for fact in made[:: max(1, len(made) // self.prompts)][: self.prompts]]

        def look(lm: LanguageModel) -> torch.Tensor:
            options = {"layers": [layer], "reduce": AtToken(position), "batch_size": 64, "progress": False}
            activations = capture(lm, questions, **options).values[:, 0]  # type: ignore[arg-type]
            return activations.double() @ self.direction.vectors[layer]

        before = look(base)
        separation = float(self.direction.separation[layer])
        return lambda lm: float((look(lm) - before).mean()) / separation

    def follow(self, factor: float, drift: float) -> float:
        """Return the next factor of the weights.

        Args:
            factor: Present factor.
            drift: Measured displacement, in separations.

        Returns:
            The factor.
        """
        bound = math.log(self.most)
        moved = math.log(factor) + self.gain * (abs(drift) / self.limit - 1)
        return math.exp(min(max(moved, -bound), bound))
