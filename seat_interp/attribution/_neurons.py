"""Scores of MLP neurons: every neuron of every layer in one forward and one backward pass a batch.

Integrated gradients (arXiv 1703.01365) are taken over all gates at once from 0 to 1. They are complete: over all
neurons they sum to the metric with the neurons as they are less the metric with all of them at the baseline.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from seat_interp.attribution._accumulate import accumulate, metric_settings
from seat_interp.attribution._gates import counterfactual_neurons, frozen, gate_gradients, shift_gradients
from seat_interp.attribution._metrics import AnswerLoss, Metric, prepare, prepare_perturbed
from seat_interp.attribution._scores import Scores
from seat_interp.capture import AtToken, Kind, capture
from seat_interp.core.errors import SeatError
from seat_interp.core.processes import processes
from seat_interp.directions.direction import IgnoranceDirection
from seat_interp.facts import Fact
from seat_interp.facts.records import require_facts
from seat_interp.models.axes import neuron_axes
from seat_interp.models.open import LanguageModel
from seat_interp.models.prompts import Example

Run = Callable[[], Float[Tensor, " batch"]]
"""One forward pass over a batch's prompts: a value each."""

Effect = Callable[[Run, int, list[int], list[Tensor] | None], list[Float[Tensor, "batch neurons"]]]
"""(run, prompts in the batch, layers, baseline activations) -> the effect of every neuron on every prompt."""


def attribute(
    lm: LanguageModel,
    facts: Sequence[Fact],
    *,
    metric: Metric | None = None,
    counterfactual: Sequence[Fact] | None = None,
    steps: int | None = None,
    layers: Sequence[int] | None = None,
    absolute: bool = False,
    batch_size: int = 16,
    checkpoint: str | Path | None = None,
) -> Scores:
    """Score every MLP neuron by gradient times activation, or by integrated gradients; mean over the facts.

    A score is the first-order estimate of how much the metric would fall if the neuron were set to the baseline.

    Args:
        lm: Model with its tokenizer.
        facts: Facts to attribute on.
        metric: Metric to attribute; the loss of the facts' answers if not given.
        counterfactual: Entity-perturbed version of each fact, whose activations are the baseline, aligned token by
            token from both ends; without it the baseline is zero.
        steps: Number of steps of integrated gradients, by the midpoint rule; None takes the gradient at the model
            itself. Where a block normalises what its MLP gives (Gemma 2 and 3), the norm undoes a gate at all values
            but zero: from a baseline of zero they are not complete there with any number of steps. Give a
            counterfactual.
        layers: Layers to attribute, the others left as they are; all if not given. One layer's integrated gradients are
            those of Captum's LayerIntegratedGradients.
        absolute: Whether the mean is of sizes, so that facts of opposite sign do not cancel.
        batch_size: Number of facts in a forward pass.
        checkpoint: File to resume from; it is removed at the end.

    Returns:
        One score for each neuron, in the metric's unit.

    Raises:
        SeatError: There are no facts, not one counterfactual for each, or scores are not finite.

    Example:
        >>> scores = si.attribute(lm, facts.known[:4])
        >>> scores.granularity, len(scores.values)
        ('neuron', 4)
    """
    return _score(
        lm,
        facts,
        _along_the_gates(lm, steps),
        metric=metric,
        rule=torch.abs if absolute else None,
        origin={
            "score": "gradient_times_activation" if steps is None else "integrated_gradients",
            "steps": steps,
            "absolute": absolute,
        },
        layers=layers,
        counterfactual=counterfactual,
        batch_size=batch_size,
        checkpoint=checkpoint,
    )


def gate_fisher(
    lm: LanguageModel,
    facts: Sequence[Fact],
    *,
    metric: Metric | None = None,
    batch_size: int = 16,
    checkpoint: str | Path | None = None,
) -> Scores:
    """Score every neuron by the diagonal Fisher information of its gate, the mean squared gradient (arXiv 2204.09656).

    Args:
        lm: Model that is attributed.
        facts: Facts that the score is taken on.
        metric: Metric to score by; the loss of the facts' answers if not given.
        batch_size: Number of facts in a forward pass.
        checkpoint: File to resume from; it is removed at the end.

    Returns:
        One score for each neuron, never negative.
    """
    return _score(
        lm,
        facts,
        lambda run, batch, where, _: gate_gradients(lm, run, batch, where),
        metric=metric,
        rule=torch.square,
        origin={"score": "gate_fisher"},
        batch_size=batch_size,
        checkpoint=checkpoint,
    )


