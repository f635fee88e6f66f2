"""Which of several processes this is, under `accelerate launch` or torchrun; the only one otherwise.

The processes share work out by whole batches, the same batches as one process makes, so that results do not depend on
how many there are.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

T = TypeVar("T")
_PATIENCE = timedelta(hours=12)
"""How long a process waits for the others: a share of batches can take far longer than that of another."""


@dataclass(frozen=True)
class Processes:
    """This process among all.

    Attributes:
        rank: Rank of this process, from 0.
        count: Number of processes.
    """

    rank: int = 0
    count: int = 1

    def shard(self, items: Sequence[T]) -> Sequence[T]:
        """Return this process's share: every `count`-th item, so that long batches, which come first, are shared out.

        Args:
            items: Items, the same in each process.

        Returns:
            The share.
        """
        return items[self.rank :: self.count]

    def all_reduce(self, values: Tensor) -> Tensor:
        """Sum a tensor over all processes, in place.

        Args:
            values: Tensor of the same shape in each process.

        Returns:
            The sum, in each process.
        """
        if self.count > 1:
            dist.all_reduce(values)
        return values

    def broadcast(self, value: T) -> T:
        """Return the first process's value in each process.

        Args:
            value: Value of this process. The first process has a share whenever there is any work.

        Returns:
            The value of the first process.
        """
        if self.count > 1:
            held = [value]
            dist.broadcast_object_list(held)
            (value,) = held
        return value

    def barrier(self) -> None:
        """Until all are here."""
        if self.count > 1:
            dist.barrier()


def processes() -> Processes:
    """Return this process in its group; under a launcher that made no group, one is made.

    Returns:
        Rank and count; 0 and 1 without a launcher.
    """
    if not dist.is_available():
        return Processes()
    if not dist.is_initialized():
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return Processes()
        if torch.cuda.is_available():
            torch.cuda.set_device(local_rank())
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        dist.init_process_group(backend, timeout=_PATIENCE)
    return Processes(dist.get_rank(), dist.get_world_size())


def local_rank() -> int:
    """Return the rank of this process on its machine, which is the number of its GPU.

    Returns:
        Rank from 0.
    """
    return int(os.environ.get("LOCAL_RANK", "0"))
