"""The registry of arms: name, label, colour, marker, settings and factory of each way of fine-tuning."""

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
from seat_interp.training.config import TrainConfig
from seat_interp.training.interpolation import interpolate_towards_base
from seat_interp.training.lora import LoRA
from seat_interp.training.objectives import (
    EWC,
    L2SP,
    CrossEntropy,
    EntityPerturbedKL,
    Objective,
    Replay,
    SelfGeneratedDistillation,
    Term,
)
from seat_interp.training.trainer import Callback, TrainedModel, train


@dataclass(frozen=True)
class MaskConfig:
    """Weights that the masked arms may change.

    Attributes:
        budget: Share of the MLP neurons, or of the MLP and attention weights. SEAT's is not published.
        granularity: "neuron" for a structured mask, "coordinate" for an unstructured one.
        file: Path of a mask file to use instead of a random mask.

    Example:
        >>> si.MaskConfig(budget=0.05).granularity
        'coordinate'
    """

    budget: float = 0.1
    granularity: Granularity = "coordinate"
    file: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.budget <= 1:
            raise SeatError(f"The budget is {self.budget}; it is a share and must be above 0 and at most 1.")


def _schedule(steps: int, learning_rate: float, callback_every: int, warmup: float = 0.05) -> Callable[[], TrainConfig]:
    return lambda: TrainConfig(
        steps=steps, learning_rate=learning_rate, warmup=warmup, callback_every=callback_every, checkpoint_every=20
    )


@dataclass(frozen=True)
class ArmConfig:
    """Settings of all arms. The defaults suit a pretrained model of 0.1 to 1 billion weights and some 100 facts.

    Attributes:
        dense: Schedule of `full`.
        masked: Schedule of the arms with a mask, `sparse`, `seat` and `seat_selfdistill`: a higher rate, more steps.
        regularised: Schedule of the arms with a second term but no mask: `ewc`, `l2sp`, `replay`, `full_kl`,
            `full_ep_kl` and `tether`.
        mask: Weights that the masked arms may change.
        kl: KL on entity-perturbed prompts, that of `SEAT()`.
        kl_on_facts: KL of `full_kl`, the control without perturbation. It holds the facts to the base's answers, so at
            the weight of `kl` nothing is learnt.
        selfdistill: Self-distillation on self-generated prompts of `seat_selfdistill`.
        lora: Adapters of `lora`.
        low_rank: Schedule of `lora`.
        ewc: Penalty of `ewc`; without questions of its own it takes those that the direction is fitted on.
        l2sp: Penalty of `l2sp` and, beside the KL and in place of SEAT's mask, of `tether`.
        replay: Replay of `replay`; without questions of its own it takes the unknown ones that the direction is fitted
            on. They are alignment data: beside `ewc`, which uses the same, no other arm has any.

    Example:
        >>> si.ArmConfig().kl == si.EntityPerturbedKL()
        True
    """

    dense: TrainConfig = field(default_factory=_schedule(90, 1e-4, 30))
    # A slow start under a strong KL: abstention that is lost early and learnt again comes back on known facts too.
    masked: TrainConfig = field(default_factory=_schedule(180, 4e-4, 60, warmup=0.3))
    regularised: TrainConfig = field(default_factory=_schedule(120, 1e-4, 40, warmup=0.3))
    mask: MaskConfig = field(default_factory=MaskConfig)
    kl: EntityPerturbedKL = field(default_factory=EntityPerturbedKL)
    kl_on_facts: EntityPerturbedKL = field(default_factory=lambda: EntityPerturbedKL(weight=0.3, perturbed=False))
    selfdistill: SelfGeneratedDistillation = field(default_factory=SelfGeneratedDistillation)
    lora: LoRA = field(default_factory=LoRA)
    low_rank: TrainConfig = field(default_factory=_schedule(90, 5e-4, 30))
    ewc: EWC = field(default_factory=EWC)
    l2sp: L2SP = field(default_factory=L2SP)
    replay: Replay = field(default_factory=Replay)

    def with_questions(self, known: Sequence[Fact], unknown: Sequence[Fact]) -> "ArmConfig":
        """Return the settings with questions for `ewc` and `replay`, where these have none of their own.

        Args:
            known: Facts that the base knows, for `ewc`.
            unknown: Facts that the base does not know, for both.

        Returns:
            The same settings otherwise.
        """
        questions = tuple(fact.question for fact in (*unknown, *known))
        return replace(
            self,
            ewc=replace(self.ewc, questions=self.ewc.questions or questions),
            replay=replace(self.replay, questions=self.replay.questions or questions[: len(unknown)]),
        )


