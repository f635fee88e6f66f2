"""Which weights of an update did the learning, and which did the harm: integrated gradients over the update."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from seat_interp.attribution._accumulate import identity_of, metric_settings
from seat_interp.attribution._metrics import AnswerLoss, Metric, Prepared
from seat_interp.attribution._scores import Scores
from seat_interp.attribution._weights import weight_gradient
from seat_interp.core.errors import SeatError
from seat_interp.core.ledger import Checkpoint
from seat_interp.facts import Fact
from seat_interp.models.axes import Granularity, coordinate_axes
from seat_interp.models.open import LanguageModel, require_same_architecture

CHECKPOINT = "seat_interp.update_effect_checkpoint"


@torch.no_grad()
def update_effect(
    *,
    base: LanguageModel,
    tuned: LanguageModel,
    facts: Sequence[Fact],
    metric: Metric | None = None,
    granularity: Granularity = "coordinate",
    steps: int = 4,
    batch_size: int = 16,
    checkpoint: str | Path | None = None,
) -> Scores:
    """Score each weight by what its change did to a metric: its change times the mean gradient on the way from base to
    tuned.

    These are integrated gradients (arXiv 1703.01365) over weights instead of inputs. They are complete: over all
    weights of the MLP and attention matrices they sum to the metric with these matrices tuned less the metric of the
    base. The other weights (embeddings, norms, biases) stay the base's on the way. A short dense fine-tuning on the
    target facts is enough of a tuned model; its answer loss shows what learns them, its KL to the base on other prompts
    what harms them.

    Args:
        base: Model where the update begins.
        tuned: Model where it ends.
        facts: Facts that the metric is taken on.
        metric: Metric; the loss of the facts' answers if not given.
        granularity: Granularity of the scores; a neuron's is the sum over its own weights.
        steps: Number of points on the way, by the midpoint rule.
        batch_size: Number of facts in a forward pass.
        checkpoint: File for the gradients so far, written at every point, resumed from and removed at the end.

    Returns:
        Mean over facts, with sign, in the metric's unit; negative where the change lowered the metric.

    Raises:
        SeatError: There are no facts, the models are of different shapes or without any difference, scores are not
        finite, or the checkpoint is of other settings.

    Example:
        >>> config = si.TrainConfig(steps=2, batch_size=4)
        >>> tuned = si.train(lm, facts.target[:4], config=config).model
        >>> si.update_effect(base=lm, tuned=tuned, facts=facts.target[:4], steps=1).granularity
        'coordinate'
    """
    require_same_architecture(base.fingerprint, tuned.architecture, "The base")
    if steps < 1:
        raise SeatError(f"Integrated gradients over {steps} steps: take 1 or more.")
    metric = metric or AnswerLoss()
    way = base.copy()
    once = _Once(metric.name, metric.uses_evaluation_data, metric.prepare(way, facts))
    change = {name: tuned.model.get_parameter(name) - base.model.get_parameter(name) for name in coordinate_axes(base)}
    origin = {"score": "update_effect", "steps": steps, "metric": metric.name, "facts": len(facts)}
    origin |= {"uses_evaluation_data": metric.uses_evaluation_data, "model": base.fingerprint}
    settings = origin | {"tuned": tuned.fingerprint, "settings": metric_settings(metric)}
    saved = Checkpoint(checkpoint, CHECKPOINT, identity_of(once.prepared, batch_size, settings))
    if not any(bool(delta.any()) for delta in change.values()):
        raise SeatError("The tuned model is the base itself in every MLP and attention matrix: nothing was changed.")
    total, header = saved.load() or ({}, {"done": 0})
    total = total or {name: torch.zeros(delta.shape) for name, delta in change.items()}
    for step in range(header["done"], steps):
        for name, delta in change.items():
            way.model.get_parameter(name).copy_(base.model.get_parameter(name) + (step + 0.5) / steps * delta)
        with torch.enable_grad():
            gradients = weight_gradient(way, facts, metric=once, batch_size=batch_size)
        for name, gradient in gradients.values.items():
            total[name] += gradient / steps
        saved.save(total, done=step + 1)
    saved.remove()
    scores = Scores("coordinate", {name: total[name] * delta.float().cpu() for name, delta in change.items()}, origin)
    return scores.per_neuron(base) if granularity == "neuron" else scores


@dataclass(frozen=True)
class _Once:
    """A metric that has been prepared: asked for again at every step, it answers the same."""

    name: str
    uses_evaluation_data: bool
    prepared: Prepared

    def prepare(self, lm: LanguageModel, facts: Sequence[Fact]) -> Prepared:
        return self.prepared
