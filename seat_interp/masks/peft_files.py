"""A trained sparse update as an adapter that stock PEFT loads: SHiRA for any mask, LoRA for whole neurons."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from seat_interp.core.errors import SeatError, require_package
from seat_interp.core.files import atomic_path
from seat_interp.masks.sparse_update import SparseUpdate

_PREFIX = "base_model.model."
"""How PEFT calls the wrapped model in its files."""


def save_shira(update: SparseUpdate, model: PreTrainedModel, folder: str | Path) -> Path:
    """Write a SHiRA adapter (arXiv 2406.13175) that `PeftModel.from_pretrained` loads and merges exactly.

    SHiRA holds the same number of entries in every matrix, r x (inputs + outputs): r is the smallest that takes the
    largest of them, and the others are filled up with zeros, which add nothing.

    Args:
        update: Update of any granularity.
        model: Base, or any model of its architecture.
        folder: Folder for `adapter_config.json` and `adapter_model.safetensors`.

    Returns:
        The folder.

    Raises:
        SeatError: PEFT is not installed, the update is empty, a matrix is no `nn.Linear` (GPT-2's are not), which SHiRA
        cannot adapt, or the masks are so uneven that the common r is more than a small matrix holds.

    Example:
        >>> update = si.attach(lm.copy().model, si.random_coordinates(lm, 0.05)).merge()
        >>> sorted(path.name for path in si.save_shira(update, lm.model, "shira").iterdir())
        [...'adapter_config.json', 'adapter_model.safetensors'...]
    """
    peft = require_package("peft", "peft", "Writing an adapter")
    _require_something(update)
    sizes = {}
    for name, value in update.values.items():
        module = model.get_submodule(name.removesuffix(".weight"))
        if not isinstance(module, torch.nn.Linear):
            raise SeatError(
                f"{name} is a {type(module).__name__}; SHiRA adapts nn.Linear alone. "
                "Save delta.safetensors, or a LoRA for whole neurons."
            )
        sizes[name] = (value.numel(), module.in_features + module.out_features)
    rank = max(-(-count // both) for count, both in sizes.values())
    for name, (_, both) in sizes.items():
        if rank * both > (room := torch.Size(update.mask.axes[name].shape).numel()):
            raise SeatError(
                f"SHiRA holds r x (inputs + outputs) entries in every matrix, and the fullest needs r = {rank}: for "
                f"{name} that is {rank * both:,} of {room:,}. Save delta.safetensors, or choose more evenly "
                "(Spread(cap=...))."
            )
    tensors = {}
    for name, value in update.values.items():
        count, both = sizes[name]
        columns = update.mask.axes[name].shape[1]
        places, values = update.places(name), value.flatten()
        filling = rank * both - count
        indices = torch.stack([places // columns, places % columns]).to(torch.int32)
        path = _PREFIX + name.removesuffix(".weight")
        tensors[f"{path}.shira_indices"] = torch.nn.functional.pad(indices, (0, filling))
        tensors[f"{path}.shira_weight"] = torch.nn.functional.pad(values, (0, filling))
    config = peft.ShiraConfig(r=rank, target_modules=_targets(update), task_type="CAUSAL_LM", inference_mode=True)
    return _write(config, tensors, folder)


def save_lora(update: SparseUpdate, model: PreTrainedModel, folder: str | Path) -> Path:
    """Write a LoRA (arXiv 2106.09685) that equals the update of a structured mask exactly.

    One factor holds the update's rows, the other selects the neurons and is one-hot; scaling is 1. So the rank of each
    matrix is its number of chosen neurons.

    Args:
        update: Update of granularity "neuron".
        model: Base, or any model of its architecture.
        folder: Folder for `adapter_config.json` and `adapter_model.safetensors`.

    Returns:
        The folder.

    Raises:
        SeatError: PEFT is not installed, the update is empty, or it is unstructured and so has no low rank.

    Example:
        >>> update = si.attach(lm.copy().model, si.random_neurons(lm, 0.05)).merge()
        >>> sorted(path.name for path in si.save_lora(update, lm.model, "lora").iterdir())
        [...'adapter_config.json', 'adapter_model.safetensors'...]
    """
    peft = require_package("peft", "peft", "Writing an adapter")
    _require_something(update)
    if update.mask.granularity != "neuron":
        raise SeatError("An update of single weights is no LoRA, its rank is full. Save it as SHiRA or as a delta.")
    tensors, ranks, transposed = {}, {}, False
    for name, value in update.values.items():
        path = name.removesuffix(".weight")
        module = model.get_submodule(path)
        conv = isinstance(module, Conv1D)
        transposed |= conv
        axis = update.mask.axes[name].axis
        outputs = axis == (1 if conv else 0)  # the neurons are the module's outputs
        size = update.mask.axes[name].size
        chosen = torch.nn.functional.one_hot(update.mask.indices[name].long(), size).to(value)
        # Weight change of shape (outputs, inputs) = B @ A.
        into, out = (value, chosen.T) if outputs else (chosen, value.T)
        tensors[f"{_PREFIX}{path}.lora_A.weight"] = into.contiguous()
        tensors[f"{_PREFIX}{path}.lora_B.weight"] = out.contiguous()
        ranks[path] = len(value)
    most = max(ranks.values())
    config = peft.LoraConfig(
        r=most,
        lora_alpha=most,
        rank_pattern=ranks,
        alpha_pattern=ranks,
        target_modules=_targets(update),
        fan_in_fan_out=transposed,
        task_type="CAUSAL_LM",
        inference_mode=True,
    )
    return _write(config, tensors, folder)


def _require_something(update: SparseUpdate) -> None:
    if not update.values:
        raise SeatError("The update holds nothing, so there is no adapter to write.")


def _targets(update: SparseUpdate) -> list[str]:
    return [name.removesuffix(".weight") for name in update.values]


def _write(config: Any, tensors: dict[str, Tensor], folder: str | Path) -> Path:
    from safetensors.torch import save_file

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(folder / "adapter_model.safetensors") as path:
        save_file(tensors, path, metadata={"format": "pt"})
    config.save_pretrained(str(folder))
    return folder
