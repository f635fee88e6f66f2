"""Gates on MLP neurons: what every attribution of neurons is made of.

Each neuron's activation a is multiplied by a gate s, one for each prompt and shared by its tokens, that stands at 1.
The gradient with respect to s is the sum over tokens of gradient times activation (attribution patching, arXiv
2310.10348), so autograd gives the attribution itself, padding counts for nothing, and no weight needs a gradient.
With a counterfactual run the gate goes from its activations a' to a: a' + s (a - a').
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from seat_interp.capture import hooked
from seat_interp.models.hardware import without_cudnn_attention
from seat_interp.models.open import LanguageModel
from seat_interp.models.prompts import Example, pad

Change = Callable[[int, Float[Tensor, "batch sequence neurons"]], Float[Tensor, "batch sequence neurons"]]
"""(layer, activations of its neurons) -> what its down projection is given instead."""


@contextlib.contextmanager
def changed_neurons(lm: LanguageModel, change: Change, batch: int) -> Iterator[None]:
    """While open, every down projection reads changed activations."""

    def hook(layer: int, module: nn.Module, args: tuple[Any, ...]) -> tuple[Tensor, ...]:
        hidden = args[0]
        # OPT flattens batch and sequence before its projections.
        return (change(layer, hidden.reshape(batch, -1, hidden.shape[-1])).reshape(hidden.shape),)

    downs = [lm.model.get_submodule(mlp.down) for mlp in lm.sites.mlps]
    with hooked(down.register_forward_pre_hook(partial(hook, layer)) for layer, down in enumerate(downs)):
        yield


@contextlib.contextmanager
def frozen(lm: LanguageModel) -> Iterator[None]:
    """No weight needs a gradient and dropout is off while open; afterwards all is as it was."""
    needed = {name: parameter.requires_grad for name, parameter in lm.model.named_parameters()}
    training = lm.model.training
    lm.model.requires_grad_(False).eval()
    try:
        yield
    finally:
        lm.model.train(training)
        for name, parameter in lm.model.named_parameters():
            parameter.requires_grad_(needed[name])


@without_cudnn_attention()
def gate_gradients(
    lm: LanguageModel,
    run: Callable[[], Float[Tensor, " batch"]],
    batch: int,
    layers: Sequence[int],
    at: float = 1.0,
    baseline: Sequence[Float[Tensor, "batch sequence neurons"]] | None = None,
) -> list[Float[Tensor, "batch neurons"]]:
    """Compute the gradient of each prompt's value with respect to its gates, float32, in each of the layers.

    Args:
        lm: Frozen model.
        run: Function that runs one forward pass over the prompts.
        batch: Number of prompts.
        layers: Layers with gates; other layers are as they are.
        at: Value of every gate.
        baseline: Activations at gate 0, for every layer of the model; zero if not given.
    """
    gates = _leaves(lm, batch, layers, at)

    def change(layer: int, hidden: Tensor) -> Tensor:
        if layer not in gates:
            return hidden
        return hidden * gates[layer] if baseline is None else torch.lerp(baseline[layer], hidden, gates[layer])

    with changed_neurons(lm, change, batch):
        return _gradients(run().sum(), list(gates.values()))


@without_cudnn_attention()
def shift_gradients(
    lm: LanguageModel, run: Callable[[], Float[Tensor, " batch"]], batch: int, layers: Sequence[int]
) -> list[Float[Tensor, "batch neurons"]]:
    """Gradient of each prompt's value with respect to its activations, summed over tokens. See `gate_gradients`."""
    shifts = _leaves(lm, batch, layers, 0.0)
    with changed_neurons(lm, lambda layer, h: h + shifts[layer] if layer in shifts else h, batch):
        return _gradients(run().sum(), list(shifts.values()))


def _leaves(lm: LanguageModel, batch: int, layers: Sequence[int], at: float) -> dict[int, Tensor]:
    settings: dict[str, Any] = {"device": lm.model.device, "dtype": lm.model.dtype, "requires_grad": True}
    return {layer: torch.full((batch, 1, lm.sites.mlps[layer].neurons), at, **settings) for layer in layers}


def _gradients(value: Tensor, leaves: list[Tensor]) -> list[Tensor]:
    # Layers above the one that a metric reads have no part in it.
    grads = torch.autograd.grad(value, leaves, allow_unused=True)
    return [(torch.zeros_like(leaf) if grad is None else grad)[:, 0].float() for grad, leaf in zip(grads, leaves)]


@torch.no_grad()
def counterfactual_neurons(
    lm: LanguageModel, batch: Sequence[Example], perturbed: Sequence[Example]
) -> list[Float[Tensor, "batch sequence neurons"]]:
    """Return the entity-perturbed prompts' neuron activations, each aligned with the token of its fact."""
    seen: list[Tensor] = []

    def keep(layer: int, hidden: Tensor) -> Tensor:
        seen.append(hidden)
        return hidden

    padded = pad([changed.ids for changed in perturbed], lm.tokenizer.pad_token_id, left=True).to(lm.model.device)
    with changed_neurons(lm, keep, len(perturbed)):
        lm.model.base_model(**padded.inputs(), use_cache=False)
    length, wide = max(len(e.ids) for e in batch), padded.input_ids.shape[1]
    where = torch.zeros(len(batch), length, dtype=torch.long)
    for row, (fact, changed) in enumerate(zip(batch, perturbed)):
        where[row, length - len(fact.ids) :] = alignment(fact.ids, changed.ids) + wide - len(changed.ids)
    rows = torch.arange(len(batch))[:, None]
    return [hidden[rows, where.to(hidden.device)] for hidden in seen]


def alignment(fact: Sequence[int], changed: Sequence[int]) -> Int[Tensor, " tokens"]:
    """Return for each token of the fact the token of its entity-perturbed prompt that it is compared with.

    Common beginnings and endings stand for each other; what lies between, the exchanged name, is stretched or
    shortened evenly.
    """
    most = min(len(fact), len(changed))
    start = next((i for i in range(most) if fact[i] != changed[i]), most)
    end = next((i for i in range(most - start) if fact[-1 - i] != changed[-1 - i]), most - start)
    middle, other = len(fact) - start - end, len(changed) - start - end
    # A name that the changed prompt lacks altogether is compared with what stands in its place.
    last = min(start + max(other, 1), len(changed)) - 1
    inner = torch.linspace(min(start, last), last, middle).round().long()
    return torch.cat([torch.arange(start), inner, torch.arange(len(changed) - end, len(changed))])
