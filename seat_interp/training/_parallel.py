"""A batch in parts: micro-batches, and the shares of several processes, whose gradients are summed."""

import math

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from seat_interp.core.errors import SeatError
from seat_interp.core.processes import Processes, processes
from seat_interp.models.open import LanguageModel
from seat_interp.training.config import TrainConfig
from seat_interp.training.objectives import Objective


def part_size(config: TrainConfig, facts: int, objective: Objective, count: int, sharded: bool = False) -> int:
    """Facts of a batch that are looked at together: a micro-batch, or the share of one of so many processes.

    Raises:
        SeatError: a term takes every so many facts of a batch, and finds not as many in each part; or weights are
            shared out and one process would look at more parts than another, which would wait for it for ever.
    """
    size = _any_size(config, facts, objective, count)
    if sharded and (parts := math.ceil(min(config.batch_size, facts) / size)) % count:
        raise SeatError(
            f"A batch has {parts} parts for {count} processes, which must look at as many each when weights are shared "
            "out. Make batch_size, or its micro-batches, come out even."
        )
    return size


def _any_size(config: TrainConfig, facts: int, objective: Objective, count: int) -> int:
    unit, batch, size = (
        math.lcm(*(term.facts_per_item for term in objective)),
        min(config.batch_size, facts),
        config.micro_batch,
    )
    if size:
        for term in objective:
            if term.facts_per_item > 1 and (size % term.facts_per_item or config.batch_size % size):
                raise SeatError(
                    f"{term.name} uses one fact in {term.facts_per_item}: micro_batch ({size}) must be a multiple, "
                    f"and batch_size ({config.batch_size}) of micro_batch."
                )
        return size
    even = math.ceil(batch / count)
    if count == 1 or unit == 1:
        return even
    if whole := [size for size in range(unit, even + 1, unit) if batch % size == 0]:
        return whole[-1]
    raise SeatError(
        f"A term takes one fact in {unit}, and a batch of {batch} has no equal parts of so many for {count} processes. "
        f"Make batch_size a multiple of {unit * count}."
    )


def sum_gradients(parameters: dict[str, nn.Parameter], among: Processes) -> None:
    """Over all processes; a weight without a gradient in any of them keeps none."""
    present = torch.tensor([parameter.grad is not None for parameter in parameters.values()], dtype=torch.int32)
    for parameter, has_gradient in zip(parameters.values(), among.all_reduce(present).tolist()):
        if has_gradient:
            parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            among.all_reduce(parameter.grad)


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
    """Gather a sharded model in each process; return one that is whole as it is.

    Args:
        lm: Model, sharded or whole.
        base: Whole model of the same architecture; it stays as it is.
    """
    if not is_sharded(lm):
        return lm
    copy = base.copy()
    shared = dict(lm.model.named_parameters())
    for name, parameter in copy.model.named_parameters():
        parameter.copy_(whole(shared[name]))
    copy.model.eval()
    return copy
