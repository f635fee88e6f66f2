"""Which score to trust: rank correlation with what ablation of the neurons really does to the metric."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import spearmanr
from torch import Tensor
from tqdm import tqdm

from seat_interp.attribution.gates import changed_neurons, frozen
from seat_interp.attribution.metrics import AnswerLoss, Metric
from seat_interp.attribution.scores import Scores
from seat_interp.errors import SeatError
from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel


@dataclass(frozen=True)
class Fidelity:
    """How well a score predicts ablation.

    Attributes:
        single: Spearman correlation of score and effect over single neurons.
        grouped: the same over random groups of neurons, ablated together and scored by their sum.
        effects: of the single neurons, mean over facts, in the metric's units.
        scores: of the same neurons.
        group_effects, group_scores: of the groups.
    """

    single: float
    grouped: float
    effects: list[float]
    scores: list[float]
    group_effects: list[float]
    group_scores: list[float]

    def to_json(self) -> dict[str, Any]:
        """For result files."""
        return asdict(self)


@torch.no_grad()
def ablation_effects(
    lm: LanguageModel,
    facts: Sequence[Fact],
    groups: Sequence[Sequence[int]],
    *,
    metric: Metric | None = None,
    batch_size: int = 64,
    progress: bool = True,
) -> Float[Tensor, " groups"]:
    """Fall of the mean metric when the neurons of each group are set to zero: exact, one pass a group and batch.

    Args:
        lm: the model.
        facts: what the metric is measured on.
        groups: neurons by their place among all neurons, layer after layer.
        metric: the loss of the facts' answers if not given.
        batch_size: facts a pass.
        progress: show a bar.
    """
    prepared = (metric or AnswerLoss()).prepare(lm, facts)
    ends = np.cumsum([mlp.neurons for mlp in lm.sites.mlps])
    starts = ends - [mlp.neurons for mlp in lm.sites.mlps]
    order = sorted(range(len(facts)), key=lambda index: len(prepared.examples[index].ids))
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]

    def mean(off: Sequence[int]) -> float:
        by_layer = [
            torch.tensor([n - low for n in off if low <= n < high], dtype=torch.long) for low, high in zip(starts, ends)
        ]

        def change(layer: int, hidden: Tensor) -> Tensor:
            return hidden.index_fill(-1, by_layer[layer].to(hidden.device), 0.0) if len(by_layer[layer]) else hidden

        total = 0.0
        for indices in batches:
            with changed_neurons(lm, change, len(indices)):
                total += float(prepared.values([prepared.examples[i] for i in indices], indices).double().sum())
        return total / len(facts)

    with frozen(lm):
        whole = mean([])
        bar = tqdm(groups, desc="Ablating", unit="group", leave=False, disable=not progress)
        return torch.tensor([whole - mean(group) for group in bar], dtype=torch.float64)


def fidelity(
    lm: LanguageModel,
    facts: Sequence[Fact],
    scores: Scores,
    *,
    metric: Metric | None = None,
    neurons: int = 300,
    groups: int = 100,
    group_size: int = 20,
    seed: int = 0,
    batch_size: int = 64,
) -> Fidelity:
    """Compare a score of neurons with exact ablation of a random sample of them, and of random groups.

    Args:
        lm: the model.
        facts: what the metric is measured on; the facts of the score, or others for a harder test.
        scores: per neuron, signed if the effect is wanted with its sign.
        metric: what the score is of.
        neurons: single neurons to ablate.
        groups: groups to ablate.
        group_size: neurons a group.
        seed: of the draw.
        batch_size: facts a pass.

    Raises:
        SeatError: scores of single weights, or of another model.
    """
    if scores.granularity != "neuron":
        raise SeatError("Fidelity is of neurons: take `scores.per_neuron(lm)` first.")
    scores.require_fits(lm)
    flat = scores.flat()
    rng = np.random.default_rng(seed)
    single = [[int(n)] for n in rng.choice(len(flat), size=min(neurons, len(flat)), replace=False)]
    several = [rng.choice(len(flat), size=min(group_size, len(flat)), replace=False).tolist() for _ in range(groups)]
    effects = ablation_effects(lm, facts, single + several, metric=metric, batch_size=batch_size).tolist()
    predicted = [float(flat[group].sum()) for group in single + several]
    cut = len(single)
    return Fidelity(
        single=float(spearmanr(predicted[:cut], effects[:cut]).statistic),
        grouped=float(spearmanr(predicted[cut:], effects[cut:]).statistic),
        effects=effects[:cut],
        scores=predicted[:cut],
        group_effects=effects[cut:],
        group_scores=predicted[cut:],
    )
