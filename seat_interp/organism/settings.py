"""How the organism is fine-tuned: a model of a million weights takes rates that would wreck a large one."""

from seat_interp.arms import ArmConfig, MaskConfig
from seat_interp.study import StudyConfig
from seat_interp.training.config import TrainConfig
from seat_interp.training.objectives import EntityPerturbedKL

ORGANISM = StudyConfig(
    settings=ArmConfig(
        dense=TrainConfig(steps=80, batch_size=64, learning_rate=2e-3, probe_every=20),
        masked=TrainConfig(steps=150, batch_size=64, learning_rate=2e-3, probe_every=30),
        regularised=TrainConfig(steps=150, batch_size=64, learning_rate=1e-3, probe_every=30),
        mask=MaskConfig(budget=0.1, granularity="neuron"),
        kl=EntityPerturbedKL(),
        kl_on_facts=EntityPerturbedKL(weight=0.3, perturbed=False),
    ),
    max_new_tokens=24,
)
"""What `seat-interp demo` runs."""
