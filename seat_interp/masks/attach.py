"""A mask on a model in training: the chosen entries become small parameters that any optimiser can be given.

The update is compact from the start: the optimiser holds state for the chosen entries alone, nothing is decayed or
clipped outside them, and what is not chosen stays bit-identical. (A full-size gradient multiplied by a mask has none
of these properties.) The parameters sit on the model's own modules as differences from the base, so that whatever
goes through `model.parameters()` or `model.state_dict()` (a Trainer, its clipping, its checkpoints) finds them.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.optimizer import register_optimizer_step_post_hook

from seat_interp.core.errors import SeatError
from seat_interp.masks.mask import Mask
from seat_interp.masks.sparse_update import SparseUpdate
from seat_interp.models.sites import output_axis

_PARAMETER = "masked_update"
"""Name of the parameter on each module."""


@dataclass(frozen=True)
class Attached:
    """Model that trains only what its mask holds.

    Attributes:
        parameters: Differences from the base by name of the weight; give `.values()` to any optimiser. For neurons one
            row each, [chosen, other axis], for single weights flat. At least float32, zero at first.
        merge: Function that adds the differences to the weights, removes all that was attached and returns the
            differences. Call it before the model is saved for use.
    """

    parameters: dict[str, nn.Parameter] = field(repr=False)
    merge: Callable[[], SparseUpdate] = field(repr=False)


def attach(model: Any, mask: Mask) -> Attached:
    """Freeze the model except for what the mask holds.

    Neurons of a structured mask are trained as small dense matrices beside the frozen ones, at the cost of a LoRA of
    their size. Weights of an unstructured mask are written into the matrix before each forward pass; of the matrix's
    gradient, which lives only until the backward pass has left it, the chosen entries are kept. The parameters are
    differences from the base, so that an optimiser's weight decay pulls towards the base, not towards zero.

    Args:
        model: Hugging Face causal LM, on its device and in its dtype.
        mask: Mask made for this architecture.

    Returns:
        The trainable parameters, and the function that merges them into the weights.

    Raises:
        SeatError: This is no torch model, the mask does not fit it or chooses nothing, or a mask is attached already.

    Example:
        >>> tuned = lm.copy()
        >>> attached = si.attach(tuned.model, si.random_neurons(lm, 0.1))
        >>> sum(p.numel() for p in tuned.model.parameters() if p.requires_grad) > 0
        True
    """
    if not isinstance(model, nn.Module):
        raise SeatError(f"A mask goes on a torch model, and a {type(model).__name__} is none. Give its `.model`.")
    mask.require_shapes(model)
    if not len(mask):
        raise SeatError("The mask chooses nothing, so there is nothing to train. Select a larger one.")
    if any(name.endswith(f".{_PARAMETER}") for name, _ in model.named_parameters()):
        raise SeatError("A mask is attached to this model already. Fold it first; two masks are joined with `|`.")
    needed = {parameter: parameter.requires_grad for parameter in model.parameters()}
    model.requires_grad_(False)
    parameters: dict[str, nn.Parameter] = {}
    undo: list[Callable[[], None]] = []
    for name, chosen in mask.indices.items():
        if not chosen.numel():
            continue
        module, extent = model.get_submodule(name.removesuffix(".weight")), mask.axes[name]
        weight = module.get_parameter("weight")
        size = (len(chosen),) if extent.axis is None else (len(chosen), extent.weights_per_index)
        dtype = torch.promote_types(weight.dtype, torch.float32)
        module.register_parameter(_PARAMETER, nn.Parameter(torch.zeros(size, dtype=dtype, device=weight.device)))
        module.register_buffer("masked_places", chosen.long().to(weight.device), persistent=False)
        parameters[name] = module.get_parameter(_PARAMETER)
        undo.append(_on_weights(module) if extent.axis is None else _on_neurons(module, extent.axis))

    def merge() -> SparseUpdate:
        update = SparseUpdate(mask, {name: p.detach().clone().cpu() for name, p in parameters.items()})
        for restore in undo:
            restore()
        for name in parameters:
            module = model.get_submodule(name.removesuffix(".weight"))
            del module._parameters[_PARAMETER], module._buffers["masked_places"]
        update.add_to(model)
        for parameter, before in needed.items():
            parameter.requires_grad_(before)
            parameter.grad = None
        return update

    return Attached(parameters, merge)


def _on_neurons(module: nn.Module, axis: int) -> Callable[[], None]:
    """The chosen outputs get `x @ update.T` on top; chosen inputs reach every output through the update too."""

    def outputs(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
        update, read = module.get_parameter(_PARAMETER), args[0]
        return output.index_add(-1, module.get_buffer("masked_places"), F.linear(read, update.to(read.dtype)))

    def inputs(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
        update, read = module.get_parameter(_PARAMETER), args[0]
        return output + read.index_select(-1, module.get_buffer("masked_places")) @ update.to(read.dtype)

    return module.register_forward_hook(outputs if axis == output_axis(module) else inputs).remove


def _on_weights(module: nn.Module) -> Callable[[], None]:
    """The weight holds base plus update whenever it is read; a tap on the output collects the update's gradient."""
    weight = module.get_parameter("weight")
    places = module.get_buffer("masked_places")
    module.register_buffer("masked_base", weight.detach().flatten()[places].clone(), persistent=False)
    transposed = output_axis(module) == 1
    written: tuple[int, int, int] | None = None
    _count_steps()

    @torch.no_grad()
    def write(module: nn.Module, *_: Any) -> None:
        nonlocal written
        update = module.get_parameter(_PARAMETER)
        # A tensor's version counts what changes it in place, but not the steps of fused optimisers.
        if (now := (id(update), update._version, _steps)) != written:
            base = module.get_buffer("masked_base")
            _put(module.get_parameter("weight"), module.get_buffer("masked_places"), base + update)
            written = now

    def tap(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
        update = module.get_parameter(_PARAMETER)
        return _Tap.apply(output, args[0].to(output.dtype), update, module.get_buffer("masked_places"), transposed)

    handles = [
        module.register_forward_pre_hook(write),
        module.register_forward_hook(tap),
        module.register_state_dict_pre_hook(write),
    ]

    @torch.no_grad()
    def undo() -> None:
        for handle in handles:
            handle.remove()
        _put(module.get_parameter("weight"), module.get_buffer("masked_places"), module.get_buffer("masked_base"))
        del module._buffers["masked_base"]

    return undo


_steps = 0
"""Steps of any optimiser of this process since the first mask of single weights was attached."""


@functools.cache
def _count_steps() -> None:
    def count(*_: Any) -> None:
        global _steps
        _steps += 1

    register_optimizer_step_post_hook(count)


def _put(weight: Tensor, places: Tensor, values: Tensor) -> None:
    weight.view(-1)[places] = values.to(weight.dtype)


class _Tap(torch.autograd.Function):
    """The output as it is; backward, the gradient of the chosen weights that made it from the input."""

    @staticmethod
    def forward(
        ctx: Any,
        output: Float[Tensor, "... outputs"],
        read: Float[Tensor, "... inputs"],
        update: Float[Tensor, " chosen"],
        places: Tensor,
        transposed: bool,
    ) -> Tensor:
        ctx.save_for_backward(read, places)
        ctx.transposed, ctx.dtype = transposed, update.dtype
        return output

    @staticmethod
    def backward(ctx: Any, above: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        read, places = ctx.saved_tensors
        pair = (read.flatten(0, -2), above.flatten(0, -2))
        left, right = pair if ctx.transposed else pair[::-1]
        return above, None, (left.T @ right).flatten()[places].to(ctx.dtype), None, None
