"""What most people choose of a study: options that load without torch, so that the command line's help is quick."""

from dataclasses import dataclass
from typing import Literal

from seat_interp.core.config import LARGEST_SEED
from seat_interp.core.errors import SeatError, require_within

ArmName = Literal[
    "full", "lora", "ewc", "l2sp", "replay", "full_kl", "full_ep_kl", "tether", "sparse", "seat", "seat_selfdistill"
]
"""Names of the arms; `seat_interp.studies.arms` registers each with its settings, label, colour and factory."""


@dataclass(frozen=True)
class StudyOptions:
    """Options of a study that most people choose.

    Attributes:
        arms: Ways of fine-tuning to compare: plain (`full`, `lora`, `sparse` within a mask), regularised (`ewc`,
            `l2sp`, `replay`, `full_kl`, `full_ep_kl`), SEAT (`seat`; `seat_selfdistill` adds self-distillation on
            self-generated prompts), and `tether` (ours: EP-KL, L2-SP and weight interpolation).
        seeds: Seeds of the mask, the entity-perturbed prompts and the order of the facts; one run of each arm for each.
        steering_prompts: Number of prompts of each kind in the steering check; 0 leaves the check out.
        max_new_tokens: Largest number of tokens in a reply.
        batch_size: Number of prompts in a forward pass when asking and capturing.
        keep_models: Whether each tuned model is saved in its run folder.
    """

    arms: tuple[ArmName, ...] = ("full", "seat")
    seeds: tuple[int, ...] = (0,)
    steering_prompts: int = 60
    max_new_tokens: int = 32
    batch_size: int = 64
    keep_models: bool = False

    def __post_init__(self) -> None:
        for name in ("max_new_tokens", "batch_size"):
            require_within(self, name, 1)
        require_within(self, "steering_prompts", 0)
        if not self.seeds:
            raise SeatError("There are no seeds; give at least one.")
        for name in ("arms", "seeds"):
            values = getattr(self, name)
            if len(set(values)) < len(values):
                raise SeatError(f"The {name} are {values}; give each once.")
        if not all(0 <= seed <= LARGEST_SEED for seed in self.seeds):
            raise SeatError(f"The seeds are {self.seeds}; they must be whole numbers from 0 to {LARGEST_SEED:,}.")
