"""The compact trainer: one loop for every arm, deterministic, resumable, with a probe that watches while it runs."""

import hashlib
import itertools
import math
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.distributed.fsdp import FSDPModule
from tqdm import tqdm

from seat_interp.errors import SeatError, require_within
from seat_interp.facts import Fact, Names
from seat_interp.files import load_tensors, save_tensors
from seat_interp.masks.attach import Attached, attach
from seat_interp.masks.mask import Mask
from seat_interp.models.attention import without_cudnn_attention
from seat_interp.models.open import LanguageModel
from seat_interp.models.precision import bfloat16_is_fast
from seat_interp.processes import Processes, processes
from seat_interp.training.drift import DriftBudget, require_terms
from seat_interp.training.freezing import trainable
from seat_interp.training.lora import Adapted, LoRA, adapt
from seat_interp.training.objectives import Draw, Loss, Objective, plain
from seat_interp.training.sharding import gathered, like, shard, whole

CHECKPOINT = "seat_interp.training_checkpoint"
Parameters = dict[str, nn.Parameter]
MOST_SEED = 10**9
"""Larger ones would overflow where the seed of a step is made from them."""


@dataclass(frozen=True)
class TrainConfig:
    """How to train. The SEAT paper gives none of these; all are ours.

    Attributes:
        steps: optimiser steps.
        batch_size: facts a step.
        micro_batch: facts a forward pass; smaller than `batch_size` accumulates gradients. None: all at once.
        learning_rate: AdamW's peak.
        warmup: share of the steps in which the rate rises from zero.
        final: share of the peak that a cosine reaches at the end; 1 keeps the rate constant.
        betas: AdamW's.
        weight_decay: on trained entries alone; what is masked out is never decayed. With a mask the decay is towards
            the base, since differences from it are what is trained; without one, towards zero.
        clip: largest norm of the gradient over trained entries; None does not clip.
        mixed_precision: run forward passes in bfloat16 under autocast; weights and optimiser stay as they are.
            Twice as fast on processors with bfloat16 units, and far slower on others, which is warned of.
        seed: of the order of the facts, the perturbed copies and dropout.
        probe_every: steps between calls of the probe; 0 never.
        checkpoint_every: steps between checkpoints; 0 never.
    """

    steps: int = 60
    batch_size: int = 16
    micro_batch: int | None = None
    learning_rate: float = 5e-5
    warmup: float = 0.05
    final: float = 0.1
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    clip: float | None = 1.0
    mixed_precision: bool = False
    seed: int = 0
    probe_every: int = 0
    checkpoint_every: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "micro_batch"):
            require_within(self, name, 1)
        for name in ("learning_rate", "clip"):
            require_within(self, name, 0, above=True)
        for name in ("warmup", "final"):
            require_within(self, name, 0, 1)
        for name in ("weight_decay", "probe_every", "checkpoint_every"):
            require_within(self, name, 0)
        require_within(self, "seed", 0, MOST_SEED)
        if not all(0 <= beta < 1 for beta in self.betas):
            raise SeatError(f"AdamW's betas are {self.betas}; both must be at least 0 and below 1.")

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        rise = max(1, round(self.warmup * self.steps))
        if step < rise:
            return self.learning_rate * (step + 1) / rise
        done = (step - rise) / max(1, self.steps - rise)
        return self.learning_rate * (self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * done)))


@dataclass(frozen=True)
class TrainedModel:
    """A tuned copy with its record: one log row a step, one a probe; `share` is what is left of its update."""

    model: LanguageModel
    log: list[dict[str, Any]] = field(default_factory=list)
    probes: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    trained_weights: int = 0
    share: float = 1.0


Probe = Callable[[LanguageModel], dict[str, Any]]


