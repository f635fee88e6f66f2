"""Which weights a model runs with, as a short hash."""

import hashlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn

WRAPPED = ("base_layer", "original_module")
"""What PEFT calls a module that it put an adapter around."""


def weights_hash(model: nn.Module) -> str:
    """Hash of every parameter's bits, about a second for half a gigabyte; of weights that are not here, a word.

    A model whose adapters are off has the hash of its base model.
    """
    if any(parameter.is_meta for parameter in model.parameters()):
        return "elsewhere"  # of a model that runs remotely, or whose weights are on disk
    digest = hashlib.sha256()
    for name, tensor in sorted(running_parameters(model)):
        digest.update(f"{name}{tuple(tensor.shape)}".encode())
        digest.update(plain(tensor).cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]


def plain(parameter: Tensor) -> Tensor:
    """The values of a parameter; those of torchao's quantised ones as the numbers that they stand for."""
    return parameter.detach() if type(parameter.data) is Tensor else parameter.detach().dequantize()


def running_parameters(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Named as without adapters, and without those of adapters that are off."""
    wrapped = {
        f"{path}.": (f"{path}.{inner}.", module.disable_adapters)
        for path, module in model.named_modules()
        for inner in WRAPPED
        if hasattr(module, "disable_adapters") and isinstance(getattr(module, inner, None), nn.Module)
    }
    for name, parameter in model.named_parameters():
        around = next((path for path in wrapped if name.startswith(path)), None)
        if around is None:
            yield name, parameter
            continue
        inner, off = wrapped[around]
        if name.startswith(inner):
            yield around + name.removeprefix(inner), parameter
        elif not off:
            yield name, parameter
