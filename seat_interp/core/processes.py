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
        rank: its number, from 0.
        count: of all.
    """

    rank: int = 0
    count: int = 1

    def shard(self, items: Sequence[T]) -> Sequence[T]:
        """This process's share: every so manyth, so that long batches, which come first, are shared out too."""
        return items[self.rank :: self.count]

    def all_reduce(self, values: Tensor) -> Tensor:
        """The sum over all processes, in each."""
        if self.count > 1:
            dist.all_reduce(values)
        return values

    def broadcast(self, value: T) -> T:
        """What the first process has, in each: it has a share whenever there is any work."""
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
    """This process, in the group that is there; under a launcher that made none, in one that is made now."""
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
    """The number of this process on its machine, which is that of its GPU."""
    return int(os.environ.get("LOCAL_RANK", "0"))