def neuron_gradient(
    lm: LanguageModel,
    facts: Sequence[Fact],
    *,
    metric: Metric | None = None,
    batch_size: int = 16,
    checkpoint: str | Path | None = None,
) -> Scores:
    """Score every neuron by the size of the gradient with respect to its activation, summed over tokens; mean over
    facts.

    Args:
        lm: Model that is attributed.
        facts: Facts that the score is taken on.
        metric: Metric to score by; the loss of the facts' answers if not given.
        batch_size: Number of facts in a forward pass.
        checkpoint: File to resume from; it is removed at the end.

    Returns:
        One score for each neuron, never negative.
    """
    return _score(
        lm,
        facts,
        lambda run, batch, where, _: shift_gradients(lm, run, batch, where),
        metric=metric,
        rule=torch.abs,
        origin={"score": "gradient"},
        batch_size=batch_size,
        checkpoint=checkpoint,
    )


def per_example(
    lm: LanguageModel,
    facts: Sequence[Fact],
    *,
    metric: Metric | None = None,
    counterfactual: Sequence[Fact] | None = None,
    steps: int | None = None,
    batch_size: int = 16,
) -> dict[str, Float[Tensor, "facts neurons"]]:
    """Score every neuron as `attribute` does, for each fact by itself.

    Args:
        lm: Model that is attributed.
        facts: Facts that the score is taken on.
        metric: Metric to score by; the loss of the facts' answers if not given.
        counterfactual: Entity-perturbed version of each fact, whose activations are the baseline; zero without it.
        steps: Number of steps of integrated gradients; None takes the gradient at the model itself.
        batch_size: Number of facts in a forward pass.

    Returns:
        Scores by name of the down projection, [facts, neurons], float32.

    Raises:
        SeatError: As `attribute`.
    """
    metric = metric or AnswerLoss()
    prepared, perturbed = prepare(lm, facts, metric), prepare_perturbed(lm, facts, metric, counterfactual)
    kept = {f"{mlp.down}.weight": torch.zeros(len(facts), mlp.neurons) for mlp in lm.sites.mlps}
    effect, where = _along_the_gates(lm, steps), list(range(lm.sites.n_layers))

    def visit(batch: Sequence[Example], indices: Sequence[int]) -> dict[str, Tensor]:
        baseline = counterfactual_neurons(lm, batch, [perturbed[i] for i in indices]) if perturbed is not None else None
        per_layer = effect(lambda: prepared.values(batch, indices), len(batch), where, baseline)
        for rows, of_matrix in zip(kept.values(), per_layer):
            rows[list(indices)] = of_matrix.cpu()
        return {}

    with frozen(lm):
        accumulate(prepared, visit, batch_size=batch_size, label="Attributing")
    return {name: processes().all_reduce(rows) for name, rows in kept.items()}  # each process has filled its own


def weight_norm(lm: LanguageModel) -> Scores:
    """Score every neuron by the Euclidean length of its weights: rows of the up projections and a column of the down
    one.

    Args:
        lm: Model with its tokenizer.

    Returns:
        One score for each neuron; no facts are used.
    """
    squares = {name: lm.model.get_parameter(name).detach().float().cpu().square()
               for layer in neuron_axes(lm) for name in layer}  # fmt: skip
    summed = Scores("coordinate", squares, {"score": "weight_norm", "model": lm.fingerprint}).per_neuron(lm)
    return summed.map(torch.sqrt)


