"""Interventions against edits made by hand, and hooks that are gone afterwards."""

import pytest
import torch
from tiny_models import CORE_FAMILIES, QUESTIONS

from seat_interp.capture import MeanToken, capture
from seat_interp.core.errors import SeatError
from seat_interp.directions.direction import fit_direction
from seat_interp.directions.steering import (
    SteeringCheck,
    ablate_direction,
    add_direction,
    check_steering,
    patch_direction,
    random_like,
)
from seat_interp.evaluation.generate import generate
from seat_interp.models.prompts import encode_prompts


@pytest.fixture
def made(models_by_family, sets):
    def make(family):
        lm = models_by_family(family)
        return lm, fit_direction(lm, unknown=sets.unknown, known=sets.known)

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
    import seat_interp.directions.steering as steering

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
    found = check_steering(lm, direction, unknown=sets.unknown, known=sets.known, controls=2)
    assert found.known == found.unknown == 0  # a random model says nothing sensible
    assert not found.found
    assert len(found.random_added) == len(found.random_ablated) == 2
    assert found.to_json()["found"] is False


def shifted(lm, size=0.3):
    """A copy whose weights have moved at random."""
    other, generator = lm.copy(), torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in other.model.parameters():
            parameter += size * parameter.std().nan_to_num() * torch.randn(parameter.shape, generator=generator)
    return other


@pytest.mark.parametrize("family", CORE_FAMILIES)
def test_patching_puts_in_the_component_of_the_source_and_nothing_else(made, family):
    lm, direction = made(family)
    tuned = shifted(lm)
    source, (before, plain) = outputs(lm, 1)[0].double(), outputs(tuned, 1)
    before = before.double()
    unit = direction.vectors[1]
    assert ((source - before) @ unit).abs().max() > 1e-3
    with patch_direction(tuned, source=lm, direction=direction, layers=[1]):
        after, patched = outputs(tuned, 1)
    expected = before + ((source - before) @ unit)[:, None] * unit
    torch.testing.assert_close(after.double(), expected, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(patched, plain)
    # The control: as much, token by token, along another direction.
    other = random_like(direction, seed=3)
    with patch_direction(tuned, source=lm, direction=direction, layers=[1], along=other):
        control = outputs(tuned, 1)[0].double()
    torch.testing.assert_close(
        control, before + ((source - before) @ unit)[:, None] * other.vectors[1], rtol=1e-4, atol=1e-4
    )
    # Of a model into itself it changes nothing, and afterwards everything is as it was.
    with patch_direction(tuned, source=tuned.copy(), direction=direction, layers=[1]):
        torch.testing.assert_close(outputs(tuned, 1)[0].double(), before, rtol=1e-5, atol=1e-5)
    assert torch.equal(outputs(tuned, 1)[1], plain)


@pytest.mark.parametrize("family", ["llama", "gpt2", "opt"])
def test_patching_while_generating_equals_patching_whole_texts(made, family):
    """With the cache of the source kept in step: each new token is what one pass over all that stands there gives."""
    lm, direction = made(family)
    tuned = shifted(lm)
    with patch_direction(tuned, source=lm, direction=direction, layers=[0, 1]):
        replies = generate(tuned, QUESTIONS, max_new_tokens=6)
        for question, reply in zip(QUESTIONS, replies):
            ids, prompt = encode_prompts(tuned, [question])[0], len(encode_prompts(tuned, [question])[0])
            for _ in range(6):
                with torch.no_grad():
                    ids = [*ids, int(tuned.model(torch.tensor([ids])).logits[0, -1].argmax())]
                if ids[-1] == tuned.tokenizer.eos_token_id:
                    break
            assert tuned.tokenizer.decode(ids[prompt:], skip_special_tokens=True).strip() == reply
    assert replies != generate(tuned, QUESTIONS, max_new_tokens=6)


def test_a_source_of_another_shape_is_refused(made, models_by_family):
    lm, direction = made("llama")
    with (
        pytest.raises(SeatError, match="source"),
        patch_direction(lm, source=models_by_family("opt"), direction=direction),
    ):
        pass
