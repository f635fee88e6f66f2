"""Which score to trust: rank correlation with what ablation of the neurons really does to the metric."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import spearmanr
from torch import Tensor

from seat_interp.attribution._gates import changed_neurons, counterfactual_neurons, frozen
from seat_interp.attribution._metrics import AnswerLoss, Metric, prepare, prepare_perturbed
from seat_interp.attribution._scores import Scores
from seat_interp.core.errors import SeatError
from seat_interp.core.progress import progress_bar
from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel
from seat_interp.models.prompts import batches_by_length


@dataclass(frozen=True)
class Ablation:
    """Effect of the exact ablation of a sample of neurons.

    Attributes:
        model: Fingerprint of the model.
        single: Index of each neuron that was ablated alone, among all neurons, layer after layer.
        groups: Indices of each group.
        effects: Fall of the mean metric for each single neuron, in the metric's units.
        group_effects: Fall of the mean metric for each group.
        neurons: Number of neurons of the model.

    Example:
        >>> ablation = si.ablate_sample(lm, facts.known[:4], neurons=5, groups=2, group_size=3)
        >>> len(ablation.effects), len(ablation.group_effects)
        (5, 2)
    """

    model: Mapping[str, Any]
    single: list[list[int]] = field(repr=False)
    groups: list[list[int]] = field(repr=False)
    effects: list[float] = field(repr=False)
    group_effects: list[float] = field(repr=False)
    neurons: int


@dataclass(frozen=True)
class Fidelity:
    """Agreement of a score with ablation.

    Attributes:
        single: Spearman correlation of score and effect over single neurons.
        grouped: Spearman correlation over random groups of neurons, ablated together and scored by their sum.
        effects: Effects of the single neurons, mean over facts, in the metric's units.
        scores: Scores of the same neurons.
        group_effects: Effects of the groups.
        group_scores: Sums of the groups' scores.
    """

    single: float
    grouped: float
    effects: list[float] = field(repr=False)
    scores: list[float] = field(repr=False)
    group_effects: list[float] = field(repr=False)
    group_scores: list[float] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return the fields for result files.

        Returns:
            JSON object.
        """
        return asdict(self)


@torch.no_grad()
def ablation_effects(
    lm: LanguageModel,
    facts: Sequence[Fact],
    groups: Sequence[Sequence[int]],
    *,
    metric: Metric | None = None,
    counterfactual: Sequence[Fact] | None = None,
    batch_size: int = 64,
    progress: bool = True,
) -> Float[Tensor, " groups"]:
    """Measure the fall of the mean metric when the neurons of each group are set to zero: exact, a pass a group and
    batch.

    With a counterfactual they are given its activations instead (activation patching).

    Args:
        lm: Model with its tokenizer.
        facts: Facts that the metric is taken on.
        groups: Indices of each group's neurons among all neurons, layer after layer.
        metric: Metric to score by; the loss of the facts' answers if not given.
        counterfactual: Entity-perturbed version of each fact, as for `attribute`; its run is kept, of all neurons and
            tokens.
        batch_size: Number of facts in a forward pass.
        progress: Whether a progress bar is shown.

    Returns:
        Fall of the metric, [groups], in its units.

    Raises:
        SeatError: There are no facts, or not one counterfactual for each.
    """
    metric = metric or AnswerLoss()
    prepared, perturbed = prepare(lm, facts, metric), prepare_perturbed(lm, facts, metric, counterfactual)
    ends = np.cumsum([mlp.neurons for mlp in lm.sites.mlps])
    starts = ends - [mlp.neurons for mlp in lm.sites.mlps]
    batches = batches_by_length([len(example.ids) for example in prepared.examples], batch_size)

    def baseline(indices: Sequence[int]) -> list[Tensor] | None:
        if perturbed is None:
            return None
        return counterfactual_neurons(lm, [prepared.examples[i] for i in indices], [perturbed[i] for i in indices])

    def mean(off: Sequence[int]) -> float:
        by_layer = [
            torch.tensor([n - low for n in off if low <= n < high], dtype=torch.long) for low, high in zip(starts, ends)
        ]

        def change(layer: int, hidden: Tensor, instead: list[Tensor] | None) -> Tensor:
            neurons = by_layer[layer].to(hidden.device)
            if not len(neurons):
                return hidden
            return hidden.index_copy(
                -1, neurons, instead[layer][..., neurons] if instead else torch.zeros_like(hidden[..., neurons])
            )

        total = 0.0
        for indices, instead in zip(batches, baselines):
            with changed_neurons(lm, partial(change, instead=instead), len(indices)):
                total += float(prepared.values([prepared.examples[i] for i in indices], indices).double().sum())
        return total / len(facts)

    with frozen(lm):
        baselines = [baseline(indices) for indices in batches]
        whole = mean([])
        bar = progress_bar(groups, desc="Ablating", unit="group", leave=False, show=progress)
        return torch.tensor([whole - mean(group) for group in bar], dtype=torch.float64)


