"""Tuned weights, gradients and optimiser state shared out over processes (FSDP2).

These are four of the five copies of the weights that training holds; the frozen base stays whole.
"""

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from seat_interp.models.open import LanguageModel
from seat_interp.processes import processes


def shard(lm: LanguageModel) -> None:
    """Share a model's weights out in place, block by block; gradients become means over the processes.

    Only whole forward passes gather the weights: the backbone or a module by itself finds its share alone.
    """
    mesh = init_device_mesh(lm.model.device.type, (processes().count,))
    for block in lm.sites.blocks:
        fully_shard(lm.model.get_submodule(block), mesh=mesh)
    fully_shard(lm.model, mesh=mesh)


def is_sharded(lm: LanguageModel) -> bool:
    """Whether a model's weights are shared out."""
    return isinstance(lm.model, FSDPModule)


def whole(tensor: Tensor) -> Tensor:
    """All of a tensor that is shared out, in each process; any other as it is. All processes must ask."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def like(tensor: Tensor, parameter: nn.Parameter) -> Tensor:
    """A whole tensor in the place and shares of a parameter."""
    tensor = tensor.to(parameter.device)
    if isinstance(parameter, DTensor):
        return distribute_tensor(tensor, parameter.device_mesh, parameter.placements)
    return tensor


@torch.no_grad()
def gathered(lm: LanguageModel, base: LanguageModel) -> LanguageModel:
    """A whole copy of a model that is shared out, in each process; one that is not, as it is.

    Args:
        lm: the model.
        base: of the same architecture, whole; it stays as it is.
    """
    if not is_sharded(lm):
        return lm
    copy = base.copy()
    shared = dict(lm.model.named_parameters())
    for name, parameter in copy.model.named_parameters():
        parameter.copy_(whole(shared[name]))
    copy.model.eval()
    return copy
