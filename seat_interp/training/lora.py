"""LoRA (arXiv 2106.09685) by PEFT, as a way of training: low-rank adapters beside the frozen matrices."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from seat_interp.core.errors import require_package, require_within
from seat_interp.models.axes import coordinate_axes
from seat_interp.models.open import LanguageModel


@dataclass(frozen=True)
class LoRA:
    """Settings of the adapters on every MLP and attention matrix.

    Attributes:
        rank: Rank of each update. 8 in SEAT's paper.
        alpha: Scale: the update is multiplied by alpha / rank. Not given there; ours.

    Example:
        >>> si.train(lm, facts.target[:4], lora=si.LoRA(rank=2), config=si.TrainConfig(steps=2)).trained_weights > 0
        True
    """

    rank: int = 8
    alpha: float = 16.0

    def __post_init__(self) -> None:
        require_within(self, "rank", 1)
        require_within(self, "alpha", 0, above=True)


@dataclass(frozen=True)
class Adapted:
    """Model that trains its adapters alone.

    Attributes:
        parameters: Parameters of the adapters by name, for any optimiser.
        merge: Function that merges the adapters into the weights and removes them.
    """

    parameters: dict[str, nn.Parameter]
    merge: Callable[[], object]


def adapt(lm: LanguageModel, lora: LoRA, *, seed: int = 0) -> Adapted:
    """Put adapters on a model, in place; they change nothing until they are trained.

    Args:
        lm: Model with its tokenizer.
        lora: Settings of the adapters.
        seed: Seed of their random factor.

    Returns:
        Parameters, and a function that merges them.

    Raises:
        SeatError: PEFT is not installed.
    """
    peft = require_package("peft", "peft", "Training adapters")
    matrices = [name.removesuffix(".weight") for name in coordinate_axes(lm)]
    convolution = any(type(lm.model.get_submodule(name)).__name__ == "Conv1D" for name in matrices)
    config = peft.LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, target_modules=matrices, fan_in_fan_out=convolution, task_type="CAUSAL_LM"
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        adapted = peft.PeftModel(lm.model, config)
    parameters = {name: parameter for name, parameter in lm.model.named_parameters() if parameter.requires_grad}
    return Adapted(parameters, adapted.merge_and_unload)
