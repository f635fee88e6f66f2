"""The compact trainer: one loop for every arm, deterministic and resumable, with a callback that measures meanwhile."""

import itertools
import math
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from seat_interp.core.errors import SeatError
from seat_interp.core.processes import processes
from seat_interp.core.progress import progress_bar
from seat_interp.facts import Fact, Names
from seat_interp.facts.records import require_facts
from seat_interp.masks.attach import Attached, attach
from seat_interp.masks.mask import Mask
from seat_interp.models.hardware import bfloat16_is_fast, without_cudnn_attention
from seat_interp.models.open import LanguageModel
from seat_interp.training._checkpoint import identity_of, resume, save_checkpoint
from seat_interp.training._parallel import gathered, is_sharded, part_size, shard, sum_gradients, whole
from seat_interp.training.config import TrainConfig
from seat_interp.training.drift_budget import DriftBudget
from seat_interp.training.freezing import trainable
from seat_interp.training.lora import Adapted, LoRA, adapt
from seat_interp.training.objectives import Draw, Loss, Objective, Term, plain


@dataclass(frozen=True)
class TrainedModel:
    """A tuned copy with its record.

    Attributes:
        model: Tuned model, in evaluation mode.
        log: Rows of the log, one a step: the loss of each term in nats a token, and the norm of the gradient.
        callback_log: Rows of the callback, one for each call.
        seconds: Duration of the training in seconds.
        trained_weights: Number of trained weights.
        share: Share of the update that is left after weight interpolation; 1 without.
    """

    model: LanguageModel
    log: list[dict[str, Any]] = field(default_factory=list, repr=False)
    callback_log: list[dict[str, Any]] = field(default_factory=list, repr=False)
    seconds: float = 0.0
    trained_weights: int = 0
    share: float = 1.0