def ablate_sample(
    lm: LanguageModel,
    facts: Sequence[Fact],
    *,
    metric: Metric | None = None,
    counterfactual: Sequence[Fact] | None = None,
    neurons: int = 300,
    groups: int = 100,
    group_size: int = 20,
    seed: int = 0,
    batch_size: int = 64,
) -> Ablation:
    """Ablate a random sample of neurons one by one, and random groups of neurons together.

    Args:
        lm: Model with its tokenizer.
        facts: Facts that the metric is measured on: those of the scores, or others for a harder test.
        metric: Metric; the loss of the facts' answers if not given.
        counterfactual: Entity-perturbed version of each fact, whose activations replace zero.
        neurons: Number of single neurons.
        groups: Number of groups.
        group_size: Number of neurons in a group.
        seed: Seed of the draw.
        batch_size: Number of facts in a forward pass.

    Returns:
        Effects of the neurons and of the groups.

    Example:
        >>> si.ablate_sample(lm, facts.known[:4], neurons=5, groups=2, group_size=3).neurons
        2048
    """
    total = lm.sites.neurons
    rng = np.random.default_rng(seed)
    single = [[int(n)] for n in rng.choice(total, size=min(neurons, total), replace=False)]
    several = [rng.choice(total, size=min(group_size, total), replace=False).tolist() for _ in range(groups)]
    effects = ablation_effects(
        lm, facts, single + several, metric=metric, counterfactual=counterfactual, batch_size=batch_size
    ).tolist()
    return Ablation(lm.fingerprint, single, several, effects[: len(single)], effects[len(single) :], total)


def fidelity(scores: Scores, ablation: Ablation, *, sizes: bool = False) -> Fidelity:
    """Compare a score of neurons with what ablation does.

    Args:
        scores: Score of each neuron, signed if the effect is wanted with its sign; many scores can be compared with one
            ablation.
        ablation: Effects on a sample, as `ablate_sample` gives them.
        sizes: Whether the sizes of the effects are compared, without their signs: for scores that have none.

    Returns:
        Spearman correlations, with what they are over.

    Raises:
        SeatError: The scores are of single weights, of some layers alone, or of another model.

    Example:
        >>> scores = si.attribute(lm, facts.known[:4])
        >>> ablation = si.ablate_sample(lm, facts.known[:4], neurons=8, groups=4, group_size=3)
        >>> -1 <= si.fidelity(scores, ablation).grouped <= 1
        True
    """
    if scores.granularity != "neuron":
        raise SeatError("Fidelity is of neurons: take `scores.per_neuron(lm)` first.")
    flat = scores.flat()
    if scores.origin.get("model", ablation.model) != ablation.model:
        raise SeatError("The scores and the ablation are of different models. Make both on the same one.")
    if len(flat) != ablation.neurons:
        raise SeatError(f"These are scores of {len(flat)} of {ablation.neurons} neurons. Score every layer.")
    rule = abs if sizes else float
    predicted, several = ([float(flat[g].sum()) for g in part] for part in (ablation.single, ablation.groups))
    effects, group_effects = ([rule(e) for e in part] for part in (ablation.effects, ablation.group_effects))
    return Fidelity(
        single=float(spearmanr(predicted, effects).statistic),
        grouped=float(spearmanr(several, group_effects).statistic),
        effects=effects,
        scores=predicted,
        group_effects=group_effects,
        group_scores=several,
    )
