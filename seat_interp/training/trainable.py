"""What an optimiser is given: all weights, whole neurons as small deltas, or single weights written through.

A sparse update is compact from the start: the optimiser holds state for the chosen entries alone, nothing is
decayed or clipped outside them, and what is not chosen stays bit-identical. (A full-size gradient multiplied
by a mask has none of these properties.)
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seat_interp.errors import SeatError
from seat_interp.masks.mask import Mask
from seat_interp.models.open import LanguageModel
from seat_interp.sites import output_axis


@dataclass(frozen=True)
class Trainable:
    """The trained tensors and what to do with them.

    Attributes:
        parameters: by name; give `.values()` to any optimiser.
        after_step: to be called after each optimiser step (writes single weights through).
        finish: folds the update into the weights, takes every hook off, and leaves a plain model.
    """

    parameters: dict[str, nn.Parameter]
    after_step: Callable[[], None]
    finish: Callable[[], None]


def train_all(lm: LanguageModel) -> Trainable:
    """Every parameter: full fine-tuning. Tied weights count once."""
    for parameter in lm.model.parameters():
        parameter.requires_grad_(True)
    return Trainable(dict(lm.model.named_parameters()), lambda: None, lambda: None)


def train_masked(lm: LanguageModel, mask: Mask) -> Trainable:
    """Only what the mask holds.

    Raises:
        SeatError: the mask does not fit the model, or chooses nothing.
    """
    mask.require_fits(lm)
    if not len(mask):
        raise SeatError("The mask chooses nothing, so there is nothing to train. Select a larger one.")
    lm.model.requires_grad_(False)
    return (_neuron_deltas if mask.granularity == "neuron" else _single_weights)(lm.model, mask)


def _neuron_deltas(model: nn.Module, mask: Mask) -> Trainable:
    """Rows and columns as small dense deltas beside frozen matrices: costs what a LoRA of that size costs."""
    deltas: dict[str, nn.Parameter] = {}
    handles = []
    for name, chosen in mask.indices.items():
        if not chosen.numel():
            continue
        module, weight = model.get_submodule(name.removesuffix(".weight")), model.get_parameter(name)
        outputs = mask.extents[name].axis == output_axis(module)
        others = mask.extents[name].weights_each
        delta = nn.Parameter(torch.zeros(len(chosen), others, dtype=weight.dtype, device=weight.device))
        deltas[name] = delta
        where = chosen.long().to(weight.device)
        handles.append(
            module.register_forward_hook(_add_outputs(delta, where) if outputs else _add_inputs(delta, where))
        )

    @torch.no_grad()
    def finish() -> None:
        for handle in handles:
            handle.remove()
        for name, delta in deltas.items():
            weight = model.get_parameter(name)
            where = mask.indices[name].long().to(weight.device)
            axis = mask.extents[name].axis
            assert axis is not None
            weight.index_add_(axis, where, delta.detach() if axis == 0 else delta.detach().T)
        model.requires_grad_(True)

    return Trainable(deltas, lambda: None, finish)


def _add_outputs(delta: nn.Parameter, where: Tensor):
    """The chosen outputs of the module get `x @ delta.T` on top."""

    def hook(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return output.index_add(-1, where, F.linear(args[0], delta))

    return hook


def _add_inputs(delta: nn.Parameter, where: Tensor):
    """The chosen inputs of the module reach every output through `delta` too."""

    def hook(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor:
        return output + args[0].index_select(-1, where) @ delta

    return hook


def _single_weights(model: nn.Module, mask: Mask) -> Trainable:
    """Single weights as one flat tensor a matrix, written into the matrix after each step.

    The matrix's dense gradient lives only until it has been gathered: a post-accumulate hook keeps the
    chosen entries and frees it, matrix by matrix, during the backward pass.
    """
    values: dict[str, nn.Parameter] = {}
    handles = []
    places: dict[str, Tensor] = {}
    for name, chosen in mask.indices.items():
        if not chosen.numel():
            continue
        weight = model.get_parameter(name)
        places[name] = chosen.long().to(weight.device)
        values[name] = nn.Parameter(weight.detach().flatten()[places[name]].clone())
        weight.requires_grad_(True)
        handles.append(weight.register_post_accumulate_grad_hook(_gather(values[name], places[name])))

    @torch.no_grad()
    def write_through() -> None:
        for name, value in values.items():
            model.get_parameter(name).view(-1)[places[name]] = value

    def finish() -> None:
        write_through()
        for handle in handles:
            handle.remove()
        model.requires_grad_(True)

    return Trainable(values, write_through, finish)


def _gather(value: nn.Parameter, where: Tensor):
    def hook(weight: nn.Parameter) -> None:
        assert weight.grad is not None
        chosen = weight.grad.flatten()[where]
        value.grad = chosen if value.grad is None else value.grad + chosen
        weight.grad = None

    return hook
