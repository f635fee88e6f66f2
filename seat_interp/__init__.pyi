"""The names of `seat_interp`, by what one does with them; each is loaded when it is first used."""

# Models: open one, take one that is loaded, switch its adapters, name the parts of an unusual one.
from .models.open import LanguageModel as LanguageModel, open_model as open_model, save_model as save_model
from .models.open import wrap_model as wrap_model
from .models.adapters import adapter as adapter
from .models.sites import sites_from_paths as sites_from_paths

# Facts: read them, take the organism's, perturb their entities.
from .facts import Fact as Fact, FactSets as FactSets, read_facts as read_facts
from .facts import Names as Names, ep_prompts as ep_prompts, perturb as perturb
from .organism.study import organism_facts as organism_facts

# Replies: what a model says, whether it abstains, what it knows.
from .evaluation.score import ask as ask
from .evaluation.generate import generate as generate
from .evaluation.score import rates as rates
from .evaluation.knowledge import split_by_knowledge as split_by_knowledge
from .evaluation.slick import SlickConfig as SlickConfig
from .evaluation.slick import slick_to as slick_to
from .evaluation.self_questions import self_questions as self_questions

# Activations: record them, in memory or in a folder.
from .capture import Capture as Capture, capture as capture, capture_sets as capture_sets
from .capture import Shards as Shards, capture_to as capture_to
from .capture import AtToken as AtToken, Kind as Kind, MeanToken as MeanToken, Projection as Projection

# The ignorance direction: fit it, see what moved along it, steer by it.
from .directions.direction import IgnoranceDirection as IgnoranceDirection, fit_direction as fit_direction
from .directions.displacement import Displacement as Displacement, displacement as displacement
from .directions.displacement import displace as displace
from .directions.plane import principal_plane as principal_plane
from .directions.steering import add_direction as add_direction, ablate_direction as ablate_direction
from .directions.steering import patch_direction as patch_direction, random_like as random_like
from .directions.steering import check_steering as check_steering, choose_addition as choose_addition

# Scores: how much each neuron or weight matters, and whether that can be trusted.
from .attribution import Scores as Scores, attribute as attribute, update_effect as update_effect
from .attribution import ablate_sample as ablate_sample, fidelity as fidelity

# Masks: choose what may change, and hand it to any trainer.
from .masks.mask import Mask as Mask
from .masks.select import select as select
from .masks.random import random_coordinates as random_coordinates, random_neurons as random_neurons
from .masks.attach import attach as attach
from .masks.sparse_update import SparseUpdate as SparseUpdate
from .masks.peft_files import save_lora as save_lora, save_shira as save_shira

# Training: objectives, schedules, constraints, weight interpolation.
from .training.trainer import train as train
from .training.config import TrainConfig as TrainConfig
from .training.objectives import SEAT as SEAT, CrossEntropy as CrossEntropy, EntityPerturbedKL as EntityPerturbedKL
from .training.objectives import (
    SelfGeneratedDistillation as SelfGeneratedDistillation,
    SelfDistillation as SelfDistillation,
)
from .training.objectives import EWC as EWC, L2SP as L2SP, Replay as Replay
from .training.lora import LoRA as LoRA
from .training.freezing import parameter_groups as parameter_groups
from .training.drift_budget import DriftBudget as DriftBudget
from .training.align import align_abstention as align_abstention
from .training.interpolation import interpolate_towards_base as interpolate_towards_base

# Studies: arms and seeds in a run folder, its report, its figures.
from .studies.study import StudyConfig as StudyConfig, run_study as run_study
from .studies.arms import ArmConfig as ArmConfig, MaskConfig as MaskConfig
from .organism.study import ORGANISM as ORGANISM
from .studies.run_folder import RunFolder as RunFolder
from .studies.measure import arm_rates as arm_rates
from .results.table import Table as Table
from .results.tables import displacement_table as displacement_table, rates_table as rates_table
from .results.report import write_report as write_report
from .results.comparison import write_comparison as write_comparison
from . import plot as plot

# Bad input: one sentence with the remedy.
from .core.errors import SeatError as SeatError
