"""Interventions against edits made by hand, and hooks that are gone afterwards."""

import pytest
import torch
from tiny_models import CORE_FAMILIES, QUESTIONS

from seat_interp.capture import MeanToken, capture
from seat_interp.direction import fit_direction
from seat_interp.prompts import encode_prompts
from seat_interp.steering import SteeringCheck, ablate_direction, add_direction, check_steering, random_like


@pytest.fixture
def made(models_by_family, sets):
    def make(family):
        lm = models_by_family(family)
        return lm, fit_direction(lm, sets.unknown, sets.known)

    return make


def outputs(lm, layer, question=QUESTIONS[1]):
    seen = {}
    hook = lm.model.get_submodule(lm.sites.blocks[layer]).register_forward_hook(
        lambda module, args, output: seen.update(out=output[0] if isinstance(output, tuple) else output)
    )
    with torch.no_grad():
        logits = lm.model(torch.tensor(encode_prompts(lm, [question]))).logits
    hook.remove()
    return seen["out"][0], logits


@pytest.mark.parametrize("family", CORE_FAMILIES)
def test_adding_moves_the_last_token_alone_by_so_many_gaps(made, family):
    lm, direction = made(family)
    before, plain = outputs(lm, 1)
    with add_direction(lm, direction, factor=2.0, layers=[1]):
        after, steered = outputs(lm, 1)
    torch.testing.assert_close(after[:-1], before[:-1], rtol=0, atol=0)
    torch.testing.assert_close((after - before)[-1].double(), 2 * direction.raw[1], rtol=1e-3, atol=1e-4)
    assert not torch.allclose(plain, steered)
    assert torch.equal(outputs(lm, 1)[1], plain)


@pytest.mark.parametrize("family", CORE_FAMILIES)
def test_ablating_takes_the_component_out_everywhere_and_nothing_else(made, family):
    lm, direction = made(family)
    unit = direction.vectors[direction.layer]
    plain = outputs(lm, 2)[1]
    before = outputs(lm, 0)[0].double()
    with ablate_direction(lm, direction):
        for layer in range(3):
            on = outputs(lm, layer)[0].double() @ unit
            torch.testing.assert_close(on, torch.zeros_like(on), rtol=0, atol=1e-3)
        after = outputs(lm, 0)[0].double()
    torch.testing.assert_close(after, before - (before @ unit)[:, None] * unit, rtol=1e-4, atol=1e-4)
    assert torch.equal(outputs(lm, 2)[1], plain)


def test_random_directions_have_the_same_length_and_another_way(made):
    _, direction = made("llama")
    other = random_like(direction, 1)
    torch.testing.assert_close(other.raw.norm(dim=-1), direction.raw.norm(dim=-1))
    assert (other.cosine(direction).abs() < 0.9).all()
    assert torch.equal(random_like(direction, 1).vectors, other.vectors)


def test_hooks_are_removed_when_the_block_fails(made):
    lm, direction = made("llama")
    before = capture(lm, QUESTIONS, reduce=MeanToken()).values
    with pytest.raises(RuntimeError), ablate_direction(lm, direction):
        raise RuntimeError
    assert torch.equal(capture(lm, QUESTIONS, reduce=MeanToken()).values, before)


def test_found_needs_both_effects_beyond_every_random_direction():
    good = {"known": 0.0, "unknown": 1.0, "known_added": 0.9, "unknown_ablated": 0.2}
    controls = {
        "random_added": (0.0, 0.1),
        "random_ablated": (1.0, 0.9),
        "layer": 1,
        "factor": 2.0,
        "prompts": (10, 10),
    }
    assert SteeringCheck(**good, **controls).found
    assert not SteeringCheck(**{**good, "known_added": 0.1}, **controls).found
    assert not SteeringCheck(**{**good, "unknown_ablated": 0.95}, **controls).found


def test_the_place_of_addition_is_the_one_with_most_abstentions(made, sets, monkeypatch):
    import seat_interp.steering as steering

    lm, direction = made("llama")
    tried = []

    def rate(lm, facts, max_new_tokens=24):
        """As many abstentions as the last token's move after block 1, whatever else was tried."""
        tried.append(float((outputs(lm, 1)[0][-1] - plain).norm()))
        return tried[-1] / 1e6

    plain = outputs(lm, 1)[0][-1]
    monkeypatch.setattr(steering, "abstention_rate", rate)
    layer, factor = steering.choose_addition(lm, direction, sets.known, factors=(1.0, 3.0))
    assert len(tried) == 2 * len({direction.layer, 1})
    assert factor == 3.0
    assert layer <= 1


def test_the_check_counts_abstentions_of_the_model_that_it_is_given(made, sets):
    lm, direction = made("llama")
    found = check_steering(lm, direction, sets.unknown, sets.known, controls=2)
    assert found.known == found.unknown == 0  # a random model says nothing sensible
    assert not found.found
    assert len(found.random_added) == len(found.random_ablated) == 2
    assert found.to_json()["found"] is False
