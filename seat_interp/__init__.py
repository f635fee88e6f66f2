"""seat_interp: what fine-tuning does to a model's ability to say "I do not know", and how to keep it.

import seat_interp as si
base = si.open_model("organism")
facts = si.organism_facts()
direction = si.fit_direction(base, facts.fit_unknown, facts.fit_known)
"""

from seat_interp import plot
from seat_interp.arms import ArmConfig, MaskConfig
from seat_interp.attribution import Scores, ablate_sample, attribute, fidelity, update_effect
from seat_interp.capture import AtToken, Capture, Kind, MeanToken, Projection, capture, capture_to
from seat_interp.direction import IgnoranceDirection, fit_direction
from seat_interp.displacement import Displacement, capture_sets, displace, displacement
from seat_interp.errors import SeatError
from seat_interp.evaluation import label, rates, records
from seat_interp.evaluation.ask import ask
from seat_interp.evaluation.generate import generate
from seat_interp.evaluation.knowledge import split_by_knowledge
from seat_interp.evaluation.self_questions import self_questions
from seat_interp.evaluation.slick import SlickConfig
from seat_interp.evaluation.slick_file import slick_to
from seat_interp.facts import Fact, FactSets, Names, perturb, read_facts
from seat_interp.masks.adapters import save_lora, save_shira
from seat_interp.masks.attach import attach
from seat_interp.masks.mask import Mask
from seat_interp.masks.random import random_coordinates, random_neurons
from seat_interp.masks.select import select
from seat_interp.measure import arm_rates
from seat_interp.models.adapters import adapter
from seat_interp.models.fetch import fetch
from seat_interp.models.open import LanguageModel, open_model, save_model, wrap_model
from seat_interp.organism import organism_facts
from seat_interp.organism.settings import ORGANISM
from seat_interp.plane import principal_plane
from seat_interp.results.aggregate import aggregate
from seat_interp.results.folder import RunFolder
from seat_interp.results.report import write_report
from seat_interp.results.table import Table
from seat_interp.results.tables import arms_table, displacement_table, rates_table
from seat_interp.sites import Sites, find_sites, sites_from_paths
from seat_interp.steering import ablate_direction, ablation, add_direction, addition, check_steering, patch_direction
from seat_interp.study import StudyConfig, run_study
from seat_interp.training.align import align_abstention
from seat_interp.training.config import TrainConfig
from seat_interp.training.drift import DriftBudget
from seat_interp.training.freezing import parameter_groups
from seat_interp.training.lora import LoRA
from seat_interp.training.objectives import (
    EWC,
    SEAT,
    CrossEntropy,
    EntityPerturbedKL,
    L2Pull,
    OwnAnswersKL,
    Replay,
    SelfDistillation,
)
from seat_interp.training.shrink import shrink
from seat_interp.training.trainer import train

__all__ = [
    "EWC",
    "ORGANISM",
    "SEAT",
    "ArmConfig",
    "AtToken",
    "Capture",
    "CrossEntropy",
    "Displacement",
    "DriftBudget",
    "EntityPerturbedKL",
    "Fact",
    "FactSets",
    "IgnoranceDirection",
    "Kind",
    "L2Pull",
    "LanguageModel",
    "LoRA",
    "Mask",
    "MaskConfig",
    "MeanToken",
    "Names",
    "OwnAnswersKL",
    "Projection",
    "Replay",
    "RunFolder",
    "Scores",
    "SeatError",
    "SelfDistillation",
    "Sites",
    "SlickConfig",
    "StudyConfig",
    "Table",
    "TrainConfig",
    "ablate_direction",
    "ablate_sample",
    "ablation",
    "adapter",
    "add_direction",
    "addition",
    "aggregate",
    "align_abstention",
    "arm_rates",
    "arms_table",
    "ask",
    "attach",
    "attribute",
    "capture",
    "capture_sets",
    "capture_to",
    "check_steering",
    "displace",
    "displacement",
    "displacement_table",
    "fetch",
    "fidelity",
    "find_sites",
    "fit_direction",
    "generate",
    "label",
    "open_model",
    "organism_facts",
    "parameter_groups",
    "patch_direction",
    "perturb",
    "plot",
    "principal_plane",
    "random_coordinates",
    "random_neurons",
    "rates",
    "rates_table",
    "read_facts",
    "records",
    "run_study",
    "save_lora",
    "save_model",
    "save_shira",
    "select",
    "self_questions",
    "shrink",
    "sites_from_paths",
    "slick_to",
    "split_by_knowledge",
    "train",
    "update_effect",
    "wrap_model",
    "write_report",
]
