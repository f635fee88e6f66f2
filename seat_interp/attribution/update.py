"""Which weights of an update did the learning, and which did the harm: integrated gradients over the update."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from seat_interp.attribution.metrics import AnswerLoss, Metric, Prepared
from seat_interp.attribution.scores import Scores
from seat_interp.attribution.weights import weight_gradient
from seat_interp.errors import SeatError
from seat_interp.facts import Fact
from seat_interp.masks.mask import coordinate_extents
from seat_interp.models.open import LanguageModel, require_same_architecture


@torch.no_grad()
def update_effect(
    base: LanguageModel,
    tuned: LanguageModel,
    facts: Sequence[Fact],
    *,
    metric: Metric | None = None,
    steps: int = 4,
    batch_size: int = 16,
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
        steps: points on the way, by the midpoint rule.
        batch_size: facts a pass.

    Returns:
        Mean over facts, with sign, in the metric's unit; negative where the change lowered the metric.

    Raises:
        SeatError: no facts, models of different shapes, or scores that are not finite.
    """
    require_same_architecture(base.fingerprint, tuned, "The base")
    if steps < 1:
        raise SeatError(f"Integrated gradients over {steps} steps: take 1 or more.")
    metric = metric or AnswerLoss()
    way = base.copy()
    once = _Once(metric.name, metric.prepare(way, facts))
    change = {
        name: tuned.model.get_parameter(name) - base.model.get_parameter(name) for name in coordinate_extents(base)
    }
    total = {name: torch.zeros(each.shape) for name, each in change.items()}
    for step in range(steps):
        for name, each in change.items():
            way.model.get_parameter(name).copy_(base.model.get_parameter(name) + (step + 0.5) / steps * each)
        with torch.enable_grad():
            found = weight_gradient(way, facts, metric=once, batch_size=batch_size)
        for name, gradient in found.values.items():
            total[name] += gradient / steps
    values = {name: total[name] * each.float().cpu() for name, each in change.items()}
    origin = {"score": "update_effect", "steps": steps, "metric": metric.name, "facts": len(facts)}
    return Scores("coordinate", values, origin | {"model": base.fingerprint})


@dataclass(frozen=True)
class _Once:
    """A metric that has been prepared: asked for again at every step, it answers the same."""

    name: str
    prepared: Prepared

    def prepare(self, lm: LanguageModel, facts: Sequence[Fact]) -> Prepared:
        return self.prepared
