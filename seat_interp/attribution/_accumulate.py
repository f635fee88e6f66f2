"""One pass over a data set with constant memory: batches by length, a progress bar, running sums, resumable."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from seat_interp.attribution._metrics import Metric, Prepared
from seat_interp.core.ledger import Checkpoint
from seat_interp.core.processes import processes
from seat_interp.core.progress import progress_bar
from seat_interp.directions.direction import IgnoranceDirection
from seat_interp.models.open import LanguageModel
from seat_interp.models.prompts import Example, batches_by_length

CHECKPOINT = "seat_interp.attribution_checkpoint"
EVERY = 20
"""Batches between two checkpoints."""

Visit = Callable[[Sequence[Example], Sequence[int]], Mapping[str, Tensor]]
"""(examples of a batch, their indices) -> what to add to the running sums."""


def accumulate(
    prepared: Prepared,
    visit: Visit,
    *,
    batch_size: int,
    label: str,
    checkpoint: str | Path | None = None,
    identity: Mapping[str, Any] | None = None,
) -> dict[str, Tensor]:
    """Sum what every batch gives; under several processes each takes a share of the batches, and all get the sum.

    Args:
        prepared: Examples of a metric.
        visit: Function that is called once for each batch.
        batch_size: Number of examples in a batch.
        label: Label of the progress bar.
        checkpoint: File for the sums so far, written every `EVERY` batches, resumed from and removed at the end.
        identity: Settings that the sums depend on; a checkpoint of other ones is refused.

    Raises:
        SeatError: The checkpoint belongs to other settings.
    """
    groups = batches_by_length([len(example.ids) for example in prepared.examples], batch_size)
    among = processes()
    if among.count > 1:  # each keeps sums of its own
        identity = {**(identity or {}), "processes": [among.rank, among.count]}
        checkpoint = checkpoint and f"{checkpoint}.{among.rank}"
    saved = Checkpoint(checkpoint, CHECKPOINT, identity_of(prepared, batch_size, identity or {}))
    sums, header = saved.load() or ({}, {"done": 0})
    share = among.shard(groups)
    bar = progress_bar(share, desc=label, unit="batch", leave=False, initial=0, show=len(share) >= 3)
    for number, group in enumerate(bar):
        if number < header["done"]:
            continue
        for name, value in visit([prepared.examples[index] for index in group], group).items():
            sums[name] = sums[name].add_(value) if name in sums else value.clone()
        if (number + 1) % EVERY == 0:
            saved.save(sums, done=number + 1)
    saved.remove()
    like = among.broadcast({name: (value.shape, value.dtype) for name, value in sums.items()})
    # A process without a share has nothing yet.
    own = {name: sums.get(name, torch.zeros(shape, dtype=dtype)) for name, (shape, dtype) in like.items()}
    return {name: among.all_reduce(value.contiguous()) for name, value in own.items()}


def identity_of(prepared: Prepared, batch_size: int, settings: Mapping[str, Any]) -> str:
    """What running sums depend on, as a digest: a checkpoint of anything else is refused."""
    text = json.dumps([[e.ids for e in prepared.examples], batch_size, dict(settings)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def metric_settings(metric: Metric) -> dict[str, str]:
    """The settings of a metric, by field, short enough for a checkpoint: models and directions by their weights."""

    def short(value: Any) -> str:
        if isinstance(value, LanguageModel):
            return repr(value.fingerprint)
        if isinstance(value, IgnoranceDirection):
            return hashlib.sha256(value.raw.numpy().tobytes()).hexdigest()
        return repr(value)

    names: list[str] = [field.name for field in fields(metric)] if is_dataclass(metric) else []
    return {name: short(getattr(metric, name)) for name in names}
