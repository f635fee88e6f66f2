"""A limit on drift inside training: the weight of the KL follows displacement on entity-perturbed copies.

No alignment data is looked at: copies of the target facts about invented people are prompts on which the base abstains,
and how far they move along the ignorance direction is known without any probe. All of it is ours.
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
"""Mean displacement of the copies, in gaps of the base."""


@dataclass(frozen=True)
class DriftBudget:
    """Keep the mean displacement of perturbed copies below a limit, by making all terms but cross entropy heavier.

    Every so many steps their weights are multiplied by exp(gain x (drift / limit - 1)), and never leave the range from
    1 / `most` to `most` times what they were: heavier while the size of the drift is above the limit,
    lighter below it.

    Attributes:
        direction: of the base; it may be fitted on such copies and on the base's own confident answers alone.
        limit: in gaps.
        every: steps between two looks.
        gain: how fast the weights follow.
        most: largest factor.
        copies: how many are looked at; drawn apart from those that are trained on, which they meet by chance at most.
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
        """Make the copies and capture the base on them once.

        Raises:
            SeatError: the direction is of another architecture, or a fact has no entity to exchange.
        """
        self.direction.require_fits(base)
        layer, position = self.direction.layer, self.direction.position
        made = ep_prompts(facts, names=names, per_fact=-(-self.prompts // len(facts)), seed=seed + 1_000_003)
        questions = [fact.question for fact in made[:: max(1, len(made) // self.prompts)][: self.prompts]]

        def look(lm: LanguageModel) -> torch.Tensor:
            how = {"layers": [layer], "reduce": AtToken(position), "batch_size": 64, "progress": False}
            found = capture(lm, questions, **how).values[:, 0]  # type: ignore[arg-type]
            return found.double() @ self.direction.vectors[layer]

        before = look(base)
        separation = float(self.direction.separation[layer])
        return lambda lm: float((look(lm) - before).mean()) / separation

    def follow(self, factor: float, drift: float) -> float:
        """The next factor of the weights."""
        bound = math.log(self.most)
        moved = math.log(factor) + self.gain * (abs(drift) / self.limit - 1)
        return math.exp(min(max(moved, -bound), bound))