Callback = Callable[[LanguageModel], dict[str, Any]]
"""Function of the model during training; what it returns becomes a row of `TrainedModel.callback_log`."""
_T = TypeVar("_T")


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
    callback: Callback | None = None,
    checkpoint: str | Path | None = None,
    sharded: bool = False,
    label: str = "Training",
) -> TrainedModel:
    """Fine-tune a copy of a model on facts; the base stays as it was.

    The same arguments give bit-equal results on the same machine and number of threads, also across a resume. Under
    `accelerate launch` or torchrun the processes share the batches and sum their gradients; all end with the same
    model, that of one process up to rounding, and the first process writes the checkpoint.

    Args:
        base: Frozen reference and starting point.
        facts: Facts to teach.
        objective: Terms to sum; cross entropy alone if None. `SEAT()` adds the KL on entity-perturbed prompts.
        mask: Neurons or weights that may change; all weights if None.
        lora: Settings of LoRA adapters to train in place of the weights; they are merged at the end.
        only: Names of the parameters to train, all others frozen; see `parameter_groups`.
        config: Optimiser and schedule; the defaults of `TrainConfig` if None.
        names: Names that entity-perturbed prompts may use; fictitious ones that avoid the facts' entities if None.
        drift_budget: Limit on the displacement of entity-perturbed prompts, which the weights of all terms but the task
            loss follow; the log then holds `drift` where it was measured, and the `factor` of the weights.
        callback: Function of the model as it is then, called every `config.callback_every` steps; its row is kept.
        checkpoint: File to save to, also at the end, and to resume from. Remove it once the model is saved.
        sharded: Whether each of several processes holds its share of the tuned weights, gradients and optimiser state
            (FSDP2). The base stays whole in each, and one more whole copy must fit: the one that callbacks and drift
            budgets measure, and the final model.
        label: Text beside the progress bar.

    Returns:
        The tuned model with its log.

    Raises:
        SeatError: No facts; a mask of another model; two of mask, adapters and `only`; a mask or adapters with
            `sharded`; batches that the processes cannot share; a loss that is not finite; or a checkpoint of other
            settings.

    Example:
        >>> short = si.TrainConfig(steps=2, batch_size=4)
        >>> run = si.train(lm, facts.target[:4], mask=si.random_neurons(lm, 0.05), config=short)
        >>> [sorted(row) for row in run.log]
        [['cross_entropy', 'gradient', 'step'], ['cross_entropy', 'gradient', 'step']]
    """
    config, objective, names = config or TrainConfig(), objective or plain(), names or Names()
    _check(facts, objective, mask, lora, only, config, drift_budget, sharded)
    sharded = sharded and processes().count > 1
    size = part_size(config, len(facts), objective, processes().count, sharded)
    if mask is not None:
        mask.require_fits(base)
    terms = [(term, term.prepare(base, facts, names, config.seed)) for term in objective]
    run = _begin(base, terms, size, mask, lora, only, config, sharded)
    result = TrainedModel(run.lm, trained_weights=sum(parameter.numel() for parameter in run.parameters.values()))
    first = 0
    if checkpoint:
        identity = identity_of(config, objective, facts, mask, lora, only, drift_budget, names, base)
        first, record = resume(checkpoint, identity, run.parameters, run.optimiser)
        result = replace(result, **record)
    measure_drift = drift_budget.watch(base, facts, names, config.seed) if drift_budget else None
    factor = result.log[-1].get("factor", 1.0) if result.log else 1.0
    batches, began = _batches(len(facts), config), time.perf_counter()
    run.lm.model.train()
    bar = progress_bar(range(config.steps), initial=0, desc=label, unit="step", leave=False, show=processes().rank == 0)
    for step in bar:
        batch = next(batches)
        if step < first:
            continue
        row = {"step": step + 1, **_step(run, batch, step, factor)}
        if drift_budget and measure_drift:
            row["factor"] = factor
            if (step + 1) % drift_budget.every == 0:
                row["drift"] = _measured(run, base, measure_drift)
                row["factor"] = factor = drift_budget.follow(factor, row["drift"])
        result.log.append(row)
        bar.set_postfix({name: f"{value:.3g}" for name, value in row.items() if name != "step"}, refresh=False)
        if callback and config.callback_every and (step + 1) % config.callback_every == 0:
            result.callback_log.append({"step": step + 1, **_measured(run, base, callback)})
        due = config.checkpoint_every and (step + 1) % config.checkpoint_every == 0
        if checkpoint and (due or step + 1 == config.steps):
            seconds = result.seconds + time.perf_counter() - began
            record = {"log": result.log, "callback_log": result.callback_log, "seconds": seconds}
            save_checkpoint(checkpoint, identity, step + 1, run.parameters, run.optimiser, record)
    return replace(result, model=_end(run, base), seconds=result.seconds + time.perf_counter() - began)


def _check(
    facts: Sequence[Fact],
    objective: Objective,
    mask: Mask | None,
    lora: LoRA | None,
    only: Collection[str] | None,
    config: TrainConfig,
    drift_budget: DriftBudget | None,
    sharded: bool,
) -> None:
    """Refuse arguments that do not go together, before anything is prepared."""
    require_facts(facts=facts)
    if not facts:
        raise SeatError("There are no facts to train on: the target set is empty.")
    if mask is not None and lora is not None:
        raise SeatError("Give a mask or LoRA, not both: adapters do not see a mask.")
    if only is not None and (mask is not None or lora is not None):
        raise SeatError("Give parameters to train alone, or a mask or LoRA, not both.")
    if sharded and (mask is not None or lora is not None):
        raise SeatError("Weights are sharded to train all of them: leave `sharded` out with a mask or LoRA.")
    if sharded and (readers := [term.name for term in objective if term.reads_weights]):
        raise SeatError(f"{readers[0]} reads all weights at once, which `sharded` distributes. Leave one of them out.")
    if drift_budget and all(term.is_task_loss for term in objective):
        raise SeatError("A drift budget scales the KL, and this objective has none: give SEAT(), for one.")
    if config.mixed_precision and not bfloat16_is_fast():
        warnings.warn("This processor has no bfloat16 units: mixed_precision makes training far slower.", stacklevel=4)


