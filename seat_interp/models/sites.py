"""Where things are in a network: decoder blocks and MLP hidden neurons of any Hugging Face causal LM.

Found by shape, not by family: the blocks are the module list of `num_hidden_layers` equal modules; inside a
block, the MLP is what is not attention, its down projection maps onto the residual width, and the *neurons*
are the inputs of that projection. What is found is checked against the model's own hidden states at load.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from seat_interp.core.errors import SeatError, see

_OVERRIDE = "open_model(..., sites=lambda model: sites_from_paths(model, blocks=..., ups=..., down=...)). " + see(
    "how_to/own_model_family"
)
"""What to do where a structure is not recognised."""


@dataclass(frozen=True)
class MLP:
    """Projections of one block's MLP, as module paths.

    Attributes:
        ups: Paths of the projections that feed the neurons; a fused gate-and-up projection stands once.
        down: Path of the projection whose inputs are the neurons.
        neurons: Number of neurons.
    """

    ups: tuple[str, ...]
    down: str
    neurons: int


@dataclass(frozen=True)
class Sites:
    """Module paths of a model's parts; the same `Sites` serves every copy of the model.

    Attributes:
        blocks: Paths of the decoder blocks in order; the output of `blocks[l]` is the residual stream of layer l.
        mlps: MLP of each block.
        attention: Paths of the attention matrices of each block.
        width: Width of the residual stream.
    """

    blocks: tuple[str, ...]
    mlps: tuple[MLP, ...]
    attention: tuple[tuple[str, ...], ...]
    width: int

    @property
    def n_layers(self) -> int:
        """Number of decoder blocks."""
        return len(self.blocks)

    @property
    def neurons(self) -> int:
        """Number of MLP neurons in the whole model."""
        return sum(mlp.neurons for mlp in self.mlps)

    def layer_list(self, layers: Sequence[int] | None) -> list[int]:
        """Resolve layers, negative ones from the end.

        Args:
            layers: Layers, or None for all.

        Returns:
            Layers from 0.

        Raises:
            SeatError: A layer is out of range.
        """
        if layers is None:
            return list(range(self.n_layers))
        wanted = [layer + self.n_layers if layer < 0 else layer for layer in layers]
        if not wanted or min(wanted) < 0 or max(wanted) >= self.n_layers:
            raise SeatError(f"Layers {list(layers)} do not exist: this model has layers 0 to {self.n_layers - 1}.")
        return sorted(set(wanted))


def is_matrix(module: nn.Module) -> bool:
    """Return whether the module is a plain matrix product: a Linear or GPT-2's Conv1D.

    Args:
        module: Module of the model.

    Returns:
        True if it is.
    """
    return isinstance(module, nn.Linear | Conv1D)


def output_axis(module: nn.Module) -> int:
    """Return the axis of `module.weight` that runs over outputs.

    Args:
        module: Linear or Conv1D.

    Returns:
        0 for Linear, 1 for Conv1D, which is transposed.
    """
    return 1 if isinstance(module, Conv1D) else 0


def _matrix_shape(module: nn.Module) -> tuple[int, int]:
    """(inputs, outputs) of a Linear or Conv1D."""
    axis = output_axis(module)
    shape = module.get_parameter("weight").shape
    return shape[1 - axis], shape[axis]


def _is_attention(name: str) -> bool:
    return any("attn" in part or "attention" in part for part in name.split("."))


def _find_blocks(model: PreTrainedModel) -> str:
    count = model.config.get_text_config().num_hidden_layers
    lists = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList) and len(module) == count and len({type(block) for block in module}) == 1
    ]
    # Blocks hold the attention; other lists of the same length (norms, adapters) do not.
    lists = [name for name in lists if any(_is_attention(n) for n, _ in model.get_submodule(name).named_modules())]
    if len(lists) != 1:
        raise SeatError(
            f"Cannot tell the decoder blocks of {type(model).__name__}: {lists or 'no module list'} of length {count}. "
            f"Name them: {_OVERRIDE}"
        )
    return lists[0]


def _find_mlp(block_path: str, block: nn.Module, width: int) -> MLP:
    matrices = {n: _matrix_shape(m) for n, m in block.named_modules() if is_matrix(m) and not _is_attention(n)}
    downs = [name for name, (inputs, outputs) in matrices.items() if outputs == width and inputs != width]
    if len(downs) != 1:
        raise SeatError(
            f"Cannot tell the MLP of {block_path}: {len(downs)} projections onto the residual width {width} "
            f"among {matrices}. Name it: {_OVERRIDE}"
        )
    neurons = matrices[downs[0]][0]
    ups = [n for n, (i, o) in matrices.items() if i == width and o in (neurons, 2 * neurons) and n != downs[0]]
    if not ups:
        raise SeatError(
            f"Nothing in {block_path} feeds the {neurons} neurons of {downs[0]} among {matrices}. Name it: {_OVERRIDE}"
        )
    return MLP(tuple(f"{block_path}.{name}" for name in ups), f"{block_path}.{downs[0]}", neurons)


def find_sites(model: PreTrainedModel) -> Sites:
    """Find blocks, MLPs and attention matrices by shape.

    Args:
        model: Hugging Face causal LM.

    Returns:
        The sites.

    Raises:
        SeatError: The structure is not recognised (mixtures of experts, encoder-decoders); the message names
        `sites_from_paths`, the explicit override.
    """
    blocks = _find_blocks(model)
    width = model.config.get_text_config().hidden_size
    paths = tuple(f"{blocks}.{index}" for index in range(sum(1 for _ in model.get_submodule(blocks).children())))
    mlps = tuple(_find_mlp(path, model.get_submodule(path), width) for path in paths)
    return Sites(paths, mlps, _attention(model, paths), width)


def sites_from_paths(model: PreTrainedModel, blocks: str, ups: Sequence[str], down: str) -> Sites:
    """Name the sites of a structure that `find_sites` does not recognise.

    Args:
        model: Hugging Face causal LM.
        blocks: Path of the module list, such as `"transformer.h"`.
        ups: Paths inside a block of the projections that feed the neurons, such as `("mlp.gate_proj", "mlp.up_proj")`.
        down: Path inside a block of the projection whose inputs are the neurons.

    Returns:
        The sites.

    Raises:
        SeatError: A path does not lead to a module of the right kind.

    Example:
        >>> ups = ("mlp.gate_proj", "mlp.up_proj")
        >>> sites = si.sites_from_paths(lm.model, blocks="model.layers", ups=ups, down="mlp.down_proj")
        >>> sites == lm.sites
        True
    """
    try:
        modules = list(model.get_submodule(blocks).children())
        paths = tuple(f"{blocks}.{index}" for index in range(len(modules)))
        shapes = [_matrix_shape(model.get_submodule(f"{path}.{down}")) for path in paths]
        for path, (neurons, _) in zip(paths, shapes):
            for up in ups:
                if (outputs := _matrix_shape(model.get_submodule(f"{path}.{up}"))[1]) not in (neurons, 2 * neurons):
                    raise AttributeError(f"{path}.{up} has {outputs} outputs for {neurons} neurons")
            if not ups:
                raise AttributeError("no path in `ups` leads to the neurons")
    except (AttributeError, TypeError) as error:
        raise SeatError(
            f"The site paths do not fit {type(model).__name__}: {error}. Print the model to see them."
        ) from error
    mlps = tuple(MLP(tuple(f"{p}.{up}" for up in ups), f"{p}.{down}", shape[0]) for p, shape in zip(paths, shapes))
    return Sites(paths, mlps, _attention(model, paths), shapes[0][1])


def _attention(model: PreTrainedModel, paths: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    return tuple(
        tuple(f"{p}.{n}" for n, m in model.get_submodule(p).named_modules() if is_matrix(m) and _is_attention(n))
        for p in paths
    )


def first(output: Any) -> Tensor:
    """Return the hidden states of a block's output, which may come alone or before other things.

    Args:
        output: Output of a block.

    Returns:
        Hidden states, [batch, sequence, width].
    """
    return output[0] if isinstance(output, tuple) else output


def with_first(output: Any, hidden: Tensor) -> Any:
    """Replace the hidden states of a block's output.

    Args:
        output: Output of a block.
        hidden: New hidden states, [batch, sequence, width].

    Returns:
        Output of the same form.
    """
    return (hidden, *output[1:]) if isinstance(output, tuple) else hidden


@torch.no_grad()
def check_sites(model: PreTrainedModel, sites: Sites) -> None:
    """Run six tokens and compare what the sites give with Hugging Face's own hidden states.

    `hidden_states[l + 1]` is the output of block l for every block but the last, whose entry has been through the final
    norm.

    Args:
        model: Hugging Face causal LM.
        sites: Sites to check.

    Raises:
        SeatError: A block's output differs from the hidden state, or a down projection never sees its neurons.
    """
    ids = torch.arange(6, device=model.device).remainder(model.config.get_text_config().vocab_size)[None]
    seen: dict[str, Tensor] = {}

    def keep(name: str):
        return lambda module, args, output: seen.update({name: first(output)})

    hooks = [model.get_submodule(path).register_forward_hook(keep(path)) for path in sites.blocks]
    hooks += [
        model.get_submodule(mlp.down).register_forward_pre_hook(
            lambda module, args, name=mlp.down: seen.update({name: args[0]})
        )
        for mlp in sites.mlps
    ]
    training = model.training
    try:
        model.eval()
        hidden = model(input_ids=ids, output_hidden_states=True, use_cache=False).hidden_states
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    for layer, path in enumerate(sites.blocks[:-1]):
        if path not in seen or not torch.equal(seen[path], hidden[layer + 1]):
            raise SeatError(
                f"{path} does not give the residual stream of layer {layer}: its output differs from the model's own."
            )
    for mlp in sites.mlps:
        if mlp.down not in seen or seen[mlp.down].shape[-1] != mlp.neurons:
            raise SeatError(
                f"{mlp.down} never saw {mlp.neurons} neurons in a forward pass: it is not this model's down projection."
            )
