"""Which parameters train: groups by what they do in the network, as 2604.15574 freezes them, and finer ones."""

from collections.abc import Collection, Sequence

from torch import nn

from seat_interp.core.errors import SeatError
from seat_interp.models.open import LanguageModel
from seat_interp.models.sites import is_matrix


def parameter_groups(lm: LanguageModel) -> dict[str, list[str]]:
    """Names of the parameters by group, for `train(only=...)`; a group without any is left out.

    `attention` and `ffn` are the matrices of the blocks with their biases, and each of these by its own name too
    (`q_proj`, `down_proj`, `c_attn`, ...; `mlp.c_proj` where both kinds have one of that name); `embeddings` hold a
    head that is tied to them; `head` is every other matrix, most often one that is not; `norms` are all that is left.
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
        key = f"{module}.{name}" if all(name in each for each in names_of) else name
        groups.setdefault(key, []).extend(of([path]))
    modules = dict(lm.model.named_modules())
    embeddings = [path for path, module in modules.items() if isinstance(module, nn.Embedding)]
    matrices = [path for path, module in modules.items() if is_matrix(module) and path not in {*attention, *ffn}]
    groups |= {"embeddings": of(embeddings), "head": of(matrices)}
    placed = {name for group in groups.values() for name in group}
    groups["norms"] = [name for name, _ in lm.model.named_parameters() if name not in placed]
    return {group: found for group, found in groups.items() if found}


def of_layers(lm: LanguageModel, layers: Sequence[int]) -> list[str]:
    """Names of all parameters in these blocks.

    Raises:
        SeatError: a layer that is not there.
    """
    blocks = tuple(f"{lm.sites.blocks[layer]}." for layer in lm.sites.layer_list(layers))
    return [name for name, _ in lm.model.named_parameters() if name.startswith(blocks)]


def trainable(lm: LanguageModel, only: Collection[str] | None) -> dict[str, nn.Parameter]:
    """The parameters to train, all others frozen.

    Raises:
        SeatError: none, or one that the model does not have.
    """
    there = dict(lm.model.requires_grad_(only is None).named_parameters())
    if only is None:
        return there
    if not only:
        raise SeatError("There is no parameter to train: the group is empty.")
    if missing := sorted(set(only) - set(there)):
        raise SeatError(f"{lm.name!r} has no parameter {missing[0]!r}. Take names of `parameter_groups`.")
    found = {name: parameter for name, parameter in there.items() if name in set(only)}
    for parameter in found.values():
        parameter.requires_grad_(True)
    return found
