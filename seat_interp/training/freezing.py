"""Which parameters train: groups by what they do in the network, as 2604.15574 freezes them, and finer ones."""

from collections.abc import Collection, Sequence

from torch import nn

from seat_interp.core.errors import SeatError
from seat_interp.models.open import LanguageModel
from seat_interp.models.sites import is_matrix


def parameter_groups(lm: LanguageModel) -> dict[str, list[str]]:
    """Return the names of the parameters by group, for `train(only=...)`; a group without any is left out.

    `attention` and `ffn` are the matrices of the blocks with their biases, and each of these by its own name too
    (`q_proj`, `down_proj`, `c_attn`, ...; `mlp.c_proj` where both kinds have one of that name); `embeddings` hold a
    head that is tied to them; `head` is every other matrix, most often one that is not; `norms` are all that is left.
    These are the groups that 2604.15574 freezes.

    Args:
        lm: Model with its tokenizer.

    Returns:
        Names of parameters by group.

    Example:
        >>> sorted(si.parameter_groups(lm))[:3]
        ['attention', 'down_proj', 'embeddings']
    """
    names = {name for name, _ in lm.model.named_parameters()}  # a tied one once

    def of(paths: Sequence[str]) -> list[str]:
        return [f"{path}.{kind}" for path in paths for kind in ("weight", "bias") if f"{path}.{kind}" in names]

    attention = [path for block in lm.sites.attention for path in block]
    ffn = [path for mlp in lm.sites.mlps for path in (*mlp.ups, mlp.down)]
    groups = {"attention": of(attention), "ffn": of(ffn)}
    names_of = [{path.rsplit(".", 1)[-1] for path in part} for part in (attention, ffn)]
    for path in (*attention, *ffn):
        *_, module, name = path.split(".")
        # GPT-2 calls a matrix of either kind c_proj.
        key = f"{module}.{name}" if all(name in module_names for module_names in names_of) else name
        groups.setdefault(key, []).extend(of([path]))
    modules = dict(lm.model.named_modules())
    embeddings = [path for path, module in modules.items() if isinstance(module, nn.Embedding)]
    matrices = [path for path, module in modules.items() if is_matrix(module) and path not in {*attention, *ffn}]
    groups |= {"embeddings": of(embeddings), "head": of(matrices)}
    placed = {name for group in groups.values() for name in group}
    groups["norms"] = [name for name, _ in lm.model.named_parameters() if name not in placed]
    return {group: names for group, names in groups.items() if names}


def of_layers(lm: LanguageModel, layers: Sequence[int]) -> list[str]:
    """Return the names of all parameters in some blocks.

    Args:
        lm: Model with its tokenizer.
        layers: Blocks, negative from the end.

    Returns:
        Names of parameters.

    Raises:
        SeatError: A layer does not exist.
    """
    blocks = tuple(f"{lm.sites.blocks[layer]}." for layer in lm.sites.layer_list(layers))
    return [name for name, _ in lm.model.named_parameters() if name.startswith(blocks)]


def trainable(lm: LanguageModel, only: Collection[str] | None) -> dict[str, nn.Parameter]:
    """Freeze all parameters but those to train.

    Args:
        lm: Model; its parameters' `requires_grad` is set.
        only: Names of the parameters to train; all if None.

    Returns:
        The parameters to train by name.

    Raises:
        SeatError: There are none, or the model lacks one.
    """
    present = dict(lm.model.requires_grad_(only is None).named_parameters())
    if only is None:
        return present
    if not only:
        raise SeatError("There is no parameter to train: the group is empty.")
    if missing := sorted(set(only) - set(present)):
        raise SeatError(f"{lm.name!r} has no parameter {missing[0]!r}. Take names of `parameter_groups`.")
    parameters = {name: parameter for name, parameter in present.items() if name in set(only)}
    for parameter in parameters.values():
        parameter.requires_grad_(True)
    return parameters
