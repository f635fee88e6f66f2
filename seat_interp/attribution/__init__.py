"""How much each neuron and each weight matters for a metric: what masks are selected by."""

from seat_interp.attribution.fidelity import Ablation, Fidelity, ablate_sample, ablation_effects, fidelity
from seat_interp.attribution.metrics import (
    AbstentionLogOdds,
    AnswerLoss,
    DirectionProjection,
    KLToBase,
    Metric,
    ReplyLoss,
)
from seat_interp.attribution.neurons import (
    activation_difference,
    attribute,
    gate_fisher,
    neuron_gradient,
    output_alignment,
    per_example,
    weight_norm,
)
from seat_interp.attribution.scores import Scores, average
from seat_interp.attribution.update import update_effect
from seat_interp.attribution.weights import gradient_times_weight, weight_fisher, weight_gradient, weight_magnitude

__all__ = [
    "Ablation",
    "AbstentionLogOdds",
    "AnswerLoss",
    "DirectionProjection",
    "Fidelity",
    "KLToBase",
    "Metric",
    "ReplyLoss",
    "Scores",
    "ablate_sample",
    "ablation_effects",
    "activation_difference",
    "attribute",
    "average",
    "fidelity",
    "gate_fisher",
    "gradient_times_weight",
    "neuron_gradient",
    "output_alignment",
    "per_example",
    "update_effect",
    "weight_fisher",
    "weight_gradient",
    "weight_magnitude",
    "weight_norm",
]