@dataclass(frozen=True)
class Arm:
    """One way of fine-tuning, ready for `train_arm`.

    Attributes:
        objective: Terms of the loss.
        config: Schedule of the training, with its seed.
        make_mask: Function from the base to the mask, or None for an update of all weights.
        lora: Adapters to train instead of the weights, or None.
        interpolate: Whether the tuned weights are interpolated towards the base as far as the facts allow.
    """

    objective: Objective
    config: TrainConfig
    make_mask: Callable[[LanguageModel], Mask] | None = None
    lora: LoRA | None = None
    interpolate: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the arm's settings, without how its mask is made: the mask's file says that.

        Returns:
            What `arm.json` of a run folder holds.
        """
        terms = {term.name: asdict(term) for term in self.objective}  # type: ignore[call-overload]
        described = {"objective": terms, "config": asdict(self.config), "masked": self.make_mask is not None}
        described |= {"lora": asdict(self.lora) if self.lora else None, "interpolate": self.interpolate}
        return json.loads(json.dumps(described))


MakeArm = Callable[[ArmConfig, int], Arm]
"""A function from the settings of all arms and a seed to an arm."""


@dataclass(frozen=True)
class ArmEntry:
    """What the registry holds of an arm.

    Attributes:
        name: Name in configurations, files and on the command line.
        label: Name in text, tables and figures.
        colour: Colour in every figure, "#rrggbb".
        marker: Marker in every figure, as matplotlib names it.
        settings: Names of the fields of `ArmConfig` that it reads.
        make: Factory of the arm.
    """

    name: str
    label: str
    colour: str
    marker: str
    settings: tuple[str, ...]
    make: MakeArm


def _entry(
    name: ArmName,
    label: str,
    colour: str,
    marker: str,
    schedule: str,
    terms: tuple[str, ...] = (),
    *,
    masked: bool = False,
    lora: bool = False,
    interpolate: bool = False,
) -> ArmEntry:
    """Describe an arm whose loss is cross-entropy and the named terms of `ArmConfig`."""

    def make(settings: ArmConfig, seed: int) -> Arm:
        added: list[Term] = [getattr(settings, term) for term in terms]
        return Arm(
            (CrossEntropy(), *added),
            replace(getattr(settings, schedule), seed=seed),
            _mask_maker(settings.mask, seed) if masked else None,
            settings.lora if lora else None,
            interpolate,
        )

    extra = ("mask",) * masked + ("lora",) * lora
    return ArmEntry(name, label, colour, marker, (schedule, *terms, *extra), make)


_BUILT_IN = (
    _entry("full", "Full fine-tuning", "#D55E00", "s", "dense"),
    _entry("lora", "LoRA", "#56B4E9", "P", "low_rank", lora=True),
    _entry("ewc", "EWC", "#882255", "v", "regularised", ("ewc",)),
    _entry("l2sp", "L2-SP", "#999933", "<", "regularised", ("l2sp",)),
    _entry("replay", "Replay", "#332288", ">", "regularised", ("replay",)),
    _entry("full_kl", "Full + KL", "#CC79A7", "*", "regularised", ("kl_on_facts",)),
    _entry("full_ep_kl", "Full + EP-KL", "#E69F00", "h", "regularised", ("kl",)),
    _entry("tether", "Tether", "#000000", "D", "regularised", ("kl", "l2sp"), interpolate=True),
    _entry("sparse", "Sparse", "#009E73", "^", "masked", masked=True),
    _entry("seat", "SEAT", "#0072B2", "o", "masked", ("kl",), masked=True),
    _entry(
        "seat_selfdistill", "SEAT + self-distillation", "#117733", "X", "masked", ("kl", "selfdistill"), masked=True
    ),
)
ARMS: dict[str, ArmEntry] = {entry.name: entry for entry in _BUILT_IN}
"""The registry. `ARMS[entry.name] = entry` gives an arm of one's own its label, colour and marker."""


def make_arm(name: str, settings: ArmConfig, seed: int) -> Arm:
    """Make an arm of the registry.

    Args:
        name: Name of the arm, a key of `ARMS`.
        settings: Settings of all arms.
        seed: Seed of the mask, the entity-perturbed prompts and the order of the facts.

    Returns:
        The arm, ready for `train_arm`.

    Raises:
        SeatError: There is no such arm.
    """
    if name not in ARMS:
        raise SeatError(f"There is no arm {name!r}. Choose from {', '.join(ARMS)}.")
    return ARMS[name].make(settings, seed)


def _mask_maker(settings: MaskConfig, seed: int) -> Callable[[LanguageModel], Mask]:
    if (path := settings.file) is not None:
        return lambda lm: Mask.load(path)
    draw = random_neurons if settings.granularity == "neuron" else random_coordinates
    return lambda lm: draw(lm, settings.budget, seed)


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
    """Train as an arm says, and interpolate the weights towards the base where it asks for that.

    Args:
        base: Model to start from; it is also the frozen reference.
        facts: Facts to teach.
        arm: Objective, schedule and constraint.
        names: Names that entity-perturbed prompts may use and must avoid, as for `train`.
        mask: Mask of the arm, where it has been made already.
        callback: Function that is called with the model during the training, as for `train`.
        checkpoint: Path of a checkpoint to write and to resume from, as for `train`.
        label: Label of the progress bar.

    Returns:
        The tuned model; its seconds hold the training and the interpolation.
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
    kept = interpolate_towards_base(base=base, tuned=tuned.model, facts=facts)
    return replace(tuned, model=kept.model, share=kept.share, seconds=tuned.seconds + time.perf_counter() - began)
