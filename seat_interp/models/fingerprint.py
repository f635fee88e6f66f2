"""Which weights a model runs with, as a short hash."""

import hashlib
from collections.abc import Iterator, Sequence
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

_WRAPPED = ("base_layer", "original_module")
"""What PEFT calls a module that it put an adapter around."""


def weights_hash(model: nn.Module) -> str:
    """Hash the bits of every parameter, in about a second for half a gigabyte.

    A model whose adapters are off has the hash of its base model. The hash is remembered as long as the weights are the
    same ones, which takes a tenth of the time to see.

    Args:
        model: Model, on any device.

    Returns:
        Hex digits, or a word for weights that are not on this machine.
    """
    if any(parameter.is_meta for parameter in model.parameters()):
        return "elsewhere"  # of a model that runs remotely, or whose weights are on disk
    running = sorted(_running_parameters(model))
    same = [(name, tensor.data_ptr(), tensor._version, *tensor.shape) for name, tensor in running], _sums(running)
    if model not in _hashes or _hashes[model][0] != same:
        _hashes[model] = same, _hash(running)
    return _hashes[model][1]


_hashes: WeakKeyDictionary[nn.Module, tuple[object, str]] = WeakKeyDictionary()
"""The hash of a model, with what tells that its weights are still those."""


def _hash(running: Sequence[tuple[str, Tensor]]) -> str:
    digest = hashlib.sha256()
    for name, tensor in running:
        digest.update(f"{name}{tuple(tensor.shape)}".encode())
        digest.update(_bytes(tensor).cpu().numpy().data)
    return digest.hexdigest()[:16]


def _sums(running: Sequence[tuple[str, Tensor]]) -> list[int]:
    """Of each parameter's bits, as numbers of eight bytes: changes through `.data` leave no other trace."""
    sums = []
    for _, tensor in running:
        values = _bytes(tensor)
        whole = len(values) - len(values) % 8
        sums.append(values[:whole].view(torch.int64).sum())
        if whole < len(values):
            sums.append(values[whole:].sum(dtype=torch.int64))
    return torch.stack([value.to(sums[0].device) for value in sums]).tolist()


def _bytes(tensor: Tensor) -> Tensor:
    return plain(tensor).contiguous().flatten().view(torch.uint8)


def plain(parameter: Tensor) -> Tensor:
    """Return the values of a parameter; those of torchao's quantised ones as the numbers that they stand for.

    Args:
        parameter: Parameter of a model.

    Returns:
        Tensor of the same shape.
    """
    return parameter.detach() if type(parameter.data) is Tensor else parameter.detach().dequantize()


def _running_parameters(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Named as without adapters, and without those of adapters that are off."""
    wrapped = {
        f"{path}.": (f"{path}.{inner}.", module.disable_adapters)
        for path, module in model.named_modules()
        for inner in _WRAPPED
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