@dataclass(frozen=True)
class _Training:
    """A training in progress: the copy that is tuned, and everything that a step needs."""

    lm: LanguageModel
    terms: list[tuple[Term, Loss]]
    part_size: int
    parameters: dict[str, nn.Parameter]
    optimiser: torch.optim.Optimizer
    config: TrainConfig
    attached: Attached | Adapted | None


def _begin(
    base: LanguageModel,
    terms: list[tuple[Term, Loss]],
    size: int,
    mask: Mask | None,
    lora: LoRA | None,
    only: Collection[str] | None,
    config: TrainConfig,
    sharded: bool,
) -> _Training:
    """Copy the base and make ready what may change in it."""
    lm = base.copy()
    attached: Attached | Adapted | None = None
    if mask is not None:
        attached = attach(lm.model.requires_grad_(True), mask)
    if lora is not None:
        attached = adapt(lm, lora, seed=config.seed)
    if sharded:
        shard(lm)
    # Tied weights count once.
    parameters = attached.parameters if attached else trainable(lm, only)
    optimiser = torch.optim.AdamW(
        parameters.values(), lr=config.learning_rate, betas=config.betas, weight_decay=config.weight_decay
    )
    return _Training(lm, terms, size, parameters, optimiser, config, attached)


def _end(run: _Training, base: LanguageModel) -> LanguageModel:
    """Merge what was attached, and leave a plain model in evaluation mode."""
    if run.attached:
        run.attached.merge()
    lm = gathered(run.lm, base)
    lm.model.eval()
    lm.model.requires_grad_(True)
    lm.model.zero_grad(set_to_none=True)
    return lm


def _measured(run: _Training, base: LanguageModel, measure: Callable[[LanguageModel], _T]) -> _T:
    """What is measured of the model as it is now, whole and in evaluation mode."""
    run.lm.model.eval()
    value = measure(gathered(run.lm, base))
    run.lm.model.train()
    return value


def _step(run: _Training, batch: list[Draw], step: int, factor: float) -> dict[str, float]:
    """One optimiser step; the factor scales the weights of all terms but the task loss."""
    torch.manual_seed(run.config.seed * 1_000_003 + step)  # dropout, if the model has any
    run.optimiser.zero_grad(set_to_none=True)
    among = processes()
    averaged = is_sharded(run.lm)  # FSDP2 takes the mean of the processes' gradients, which are parts of a sum
    row = {term.name: 0.0 for term, _ in run.terms}
    for start in among.shard(range(0, len(batch), run.part_size)):
        part = batch[start : start + run.part_size]
        for term, loss in run.terms:
            with torch.autocast(run.lm.model.device.type, torch.bfloat16, enabled=run.config.mixed_precision):
                value = loss(run.lm, part) * (len(part) / len(batch))
            weight = term.weight * (1.0 if term.is_task_loss else factor)
            (weight * value * (among.count if averaged else 1)).backward()
            row[term.name] += value.item()
    if among.count > 1:
        row = dict(zip(row, among.all_reduce(torch.tensor(list(row.values()), dtype=torch.float64)).tolist()))
        if not averaged:
            sum_gradients(run.parameters, among)
    if not all(math.isfinite(value) for value in row.values()):
        raise SeatError(f"The loss is not finite at step {step + 1} ({row}). Lower the learning rate.")
    if run.config.clip is not None:
        norm = torch.nn.utils.clip_grad_norm_(run.parameters.values(), run.config.clip)
        row["gradient"] = whole(norm).item()
    for group in run.optimiser.param_groups:
        group["lr"] = run.config.rate(step)
    run.optimiser.step()
    return row


def _batches(count: int, config: TrainConfig) -> Iterator[list[Draw]]:
    """Endless batches: each epoch is a fresh permutation of the facts, and a batch can span two."""
    generator = torch.Generator().manual_seed(config.seed)
    pending: list[Draw] = []
    size = min(config.batch_size, count)
    for epoch in itertools.count():
        pending += [Draw(index, epoch) for index in torch.randperm(count, generator=generator).tolist()]
        while len(pending) >= size:
            yield pending[:size]
            pending = pending[size:]
