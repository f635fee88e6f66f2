"""A batch in parts: micro-batches, and the shares of several processes, whose gradients are summed."""

import math

import torch
from torch import nn

from seat_interp.errors import SeatError
from seat_interp.processes import Processes
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
    unit, batch, size = math.lcm(*(term.every for term in objective)), min(config.batch_size, facts), config.micro_batch
    if size:
        for term in objective:
            if term.every > 1 and (size % term.every or config.batch_size % size):
                raise SeatError(
                    f"{term.name} takes one fact in {term.every}: micro_batch ({size}) must be a multiple of it, "
                    f"and batch_size ({config.batch_size}) of micro_batch."
                )
        return size
    even = math.ceil(batch / count)
    if count == 1 or unit == 1:
        return even
    if whole := [each for each in range(unit, even + 1, unit) if batch % each == 0]:
        return whole[-1]
    raise SeatError(
        f"A term takes one fact in {unit}, and a batch of {batch} has no equal parts of so many for {count} processes. "
        f"Make batch_size a multiple of {unit * count}."
    )


def sum_gradients(parameters: dict[str, nn.Parameter], among: Processes) -> None:
    """Over all processes; a weight without a gradient in any of them keeps none."""
    some = torch.tensor([parameter.grad is not None for parameter in parameters.values()], dtype=torch.int32)
    for parameter, there in zip(parameters.values(), among.summed(some).tolist()):
        if there:
            parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            among.summed(parameter.grad)
