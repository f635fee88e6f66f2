"""How much each neuron and each weight matters for a metric: what masks are selected by."""

from seat_interp.attribution._fidelity import Ablation, Fidelity, ablate_sample, ablation_effects, fidelity
from seat_interp.attribution._metrics import (
    AbstentionLogOdds,
    AnswerLoss,
    DirectionProjection,
    KLToBase,
    Metric,
    Prepared,
    ReplyLoss,
)
from seat_interp.attribution._neurons import (
    activation_difference,
    attribute,
    gate_fisher,
    neuron_gradient,
    output_alignment,
    per_example,
    weight_norm,
)
from seat_interp.attribution._scores import Scores, average
from seat_interp.attribution._update import update_effect
from seat_interp.attribution._weights import (
    gradient_times_weight,
    harm,
    weight_fisher,
    weight_gradient,
    weight_magnitude,
)

__all__ = [
    "Ablation",
    "AbstentionLogOdds",
    "AnswerLoss",
    "DirectionProjection",
    "Fidelity",
    "KLToBase",
    "Metric",
    "Prepared",
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
    "harm",
    "neuron_gradient",
    "output_alignment",
    "per_example",
    "update_effect",
    "weight_fisher",
    "weight_gradient",
    "weight_magnitude",
    "weight_norm",
]