@without_cudnn_attention()
def train(
    base: LanguageModel,
    facts: Sequence[Fact],
    *,
    objective: Objective | None = None,
    mask: Mask | None = None,
    lora: LoRA | None = None,
    only: Collection[str] | None = None,
    config: TrainConfig | None = None,
    names: Names | None = None,
    drift_budget: DriftBudget | None = None,
    probe: Probe | None = None,
    checkpoint: str | Path | None = None,
    sharded: bool = False,
    label: str = "Training",
) -> TrainedModel:
    """Fine-tune a copy of `base` on `facts`; the base stays as it was.

    The same arguments give bit-equal results on the same machine and number of threads, also across a resume. Under
    `accelerate launch` or torchrun the processes share out each batch and sum their gradients; all end with the same
    model, that of one process to within rounding, and the first one writes the checkpoint.

    Args:
        base: frozen reference and starting point.
        facts: what to teach.
        objective: terms to sum; cross entropy alone if None. `SEAT()` adds the KL on perturbed copies.
        mask: what may change; everything if None.
        lora: train adapters in place of the weights; they are merged at the end.
        only: names of the parameters to train, all others frozen; see `parameter_groups`.
        config: how.
        names: what perturbed copies may be called; fictitious names that avoid the facts' own if None.
        drift_budget: a limit on the drift of perturbed copies, which the weights of all terms but cross entropy
            follow; the log then holds `drift` where it was looked at, and the `factor` of the weights from there on.
        probe: called every `config.probe_every` steps with the model as it is then.
        checkpoint: a file to save to, also at the end, and to resume from. Remove it once the model is saved.
        sharded: of several processes each holds its share of the tuned weights, their gradients and the optimiser's
            state (FSDP2). The base stays whole in each, and one more whole copy must fit: that which probes and drift
            look at, and the model in the end.
        label: for the progress bar.

    Raises:
        SeatError: no facts, a mask of another model, two of mask, adapters and `only`, a mask or adapters
            and `sharded`, batches that the processes cannot share out, a loss that is not finite, or a checkpoint of
            other settings.
    """
    if not facts:
        raise SeatError("There are no facts to train on: the target set is empty.")
    config = config or TrainConfig()
    if sharded and (bound := [term.name for term in objective or plain() if getattr(term, "of_weights", False)]):
        raise SeatError(f"{bound[0]} looks at all weights at once, which `sharded` shares out. Leave one of them out.")
    sharded = sharded and processes().count > 1
    size = _part_size(config, len(facts), objective or plain(), processes().count, sharded)
    if config.mixed_precision and not bfloat16_is_fast():
        warnings.warn("This processor has no bfloat16 units: mixed_precision makes training far slower.", stacklevel=2)
    if drift_budget:
        require_terms([term.name for term in objective or plain()])
    terms = [(term, term.prepare(base, facts, names or Names(), config.seed)) for term in objective or plain()]
    lm = base.copy()
    attached: Attached | Adapted | None = None
    if mask is not None and lora is not None:
        raise SeatError("Give a mask or LoRA, not both: adapters do not see a mask.")
    if only is not None and (mask is not None or lora is not None):
        raise SeatError("Give parameters to train alone, or a mask or LoRA, not both.")
    if sharded and (mask is not None or lora is not None):
        raise SeatError("Weights are shared out to train all of them: leave `sharded` out with a mask or LoRA.")
    if mask is not None:
        mask.require_fits(lm)
        attached = attach(lm.model.requires_grad_(True), mask)
    if lora is not None:
        attached = adapt(lm, lora, seed=config.seed)
    if sharded:
        shard(lm)
    # Tied weights count once.
    parameters = attached.parameters if attached else trainable(lm, only)
    optimiser = torch.optim.AdamW(
        parameters.values(),
        lr=config.learning_rate,
        betas=config.betas,
        weight_decay=config.weight_decay,
    )
    result = TrainedModel(lm, trained_weights=sum(p.numel() for p in parameters.values()))
    first = 0
    if checkpoint:
        identity = _identity(config, objective or plain(), facts, mask, lora, only, drift_budget, names, base)
        first, result = _resume(checkpoint, identity, parameters, optimiser, result)
    watch = drift_budget.watch(base, facts, names or Names(), config.seed) if drift_budget else None
    factor = result.log[-1].get("factor", 1.0) if result.log else 1.0
    order = _epochs(len(facts), config)
    began = time.perf_counter()
    lm.model.train()
    first_of_all = processes().rank == 0
    bar = tqdm(range(config.steps), initial=0, desc=label, unit="step", leave=False, disable=not first_of_all)
    for step in bar:
        draws = next(order)
        if step < first:
            continue
        torch.manual_seed(config.seed * 1_000_003 + step)  # dropout, if the model has any
        weights = [term.weight * (1.0 if term.name == "cross_entropy" else factor) for term, _ in terms]
        row = {"step": step + 1, **_step(lm, terms, weights, draws, size, parameters, optimiser, config, step)}
        if drift_budget and watch:
            row["factor"] = factor
            if (step + 1) % drift_budget.every == 0:
                lm.model.eval()
                row["drift"] = watch(gathered(lm, base))
                row["factor"] = factor = drift_budget.follow(factor, row["drift"])
                lm.model.train()
        result.log.append(row)
        bar.set_postfix({name: f"{value:.3g}" for name, value in row.items() if name != "step"}, refresh=False)
        if probe and config.probe_every and (step + 1) % config.probe_every == 0:
            lm.model.eval()
            result.probes.append({"step": step + 1, **probe(gathered(lm, base))})
            lm.model.train()
        due = config.checkpoint_every and (step + 1) % config.checkpoint_every == 0
        if checkpoint and (due or step + 1 == config.steps):
            seconds = result.seconds + time.perf_counter() - began
            _checkpoint(checkpoint, identity, step + 1, seconds, parameters, optimiser, result)
    if attached:
        attached.fold()
    lm = gathered(lm, base)
    lm.model.eval()
    lm.model.requires_grad_(True)
    lm.model.zero_grad(set_to_none=True)
    return replace(result, model=lm, seconds=result.seconds + time.perf_counter() - began)


def _part_size(config: TrainConfig, facts: int, objective: Objective, count: int, sharded: bool = False) -> int:
    """Facts of a batch that are looked at together: a micro-batch, or the share of one of so many processes.

    Raises:
        SeatError: a term takes every so many facts of a batch, and finds not as many in each part; or weights are
            shared out and one process would look at more parts than another, which would wait for it for ever.
    """
    size = _any_part_size(config, facts, objective, count)
    if sharded and (parts := math.ceil(min(config.batch_size, facts) / size)) % count:
        raise SeatError(
            f"A batch has {parts} parts for {count} processes, which must look at as many each when weights are shared "
            "out. Make batch_size, or its micro-batches, come out even."
        )
    return size


