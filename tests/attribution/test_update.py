"""What an update did, weight by weight: complete, and equal to the metric's own difference where one weight changed."""

import pytest
import torch
from tiny_models import CITIES, CORE_FAMILIES, NAMES, fact

from seat_interp.attribution import AnswerLoss, KLToBase, update_effect
from seat_interp.attribution import _update as update
from seat_interp.core.errors import SeatError
from seat_interp.models.axes import coordinate_axes

FACTS = [fact(name, city) for name, city in zip(NAMES[:4], CITIES)]


@torch.no_grad()
def mean(lm, metric):
    prepared = metric.prepare(lm, FACTS)
    return prepared.values(prepared.examples, range(len(FACTS))).mean().item()


@torch.no_grad()
def changed(lm, size, only=None):
    """A copy whose matrices have moved at random, or in one place alone."""
    tuned, generator = lm.copy(), torch.Generator().manual_seed(1)
    for name in coordinate_axes(lm):
        weight = tuned.model.get_parameter(name)
        if only is None:
            weight += size * torch.randn(weight.shape, generator=generator)
        elif name == only[0]:
            weight[only[1]] += size
    return tuned


@pytest.mark.parametrize("family", CORE_FAMILIES)
def test_the_effects_sum_to_the_change_of_the_metric(models_by_family, family):
    base = models_by_family(family)
    tuned = changed(base, 0.02)
    for metric in (AnswerLoss(), KLToBase(base)):
        effect = update_effect(base=base, tuned=tuned, facts=FACTS, metric=metric, steps=16, batch_size=3)
        total = mean(tuned, metric) - mean(base, metric)
        assert abs(total) > 1e-3
        assert effect.flat().sum().item() == pytest.approx(total, rel=0.02, abs=1e-5)
        assert list(effect.values) == list(coordinate_axes(base))


def test_one_weight_has_the_whole_effect(llama):
    name, place = "model.layers.1.mlp.down_proj.weight", (3, 5)
    tuned = changed(llama, 0.5, (name, place))
    effect = update_effect(base=llama, tuned=tuned, facts=FACTS, steps=16)
    expected = mean(tuned, AnswerLoss()) - mean(llama, AnswerLoss())
    assert effect.values[name][place].item() == pytest.approx(expected, rel=0.01)
    assert effect.flat().count_nonzero() == 1


def test_base_and_tuned_stay_as_they_were_and_must_fit(llama, models_by_family):
    tuned = changed(llama, 0.03)
    before = [{n: p.clone() for n, p in lm.model.named_parameters()} for lm in (llama, tuned)]
    update_effect(base=llama, tuned=tuned, facts=FACTS, steps=2)
    for lm, weights in zip((llama, tuned), before):
        assert all(torch.equal(parameter, weights[name]) for name, parameter in lm.model.named_parameters())
    with pytest.raises(SeatError, match="base"):
        update_effect(base=llama, tuned=models_by_family("opt"), facts=FACTS)
    with pytest.raises(SeatError, match="0 steps"):
        update_effect(base=llama, tuned=tuned, facts=FACTS, steps=0)


def test_taken_up_where_it_was_cut_off(llama, tmp_path, monkeypatch):
    tuned, path = changed(llama, 0.03), tmp_path / "effect.part"
    whole = update_effect(base=llama, tuned=tuned, facts=FACTS)
    real, calls = update.weight_gradient, []

    def cut_off(*args, **settings):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*args, **settings)

    monkeypatch.setattr(update, "weight_gradient", cut_off)
    with pytest.raises(KeyboardInterrupt):
        update_effect(base=llama, tuned=tuned, facts=FACTS, checkpoint=path)
    with pytest.raises(SeatError, match="other settings"):
        update_effect(base=llama, tuned=changed(llama, 0.02), facts=FACTS, checkpoint=path)
    resumed = update_effect(base=llama, tuned=tuned, facts=FACTS, checkpoint=path)
    assert len(calls) == 3 + 2  # two points were done, two were left
    assert torch.equal(resumed.flat(), whole.flat())
    assert not path.exists()


def test_a_neuron_has_the_sum_over_its_own_weights(llama):
    tuned = changed(llama, 0.03)
    neurons = update_effect(base=llama, tuned=tuned, facts=FACTS, granularity="neuron")
    assert neurons.granularity == "neuron"
    assert torch.equal(neurons.flat(), update_effect(base=llama, tuned=tuned, facts=FACTS).per_neuron(llama).flat())
