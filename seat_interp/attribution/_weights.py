"""Scores of single weights of the MLP and attention matrices, from gradients taken matrix by matrix.

One forward and one backward pass a batch. Per-example gradients are formed one at a time from a matrix's inputs and
the gradients of its outputs while the backward pass goes through it, so that squares and sizes are those of single
facts, at the memory of the running sums.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from seat_interp.attribution._accumulate import accumulate, metric_settings
from seat_interp.attribution._gates import frozen
from seat_interp.attribution._metrics import AnswerLoss, Metric, ReplyLoss
from seat_interp.attribution._neurons import gate_fisher
from seat_interp.attribution._scores import Scores
from seat_interp.capture import hooked
from seat_interp.core.errors import SeatError
from seat_interp.facts import Fact
from seat_interp.models.axes import Granularity, coordinate_axes
from seat_interp.models.hardware import without_cudnn_attention
from seat_interp.models.open import LanguageModel
from seat_interp.models.prompts import Example
from seat_interp.models.sites import output_axis

Rule = Callable[[Tensor], Tensor]


def weight_fisher(
    lm: LanguageModel,
    facts: Sequence[Fact],
    *,
    metric: Metric | None = None,
    batch_size: int = 16,
    checkpoint: str | Path | None = None,
) -> Scores:
    """Score every weight by its empirical Fisher information, the mean squared gradient (FISH, arXiv 2111.09839).

    Args:
        lm: Model that is attributed.
        facts: Facts that the score is taken on.
        metric: Metric to score by; the loss of the facts' answers if not given.
        batch_size: Number of facts in a forward pass.
        checkpoint: File to resume from; it is removed at the end.

    Returns:
        One score for each weight, never negative.

    Raises:
        SeatError: There are no facts, or scores are not finite.
    """
    return _score(lm, facts, metric, "fisher", torch.square, batch_size, checkpoint)


def weight_gradient(
    lm: LanguageModel,
    facts: Sequence[Fact],
    *,
    metric: Metric | None = None,
    batch_size: int = 16,
    checkpoint: str | Path | None = None,
) -> Scores:
    """Score every weight by the gradient of the mean metric, with its sign; `.abs()` is its magnitude (SIFT, SNIP).

    Args:
        lm: Model that is attributed.
        facts: Facts that the score is taken on.
        metric: Metric to score by; the loss of the facts' answers if not given.
        batch_size: Number of facts in a forward pass.
        checkpoint: File to resume from; it is removed at the end.

    Returns:
        One score for each weight.

    Raises:
        SeatError: There are no facts, or scores are not finite.
    """
    return _score(lm, facts, metric, "gradient", None, batch_size, checkpoint)


def gradient_times_weight(
    lm: LanguageModel,
    facts: Sequence[Fact],
    *,
    metric: Metric | None = None,
    batch_size: int = 16,
    checkpoint: str | Path | None = None,
) -> Scores:
    """Score every weight by |gradient x weight|, the first-order change of the metric without it (SNIP, 1810.02340).

    Args:
        lm: Model that is attributed.
        facts: Facts that the score is taken on.
        metric: Metric to score by; the loss of the facts' answers if not given.
        batch_size: Number of facts in a forward pass.
        checkpoint: File to resume from; it is removed at the end.

    Returns:
        One score for each weight, never negative.

    Raises:
        SeatError: There are no facts, or scores are not finite.
    """
    gradients = weight_gradient(lm, facts, metric=metric, batch_size=batch_size, checkpoint=checkpoint)
    values = {n: (g * lm.model.get_parameter(n).detach().float().cpu()).abs() for n, g in gradients.values.items()}
    return Scores("coordinate", values, {**gradients.origin, "score": "gradient_times_weight"})


def weight_magnitude(lm: LanguageModel) -> Scores:
    """Score every weight by its size: the control that uses no facts.

    Args:
        lm: Model with its tokenizer.

    Returns:
        One score for each weight.
    """
    values = {name: lm.model.get_parameter(name).detach().float().abs().cpu() for name in coordinate_axes(lm)}
    return Scores("coordinate", values, {"score": "weight_magnitude", "model": lm.fingerprint})


@without_cudnn_attention()
def _score(
    lm: LanguageModel,
    facts: Sequence[Fact],
    metric: Metric | None,
    name: str,
    rule: Rule | None,
    batch_size: int,
    checkpoint: str | Path | None,
) -> Scores:
    if not facts:
        raise SeatError("There are no facts to attribute on: the set is empty.")
    metric = metric or AnswerLoss()
    prepared = metric.prepare(lm, facts)
    matrices = list(coordinate_axes(lm))

    def visit(batch: Sequence[Example], indices: Sequence[int]) -> dict[str, Tensor]:
        totals: dict[str, Tensor] = {}

        def hooks() -> Iterator[Any]:
            for matrix in matrices:
                module = lm.model.get_submodule(matrix.removesuffix(".weight"))
                yield module.register_forward_hook(_watch(matrix, len(batch), rule, totals))
            # The graph begins at the embeddings: no weight is asked for a gradient of its own.
            inputs = lm.model.get_input_embeddings()
            yield inputs.register_forward_hook(lambda module, args, output: output.requires_grad_())

        with hooked(hooks()):
            prepared.values(batch, indices).sum().backward()
        return {matrix: grad.cpu() for matrix, grad in totals.items()}

    origin = {
        "score": name,
        "metric": metric.name,
        "uses_evaluation_data": metric.uses_evaluation_data,
        "facts": len(facts),
        "model": lm.fingerprint,
    }
    identity = origin | {"settings": metric_settings(metric)}
    with frozen(lm):
        sums = accumulate(
            prepared, visit, batch_size=batch_size, label="Attributing", checkpoint=checkpoint, identity=identity
        )
    values = {matrix: sums.get(matrix, torch.zeros(lm.model.get_parameter(matrix).shape)) for matrix in matrices}
    return Scores("coordinate", {matrix: value / len(facts) for matrix, value in values.items()}, origin)


def _watch(matrix: str, batch: int, rule: Rule | None, sums: dict[str, Tensor]):
    def hook(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> None:
        if not output.requires_grad:
            return
        read = args[0].detach()

        def add(above: Tensor) -> None:
            rows = (read.reshape(batch, -1, read.shape[-1]), above.reshape(batch, -1, above.shape[-1]))
            left, right = rows if output_axis(module) else rows[::-1]
            if rule is None:
                total = left.flatten(0, 1).T.float() @ right.flatten(0, 1).float()
            else:
                total = sum(rule(one.T.float() @ other.float()) for one, other in zip(left, right))
            sums[matrix] = sums[matrix] + total if matrix in sums else total

        output.register_hook(add)

    return hook


def harm(
    lm: LanguageModel,
    kept: Sequence[Fact],
    *,
    granularity: Granularity = "neuron",
    batch_size: int = 16,
    checkpoint: str | Path | None = None,
) -> Scores:
    """Compute the Fisher information of the model's own replies: how much its behaviour on these prompts would change.

    Args:
        lm: Base model.
        kept: Prompts to keep, such as `ep_prompts(...)` and `confident(...)`.
        granularity: Granularity of the scores; a neuron's is that of its gate.
        batch_size: Number of facts in a forward pass.
        checkpoint: File to resume from; it is removed at the end.

    Returns:
        One score for each neuron or weight.

    Raises:
        SeatError: There are no prompts.
    """
    if not kept:
        raise SeatError("There are no prompts whose replies must stay. Give some, or select without protection.")
    fisher = gate_fisher if granularity == "neuron" else weight_fisher
    return fisher(lm, kept, metric=ReplyLoss(), batch_size=batch_size, checkpoint=checkpoint)
