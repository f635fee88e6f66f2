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
    base: LanguageModel,
    tuned: LanguageModel,
    facts: Sequence[Fact],
    *,
    metric: Metric | None = None,
    granularity: Granularity = "coordinate",
    steps: int = 4,
    batch_size: int = 16,
    checkpoint: str | Path | None = None,
) -> Scores:
    """What the change of each weight did to a metric: its change times the mean gradient on the way from base to tuned.

    Integrated gradients (arXiv 1703.01365) over weights instead of inputs. Complete: over all weights of the MLP and
    attention matrices they sum to the metric with these matrices tuned less the metric of the base. The other weights
    (embeddings, norms, biases) stay the base's on the way. A short dense fine-tuning on the target facts is enough of
    a tuned model; its answer loss tells what learns them, its KL to the base on other prompts what harms them.

    Args:
        base: where the update begins.
        tuned: where it ends.
        facts: what the metric is taken on.
        metric: the loss of the facts' answers if not given.
        granularity: of the scores; a neuron's is the sum over its own weights.
        steps: points on the way, by the midpoint rule.
        batch_size: facts a pass.
        checkpoint: a file for the gradients so far, written at every point, taken up again and removed at the end.

    Returns:
        Mean over facts, with sign, in the metric's unit; negative where the change lowered the metric.

    Raises:
        SeatError: no facts, models of different shapes or without any difference, scores that are not finite, or a
            checkpoint of other settings.
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
    if not any(bool(each.any()) for each in change.values()):
        raise SeatError("The tuned model is the base itself in every MLP and attention matrix: nothing was changed.")
    total, header = saved.load() or ({}, {"done": 0})
    total = total or {name: torch.zeros(each.shape) for name, each in change.items()}
    for step in range(header["done"], steps):
        for name, each in change.items():
            way.model.get_parameter(name).copy_(base.model.get_parameter(name) + (step + 0.5) / steps * each)
        with torch.enable_grad():
            found = weight_gradient(way, facts, metric=once, batch_size=batch_size)
        for name, gradient in found.values.items():
            total[name] += gradient / steps
        saved.save(total, done=step + 1)
    saved.remove()
    scores = Scores("coordinate", {name: total[name] * each.float().cpu() for name, each in change.items()}, origin)
    return scores.per_neuron(base) if granularity == "neuron" else scores


@dataclass(frozen=True)
class _Once:
    """A metric that has been prepared: asked for again at every step, it answers the same."""

    name: str
    uses_evaluation_data: bool
    prepared: Prepared

    def prepare(self, lm: LanguageModel, facts: Sequence[Fact]) -> Prepared:
        return self.prepared