def activation_difference(
    lm: LanguageModel, *, unknown: Sequence[Fact], known: Sequence[Fact], batch_size: int = 32
) -> Scores:
    """Score every neuron by its mean activation at the last prompt token on unknown facts less that on known ones.

    It uses evaluation data, and its origin says so.

    Args:
        lm: Model that is attributed.
        unknown: Facts that the model does not know.
        known: Facts that it answers right.
        batch_size: Number of prompts in a forward pass.

    Returns:
        One signed score for each neuron.

    Raises:
        TypeError: An argument is no list of facts.
    """
    require_facts(unknown=unknown, known=known)
    means = [
        capture(lm, [fact.question for fact in facts], kind=Kind.NEURONS, reduce=AtToken(-1), batch_size=batch_size)
        .values.double()
        .mean(0)
        for facts in (unknown, known)
    ]
    values = (means[0] - means[1]).float()
    origin = {"score": "activation_difference", "uses_evaluation_data": True, "model": lm.fingerprint}
    return Scores("neuron", {f"{mlp.down}.weight": row for mlp, row in zip(lm.sites.mlps, values)}, origin)


def output_alignment(lm: LanguageModel, direction: IgnoranceDirection) -> Scores:
    """Score every neuron by the cosine of its output vector (a column of the down projection) with its layer's
    direction.

    Args:
        lm: Model with its tokenizer.
        direction: Direction fitted on a model of this architecture.

    Returns:
        One score for each neuron, from -1 to 1.

    Raises:
        SeatError: The direction is of another architecture.
    """
    direction.require_fits(lm)
    values = {}
    for layer, (mlp, axes) in enumerate(zip(lm.sites.mlps, neuron_axes(lm))):
        name = f"{mlp.down}.weight"
        weight = lm.model.get_parameter(name).detach().double().cpu()
        columns = weight.T if axes[name].axis == 1 else weight
        values[name] = nn.functional.cosine_similarity(columns, direction.vectors[layer], dim=-1).float()
    return Scores(
        "neuron", values, {"score": "output_alignment", "uses_evaluation_data": True, "model": lm.fingerprint}
    )


def _along_the_gates(lm: LanguageModel, steps: int | None) -> Effect:
    """Gradients of the gates where the model stands, or their mean on the way from the baseline."""
    if steps is not None and steps < 1:
        raise SeatError(f"Integrated gradients over {steps} steps: take 1 or more.")
    points = [1.0] if steps is None else [(step + 0.5) / steps for step in range(steps)]

    def effect(run: Run, batch: int, where: list[int], baseline: list[Tensor] | None) -> list[Tensor]:
        per_point = [gate_gradients(lm, run, batch, where, at, baseline) for at in points]
        return [torch.stack(gradients).mean(0) for gradients in zip(*per_point)]

    return effect


def _score(
    lm: LanguageModel,
    facts: Sequence[Fact],
    effect: Effect,
    *,
    metric: Metric | None,
    rule: Callable[[Tensor], Tensor] | None,
    origin: dict[str, Any],
    layers: Sequence[int] | None = None,
    counterfactual: Sequence[Fact] | None = None,
    batch_size: int,
    checkpoint: str | Path | None,
) -> Scores:
    """Mean over the facts of each neuron's effect, or of the rule applied to it."""
    metric = metric or AnswerLoss()
    prepared, perturbed = prepare(lm, facts, metric), prepare_perturbed(lm, facts, metric, counterfactual)
    where = lm.sites.layer_list(layers)
    names = [f"{lm.sites.mlps[layer].down}.weight" for layer in where]

    def visit(batch: Sequence[Example], indices: Sequence[int]) -> dict[str, Tensor]:
        baseline = counterfactual_neurons(lm, batch, [perturbed[i] for i in indices]) if perturbed is not None else None
        effects = effect(lambda: prepared.values(batch, indices), len(batch), where, baseline)
        return {name: (rule(values) if rule else values).sum(0).cpu() for name, values in zip(names, effects)}

    described = {
        **origin,
        "metric": metric.name,
        "uses_evaluation_data": metric.uses_evaluation_data,
        "facts": len(facts),
        "layers": where,
        "counterfactual": counterfactual is not None,
        "model": lm.fingerprint,
    }
    ids = [example.ids for example in perturbed] if perturbed else None
    identity = described | {"settings": metric_settings(metric), "perturbed": ids}
    with frozen(lm):
        sums = accumulate(
            prepared, visit, batch_size=batch_size, label="Attributing", checkpoint=checkpoint, identity=identity
        )
    return Scores("neuron", {name: total / len(facts) for name, total in sums.items()}, described)
