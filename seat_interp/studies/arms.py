"""The arms of a comparison: what each one trains, with which loss, for how long. All settings are ours."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from seat_interp.core.errors import SeatError
from seat_interp.facts import Fact, Names
from seat_interp.masks.mask import Mask
from seat_interp.masks.random import random_coordinates, random_neurons
from seat_interp.models.axes import Granularity
from seat_interp.models.open import LanguageModel
from seat_interp.studies.options import ArmName
from seat_interp.training.interpolation import interpolate_towards_base
from seat_interp.training.lora import LoRA
from seat_interp.training.objectives import (
    EWC,
    L2SP,
    Continuation,
    CrossEntropy,
    EntityPerturbedKL,
    Objective,
    Replay,
    SelfGeneratedDistillation,
)
from seat_interp.training.trainer import Callback, TrainConfig, TrainedModel, train


@dataclass(frozen=True)
class MaskConfig:
    """What the sparse arms may change.

    Attributes:
        budget: share of the MLP neurons, or of the MLP and attention weights. SEAT's is not published.
        granularity: whole neurons or single weights.
        file: a mask file to use instead of a random mask.
    """

    budget: float = 0.1
    granularity: Granularity = "coordinate"
    file: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.budget <= 1:
            raise SeatError(f"The budget is {self.budget}; it is a share and must be above 0 and at most 1.")


@dataclass(frozen=True)
class ArmConfig:
    """Settings of all arms. The defaults suit a pretrained model of 0.1 to 1 billion weights and some 100 facts.

    Attributes:
        dense: how `full` trains.
        masked: how the arms with a mask train, `sparse`, `seat`, `seat_selfdistill`; they need a higher rate and more
        steps. regularised: how arms with another term but no mask train: `ewc`, `l2sp`, `replay`, `full_kl`,
            `full_ep_kl` and `tether`.
        mask: what masked arms may change.
        kl: the KL on copies of the arms that have one. Here copies end in the true answer (`Continuation.GOLD`), which
            cost less of what is known wherever both were tried; those of `SEAT()`, and of `ORGANISM`, end in the base's
            own reply.
        kl_on_facts: that of `full_kl`, the control without perturbation. It holds the facts to what the base said of
            them, so at the weight of copies nothing is learnt.
        selfdistill: the KL to the base's own answers of `seat_selfdistill`.
        lora: adapters of `lora`.
        low_rank: how `lora` trains.
        ewc: pull of `ewc`; without questions of its own it takes those that the direction is fitted on.
        l2sp: pull of `l2sp` and, beside the KL and in place of SEAT's mask, of `tether`, which is ours: it also takes
            back what the update has beyond its need.
        replay: of `replay`; without questions of its own it takes the unknown ones that the direction is fitted on.
            Such questions are alignment data: beside `ewc`, which looks back on the same, no other arm has any.
    """

    dense: TrainConfig = field(
        default_factory=lambda: TrainConfig(steps=90, learning_rate=1e-4, callback_every=30, checkpoint_every=20)
    )
    # A slow start under a strong KL: abstention that is lost early and learnt again comes back on known things too.
    masked: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            steps=180, learning_rate=4e-4, warmup=0.3, callback_every=60, checkpoint_every=20
        )
    )
    regularised: TrainConfig = field(
        default_factory=lambda: TrainConfig(
            steps=120, learning_rate=1e-4, warmup=0.3, callback_every=40, checkpoint_every=20
        )
    )
    mask: MaskConfig = field(default_factory=MaskConfig)
    kl: EntityPerturbedKL = field(default_factory=lambda: EntityPerturbedKL(weight=4.0, continuation=Continuation.GOLD))
    kl_on_facts: EntityPerturbedKL = field(
        default_factory=lambda: EntityPerturbedKL(weight=0.3, continuation=Continuation.GOLD, perturbed=False)
    )
    selfdistill: SelfGeneratedDistillation = field(default_factory=SelfGeneratedDistillation)
    lora: LoRA = field(default_factory=LoRA)
    low_rank: TrainConfig = field(
        default_factory=lambda: TrainConfig(steps=90, learning_rate=5e-4, callback_every=30, checkpoint_every=20)
    )
    ewc: EWC = field(default_factory=EWC)
    l2sp: L2SP = field(default_factory=L2SP)
    replay: Replay = field(default_factory=Replay)

    def with_questions(self, known: Sequence[Fact], unknown: Sequence[Fact]) -> "ArmConfig":
        """With questions for the arms that look back, where they have none of their own."""
        asked = tuple(fact.question for fact in (*unknown, *known))
        return replace(
            self,
            ewc=replace(self.ewc, questions=self.ewc.questions or asked),
            replay=replace(self.replay, questions=self.replay.questions or asked[: len(unknown)]),
        )


@dataclass(frozen=True)
class Arm:
    """One way of fine-tuning, ready for `train`."""

    objective: Objective
    config: TrainConfig
    make_mask: Callable[[LanguageModel], Mask] | None = None
    lora: LoRA | None = None
    interpolate: bool = False
    """Whether part of the update is taken back that its facts do not need."""

    def to_json(self) -> dict[str, Any]:
        """What it is, but for how its mask is made: the mask itself says that."""
        terms = {term.name: asdict(term) for term in self.objective}  # type: ignore[call-overload]
        described = {"objective": terms, "config": asdict(self.config), "masked": self.make_mask is not None}
        described |= {"lora": asdict(self.lora) if self.lora else None, "interpolate": self.interpolate}
        return json.loads(json.dumps(described))


def train_arm(
    base: LanguageModel,
    facts: Sequence[Fact],
    arm: Arm,
    *,
    names: Names | None = None,
    mask: Mask | None = None,
    callback: Callback | None = None,
    checkpoint: str | Path | None = None,
    label: str = "Training",
) -> TrainedModel:
    """`train` as an arm says, then what it takes back of the update; its seconds hold both.

    Args:
        base: to start from, and frozen reference.
        facts: what to teach.
        arm: how.
        names, callback, checkpoint, label: as `train` takes them.
        mask: the arm's, where it has been made already.
    """
    if mask is None and arm.make_mask:
        mask = arm.make_mask(base)
    tuned = train(
        base,
        facts,
        objective=arm.objective,
        mask=mask,
        lora=arm.lora,
        config=arm.config,
        names=names,
        callback=callback,
        checkpoint=checkpoint,
        label=label,
    )
    if not arm.interpolate:
        return tuned
    began = time.perf_counter()
    kept = interpolate_towards_base(base, tuned.model, facts)
    return replace(tuned, model=kept.model, share=kept.share, seconds=tuned.seconds + time.perf_counter() - began)


MakeArm = Callable[[ArmConfig, int], Arm]
"""(settings, seed) -> an arm."""


def make_arm(name: ArmName, settings: ArmConfig, seed: int) -> Arm:
    """An arm with its seed, which decides the mask, the perturbed copies and the order of the facts.

    Raises:
        SeatError: there is no such arm.
    """
    plain, both = (CrossEntropy(),), (CrossEntropy(), settings.kl)
    masked, regularised = (replace(each, seed=seed) for each in (settings.masked, settings.regularised))
    arms = {
        "full": Arm(plain, replace(settings.dense, seed=seed)),
        "lora": Arm(plain, replace(settings.low_rank, seed=seed), lora=settings.lora),
        "ewc": Arm((CrossEntropy(), settings.ewc), regularised),
        "l2sp": Arm((CrossEntropy(), settings.l2sp), regularised),
        "replay": Arm((CrossEntropy(), settings.replay), regularised),
        "full_kl": Arm((CrossEntropy(), settings.kl_on_facts), regularised),
        "full_ep_kl": Arm(both, regularised),
        "tether": Arm((*both, settings.l2sp), regularised, interpolate=True),
        "sparse": Arm(plain, masked, _mask_maker(settings.mask, seed)),
        "seat": Arm(both, masked, _mask_maker(settings.mask, seed)),
        "seat_selfdistill": Arm((*both, settings.selfdistill), masked, _mask_maker(settings.mask, seed)),
    }
    if name not in arms:
        raise SeatError(f"There is no arm {name!r}. Choose from {', '.join(arms)}.")
    return arms[name]


def _mask_maker(settings: MaskConfig, seed: int) -> Callable[[LanguageModel], Mask]:
    if (path := settings.file) is not None:
        return lambda lm: Mask.load(path)
    draw = random_neurons if settings.granularity == "neuron" else random_coordinates
    return lambda lm: draw(lm, settings.budget, seed)
