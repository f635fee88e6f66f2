"""The compact trainer: one loop for every arm, deterministic, resumable, with a probe that watches while it runs."""

import itertools
import math
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from seat_interp.core.errors import SeatError
from seat_interp.core.processes import processes
from seat_interp.core.progress import progress_bar
from seat_interp.facts import Fact, Names
from seat_interp.masks.attach import Attached, attach
from seat_interp.masks.mask import Mask
from seat_interp.models.hardware import bfloat16_is_fast, without_cudnn_attention
from seat_interp.models.open import LanguageModel
from seat_interp.training._checkpoint import identity_of, resume, save_checkpoint
from seat_interp.training._parallel import gathered, is_sharded, part_size, shard, sum_gradients, whole
from seat_interp.training.config import TrainConfig
from seat_interp.training.drift_budget import DriftBudget, require_terms
from seat_interp.training.freezing import trainable
from seat_interp.training.lora import Adapted, LoRA, adapt
from seat_interp.training.objectives import Draw, Loss, Objective, plain


@dataclass(frozen=True)
class TrainedModel:
    """A tuned copy with its record: one log row a step, one a probe; `share` is what is left of its update."""

    model: LanguageModel
    log: list[dict[str, Any]] = field(default_factory=list, repr=False)
    callback_log: list[dict[str, Any]] = field(default_factory=list, repr=False)
    seconds: float = 0.0
    trained_weights: int = 0
    share: float = 1.0


Callback = Callable[[LanguageModel], dict[str, Any]]


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
        callback: called every `config.callback_every` steps with the model as it is then.
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
    size = part_size(config, len(facts), objective or plain(), processes().count, sharded)
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
        identity = identity_of(config, objective or plain(), facts, mask, lora, only, drift_budget, names, base)
        first, record = resume(checkpoint, identity, parameters, optimiser)
        result = replace(result, **record)
    watch = drift_budget.watch(base, facts, names or Names(), config.seed) if drift_budget else None
    factor = result.log[-1].get("factor", 1.0) if result.log else 1.0
    order = _epochs(len(facts), config)
    began = time.perf_counter()
    lm.model.train()
    first_of_all = processes().rank == 0
    bar = progress_bar(range(config.steps), initial=0, desc=label, unit="step", leave=False, show=first_of_all)
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
        if callback and config.callback_every and (step + 1) % config.callback_every == 0:
            lm.model.eval()
            result.callback_log.append({"step": step + 1, **callback(gathered(lm, base))})
            lm.model.train()
        due = config.checkpoint_every and (step + 1) % config.checkpoint_every == 0
        if checkpoint and (due or step + 1 == config.steps):
            seconds = result.seconds + time.perf_counter() - began
            record = {"log": result.log, "callback_log": result.callback_log, "seconds": seconds}
            save_checkpoint(checkpoint, identity, step + 1, parameters, optimiser, record)
    if attached:
        attached.merge()
    lm = gathered(lm, base)
    lm.model.eval()
    lm.model.requires_grad_(True)
    lm.model.zero_grad(set_to_none=True)
    return replace(result, model=lm, seconds=result.seconds + time.perf_counter() - began)


def _step(
    lm: LanguageModel,
    terms: list[tuple[Any, Loss]],
    weights: list[float],
    draws: list[Draw],
    size: int,
    parameters: dict[str, nn.Parameter],
    optimiser: torch.optim.Optimizer,
    config: TrainConfig,
    step: int,
) -> dict[str, float]:
    optimiser.zero_grad(set_to_none=True)
    among = processes()
    averaged = is_sharded(lm)  # FSDP2 takes the mean of the processes' gradients, which are parts of a sum
    row = {term.name: 0.0 for term, _ in terms}
    for start in among.shard(range(0, len(draws), size)):
        part = draws[start : start + size]
        for (term, loss), weight in zip(terms, weights):
            with torch.autocast(lm.model.device.type, torch.bfloat16, enabled=config.mixed_precision):
                value = loss(lm, part) * (len(part) / len(draws))
            (weight * value * (among.count if averaged else 1)).backward()
            row[term.name] += value.item()
    if among.count > 1:
        row = dict(zip(row, among.all_reduce(torch.tensor(list(row.values()), dtype=torch.float64)).tolist()))
        if not averaged:
            sum_gradients(parameters, among)
    if not all(math.isfinite(value) for value in row.values()):
        raise SeatError(f"The loss is not finite at step {step + 1} ({row}). Lower the learning rate.")
    if config.clip is not None:
        row["gradient"] = whole(torch.nn.utils.clip_grad_norm_(parameters.values(), config.clip)).item()
    for group in optimiser.param_groups:
        group["lr"] = config.rate(step)
    optimiser.step()
    return row


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