def _any_part_size(config: TrainConfig, facts: int, objective: Objective, count: int) -> int:
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


def _step(
    lm: LanguageModel,
    terms: list[tuple[Any, Loss]],
    weights: list[float],
    draws: list[Draw],
    size: int,
    parameters: Parameters,
    optimiser: torch.optim.Optimizer,
    config: TrainConfig,
    step: int,
) -> dict[str, float]:
    optimiser.zero_grad(set_to_none=True)
    among = processes()
    row = {term.name: 0.0 for term, _ in terms}
    for start in among.mine(range(0, len(draws), size)):
        part = draws[start : start + size]
        for (term, loss), weight in zip(terms, weights):
            with torch.autocast(lm.model.device.type, torch.bfloat16, enabled=config.mixed_precision):
                value = loss(lm, part) * (len(part) / len(draws))
            (weight * value).backward()
            row[term.name] += value.item()
    if among.count > 1:
        row = dict(zip(row, among.summed(torch.tensor(list(row.values()), dtype=torch.float64)).tolist()))
        if not isinstance(lm.model, FSDPModule):  # which has summed them
            _sum_gradients(parameters, among)
    if not all(math.isfinite(value) for value in row.values()):
        raise SeatError(f"The loss is not finite at step {step + 1} ({row}). Lower the learning rate.")
    if config.clip is not None:
        row["gradient"] = whole(torch.nn.utils.clip_grad_norm_(parameters.values(), config.clip)).item()
    for group in optimiser.param_groups:
        group["lr"] = config.rate(step)
    optimiser.step()
    return row


def _sum_gradients(parameters: Parameters, among: Processes) -> None:
    """Over all processes; a weight without a gradient in any of them keeps none."""
    some = torch.tensor([parameter.grad is not None for parameter in parameters.values()], dtype=torch.int32)
    for parameter, there in zip(parameters.values(), among.summed(some).tolist()):
        if there:
            parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            among.summed(parameter.grad)


def _epochs(count: int, config: TrainConfig) -> Iterator[list[Draw]]:
    """Endless batches: each epoch is a fresh permutation of the facts, and a batch can span two."""
    generator = torch.Generator().manual_seed(config.seed)
    pending: list[Draw] = []
    size = min(config.batch_size, count)
    for epoch in itertools.count():
        pending += [Draw(index, epoch) for index in torch.randperm(count, generator=generator).tolist()]
        while len(pending) >= size:
            yield pending[:size]
            pending = pending[size:]


def _identity(
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
    """What a checkpoint must share with the run that takes it up."""
    digest = hashlib.sha256()
    for name, indices in mask.indices.items() if mask else ():
        digest.update(name.encode() + indices.numpy().tobytes())
    if drift_budget:  # in full: a printed tensor leaves most of itself out
        digest.update(drift_budget.direction.raw.numpy().tobytes())
    if only is not None:
        digest.update(repr(sorted(only)).encode())
    called = (sorted(names.avoid), dict(names.pools)) if names else None
    said = [fact.to_json() for fact in facts]
    digest.update(
        repr((asdict(config), objective, lora, drift_budget, said, called, base.fingerprint, base.system)).encode()
    )
    return digest.hexdigest()[:16]


def _checkpoint(path, identity: str, step: int, seconds: float, parameters: Parameters, optimiser, result) -> None:
    """Written by the first process; what is shared out is gathered tensor by tensor, and kept nowhere else."""
    first, tensors = processes().rank == 0, {}
    for name, parameter in parameters.items():
        state = optimiser.state[parameter]  # empty for a weight that never had a gradient
        for key, value in {"value": parameter, **state}.items():
            gathered_here = whole(value.detach())
            if first:
                tensors[f"{key}/{name}"] = gathered_here.cpu()
    if first:
        header = {"format": CHECKPOINT, "version": 1, "identity": identity, "step": step, "seconds": seconds}
        save_tensors(path, tensors, header | {"log": result.log, "probes": result.probes})


@torch.no_grad()
def _resume(path, identity: str, parameters: Parameters, optimiser, result: TrainedModel) -> tuple[int, TrainedModel]:
    """The step to go on with, and the record so far."""
    if not Path(path).exists():
        return 0, result
    tensors, header = load_tensors(path, CHECKPOINT)
    if header["identity"] != identity:
        raise SeatError(f"{path} is a checkpoint of a run with other settings. Remove it, or restore the settings.")
    for name, parameter in parameters.items():
        parameter.copy_(like(tensors[f"value/{name}"], parameter))
        for key in ("step", "exp_avg", "exp_avg_sq"):
            if f"{key}/{name}" in tensors:
                value = tensors[f"{key}/{name}"]
                optimiser.state[parameter][key] = value if key == "step" else like(value, parameter)
    return header["step"], replace(result, log=header["log"], probes=header["probes"], seconds=header["seconds"])
