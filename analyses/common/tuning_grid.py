"""What is tuned for each arm: the learning rate, and how strong its other part is; five trials for every arm alike."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from seat_interp.arms import ArmConfig, ArmName

Training = Literal["dense", "masked", "regularised", "low_rank"]


@dataclass(frozen=True)
class Grid:
    """The trials of an arm: every rate with the middle strength, then the best rate with every strength.

    Attributes:
        training: the settings that the arm trains by.
        rates: learning rates.
        strengths: of `apply`.
        apply: (settings, strength) -> settings with it.
    """

    training: Training
    rates: tuple[float, float, float]
    strengths: tuple[float, float, float]
    apply: Callable[[ArmConfig, float], ArmConfig]

    def settings(self, base: ArmConfig, rate: float, strength: float) -> ArmConfig:
        """Those of one trial."""
        found = self.apply(base, strength)
        return replace(found, **{self.training: replace(getattr(found, self.training), learning_rate=rate)})  # type: ignore[arg-type]


def longer(training: Training) -> Callable[[ArmConfig, float], ArmConfig]:
    """The strength is how long it trains, as a multiple: for arms that have nothing beside the cross entropy."""

    def apply(settings: ArmConfig, times: float) -> ArmConfig:
        config = getattr(settings, training)
        return replace(settings, **{training: replace(config, steps=round(times * config.steps))})  # type: ignore[arg-type]

    return apply


def heavier(term: Literal["kl", "keep", "ewc", "l2"]) -> Callable[[ArmConfig, float], ArmConfig]:
    """The strength is the weight of a term."""
    return lambda settings, weight: replace(settings, **{term: replace(getattr(settings, term), weight=weight)})  # type: ignore[arg-type]


DENSE, MASKED, LOW_RANK = (1.25e-4, 2.5e-4, 5e-4), (2e-3, 4e-3, 8e-3), (1.25e-3, 2.5e-3, 5e-3)
TIMES, WEIGHTS, PULLS = (0.6, 1.0, 1.6), (1.0, 4.0, 16.0), (0.03, 0.1, 0.3)
GRIDS: dict[ArmName, Grid] = {
    "full": Grid("dense", DENSE, TIMES, longer("dense")),
    "lora": Grid("low_rank", LOW_RANK, TIMES, longer("low_rank")),
    "sparse": Grid("masked", MASKED, TIMES, longer("masked")),
    "replay": Grid("regularised", DENSE, TIMES, longer("regularised")),
    "ewc": Grid("regularised", DENSE, (0.3, 1.0, 3.0), heavier("ewc")),
    "l2": Grid("regularised", DENSE, PULLS, heavier("l2")),
    "full_kl": Grid("regularised", DENSE, (0.1, 0.3, 1.0), heavier("kl")),  # on the facts themselves it stops learning
    "full_ep_kl": Grid("regularised", DENSE, WEIGHTS, heavier("kl")),
    "tether": Grid("regularised", DENSE, PULLS, heavier("l2")),
    "seat": Grid("masked", MASKED, WEIGHTS, heavier("kl")),
    "seat_keep": Grid("masked", MASKED, WEIGHTS, heavier("keep")),
}
