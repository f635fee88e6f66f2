"""A training that was cut off: what is saved of it, and how it goes on."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from seat_interp.core.ledger import Checkpoint
from seat_interp.core.processes import processes
from seat_interp.facts import Fact, Names
from seat_interp.masks.mask import Mask
from seat_interp.models.open import LanguageModel
from seat_interp.training._parallel import like, whole
from seat_interp.training.config import TrainConfig
from seat_interp.training.drift_budget import DriftBudget
from seat_interp.training.lora import LoRA
from seat_interp.training.objectives import Objective

CHECKPOINT = "seat_interp.training"


def identity_of(
    config: TrainConfig,
    objective: Objective,
    facts: Sequence[Fact],
    mask: Mask | None,
    lora: LoRA | None,
    only: Collection[str] | None,
    drift_budget: DriftBudget | None,
    names: Names | None,
    base: LanguageModel,
) -> str:
    """Hash everything that a checkpoint must share with the run that resumes from it."""
    digest = hashlib.sha256()
    for name, indices in mask.indices.items() if mask else ():
        digest.update(name.encode() + indices.numpy().tobytes())
    if drift_budget:  # in full: a printed tensor leaves most of itself out
        digest.update(drift_budget.direction.raw.numpy().tobytes())
    if only is not None:
        digest.update(repr(sorted(only)).encode())
    called = (sorted(names.avoid), dict(names.pools)) if names else None
    rows = [fact.to_json() for fact in facts]
    digest.update(
        repr((asdict(config), objective, lora, drift_budget, rows, called, base.fingerprint, base.system)).encode()
    )
    return digest.hexdigest()[:16]


def save_checkpoint(
    path: str | Path,
    identity: str,
    step: int,
    parameters: dict[str, nn.Parameter],
    optimiser: torch.optim.Optimizer,
    record: dict[str, Any],
) -> None:
    """Save a checkpoint from the first process; sharded weights are gathered tensor by tensor, and kept nowhere else.

    Args:
        path: Path of the file.
        identity: Digest of the run, see `identity_of`.
        step: Number of steps that are done.
        parameters: Trained parameters by name.
        optimiser: Optimiser of the parameters.
        record: Record of the run so far, as JSON.
    """
    first, tensors = processes().rank == 0, {}
    for name, parameter in parameters.items():
        state = optimiser.state[parameter]  # empty for a weight that never had a gradient
        for key, value in {"value": parameter, **state}.items():
            gathered = whole(value.detach())
            if first:
                tensors[f"{key}/{name}"] = gathered.cpu()
    if first:
        Checkpoint(path, CHECKPOINT, identity).save(tensors, step=step, record=record)


@torch.no_grad()
def resume(
    path: str | Path, identity: str, parameters: dict[str, nn.Parameter], optimiser: torch.optim.Optimizer
) -> tuple[int, dict[str, Any]]:
    """Put parameters and optimiser where a checkpoint was, if there is one.

    Returns:
        The step to go on with, and the record so far.

    Raises:
        SeatError: it is a checkpoint of another run.
    """
    if (saved := Checkpoint(path, CHECKPOINT, identity).load()) is None:
        return 0, {}
    tensors, header = saved
    for name, parameter in parameters.items():
        parameter.copy_(like(tensors[f"value/{name}"], parameter))
        for key in ("step", "exp_avg", "exp_avg_sq"):
            if f"{key}/{name}" in tensors:
                value = tensors[f"{key}/{name}"]
                optimiser.state[parameter][key] = value if key == "step" else like(value, parameter)
    return header["step"], header["record"]
