"""Weight scores against plain autograd, one fact at a time, on every family."""

import pytest
import torch
from tiny_models import CITIES, CORE_FAMILIES, NAMES, fact

from seat_interp.attribution import (
    AnswerLoss,
    Scores,
    average,
    gradient_times_weight,
    weight_fisher,
    weight_gradient,
    weight_magnitude,
)
from seat_interp.core.errors import SeatError
from seat_interp.models.axes import coordinate_axes

FACTS = [fact(name, city) for name, city in zip((NAMES[0], "Bo", NAMES[7]), CITIES)]


def gradients(lm, one):
    """What autograd says of one fact."""
    prepared = AnswerLoss().prepare(lm, [one])
    lm.model.zero_grad()
    lm.model.requires_grad_(True)
    prepared.values(prepared.examples, [0]).sum().backward()
    found = {name: lm.model.get_parameter(name).grad.clone() for name in coordinate_axes(lm)}
    lm.model.zero_grad()
    return found


@pytest.mark.parametrize("family", CORE_FAMILIES)
def test_fisher_and_gradient_are_those_of_single_facts(models_by_family, family):
    lm = models_by_family(family).copy()
    each = [gradients(lm, one) for one in FACTS]
    fisher, gradient = weight_fisher(lm, FACTS, batch_size=2), weight_gradient(lm, FACTS, batch_size=2)
    assert list(fisher.values) == list(coordinate_axes(lm))
    for name in fisher.values:
        squares = torch.stack([found[name].square() for found in each]).mean(0)
        mean = torch.stack([found[name] for found in each]).mean(0)
        torch.testing.assert_close(fisher.values[name], squares, rtol=1e-3, atol=1e-8)
        torch.testing.assert_close(gradient.values[name], mean, rtol=1e-3, atol=1e-6)


def test_gradient_times_weight_and_magnitude(llama):
    name = "model.layers.1.self_attn.v_proj.weight"
    weight = llama.model.get_parameter(name).detach()
    gradient = weight_gradient(llama, FACTS).values[name]
    torch.testing.assert_close(gradient_times_weight(llama, FACTS).values[name], (gradient * weight).abs())
    torch.testing.assert_close(weight_magnitude(llama).values[name], weight.abs())


@pytest.mark.parametrize("family", ["llama", "gpt2", "phi3"])
def test_a_neurons_score_is_the_sum_over_its_weights(models_by_family, family):
    lm = models_by_family(family)
    ones = Scores("coordinate", {n: torch.ones(e.shape) for n, e in coordinate_axes(lm).items()})
    matrices = 2 if family == "gpt2" else 3
    for value in ones.per_neuron(lm).values.values():
        assert value.tolist() == [matrices * 32.0] * 48


def test_scores_are_saved_and_checked(llama, models_by_family, tmp_path):
    scores = weight_gradient(llama, FACTS)
    path = scores.save(tmp_path / "scores.safetensors")
    again = Scores.load(path)
    assert again.origin == scores.origin
    assert torch.equal(again.flat(), scores.flat())
    with pytest.raises(SeatError, match="scores"):
        again.require_fits(models_by_family("opt"))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SeatError, match=r"scores\.safetensors"):
        Scores.load(path)
    with pytest.raises(SeatError, match="not finite"):
        Scores("neuron", {"a": torch.tensor([float("nan")])})
    with pytest.raises(SeatError, match="already"):
        Scores("neuron", {}).per_neuron(llama)
    with pytest.raises(SeatError, match="no facts"):
        weight_fisher(llama, [])


def test_an_average_weighs_its_parts_alike(llama):
    one, other = weight_fisher(llama, FACTS[:1]), weight_fisher(llama, FACTS[1:])
    both = average([one, other])
    torch.testing.assert_close(both.flat(), (one.flat() + other.flat()) / 2)
    assert both.origin["facts"] == [1, 2]
    with pytest.raises(SeatError, match="0 scores"):
        average([])
    with pytest.raises(SeatError, match="same model"):
        average([one, one.per_neuron(llama)])


def test_the_model_is_left_as_it_was(llama):
    hooks = [len(module._forward_hooks) for module in llama.model.modules()]
    weight_fisher(llama, FACTS)
    assert all(parameter.grad is None for parameter in llama.model.parameters())
    assert [len(module._forward_hooks) for module in llama.model.modules()] == hooks
