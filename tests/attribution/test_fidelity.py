"""Fidelity: a score that is the truth has rank correlation 1, noise has none, and gradients are in between."""

import pytest
import torch
from tiny_models import CITIES, NAMES, fact

from seat_interp.attribution import Scores, ablate_sample, ablation_effects, attribute, fidelity, weight_gradient
from seat_interp.core.errors import SeatError

FACTS = [fact(name, city) for name, city in zip(NAMES[:4], CITIES)]


@pytest.fixture(scope="module")
def truth(models_by_family):
    """The exact effect of every neuron."""
    lm = models_by_family("qwen2")
    effects = ablation_effects(lm, FACTS, [[n] for n in range(144)], progress=False).float()
    names = [f"{mlp.down}.weight" for mlp in lm.sites.mlps]
    return Scores("neuron", dict(zip(names, effects.split(48))), {"model": lm.fingerprint})


def test_truth_is_perfect_and_noise_is_not(models_by_family, truth):
    lm = models_by_family("qwen2")
    ablation = ablate_sample(lm, FACTS, neurons=100, groups=5)
    exact = fidelity(truth, ablation)
    assert exact.single == pytest.approx(1.0)
    noise = truth.map(lambda value: torch.randn(value.shape, generator=torch.Generator().manual_seed(0)))
    assert abs(fidelity(noise, ablation).single) < 0.3
    against = fidelity(truth.map(torch.neg), ablation)
    assert against.single == pytest.approx(-1.0)
    assert len(against.effects) == len(against.scores) == 100
    assert fidelity(truth.abs(), ablation, sizes=True).single == pytest.approx(1.0)
    assert fidelity(truth.abs(), ablation).single < 0.9


def test_gradients_predict_ablation(models_by_family, truth):
    lm = models_by_family("qwen2")
    found = fidelity(attribute(lm, FACTS), ablate_sample(lm, FACTS, groups=30))
    assert found.single > 0.5
    assert found.grouped > 0.5
    assert found.to_json()["group_effects"] == found.group_effects


def test_a_group_is_ablated_together(models_by_family):
    """All neurons of the last layer off: the same as a down projection of zeros."""
    lm = models_by_family("gpt2")
    together = ablation_effects(lm, FACTS, [list(range(96, 144))], progress=False)
    without = lm.copy()
    with torch.no_grad():
        without.model.get_parameter(f"{lm.sites.mlps[2].down}.weight").zero_()
    none = ablation_effects(without, FACTS, [list(range(96, 144))], progress=False)
    assert float(none) == pytest.approx(0.0, abs=1e-6)
    assert abs(float(together)) > 1e-4


@pytest.mark.parametrize("family", ["qwen2", "gpt2"])
def test_ablation_to_a_copy_is_what_gradients_sum_to_on_the_way_there(models_by_family, family):
    """One layer's integrated gradients from the copies' activations are complete: they sum to the group's effect."""
    lm = models_by_family(family)
    copies = [fact(name, one.object) for name, one in zip(("Zed Quill", "Una Hart", "Max", "Ivo"), FACTS)]
    for layer in range(3):
        group = [list(range(48 * layer, 48 * layer + 48))]
        effect = float(ablation_effects(lm, FACTS, group, counterfactual=copies, progress=False))
        total = float(attribute(lm, FACTS, counterfactual=copies, steps=32, layers=[layer]).flat().double().sum())
        assert effect == pytest.approx(total, rel=0.01, abs=1e-6)
        assert effect != pytest.approx(float(ablation_effects(lm, FACTS, group, progress=False)), rel=0.02)
    assert float(ablation_effects(lm, FACTS, group, counterfactual=FACTS, progress=False)) == pytest.approx(0, abs=1e-6)
    with pytest.raises(SeatError, match="one for each"):
        ablation_effects(lm, FACTS, group, counterfactual=copies[:2])


def test_bad_scores_are_refused(models_by_family, truth):
    lm = models_by_family("qwen2")
    with pytest.raises(SeatError, match="per_neuron"):
        fidelity(weight_gradient(lm, FACTS), ablate_sample(lm, FACTS, neurons=2, groups=2))
    with pytest.raises(SeatError, match="different models"):
        fidelity(truth, ablate_sample(models_by_family("opt"), FACTS, neurons=2, groups=2))
