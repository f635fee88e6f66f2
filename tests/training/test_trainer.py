"""The trainer: bit-equal repeats and resumes, accumulation, clipping, and a base that stays as it was."""

import warnings
from dataclasses import replace

import pytest
import torch
from tiny_models import fact, make_model

from seat_interp.core.errors import SeatError
from seat_interp.facts import Names
from seat_interp.masks.random import random_coordinates, random_neurons
from seat_interp.training.config import TrainConfig
from seat_interp.training.objectives import SEAT, Continuation, Draw, SelfGeneratedDistillation, plain
from seat_interp.training.trainer import train

CONFIG = TrainConfig(steps=6, batch_size=3, learning_rate=1e-2, seed=1)


def weights(run):
    return run.model.model.state_dict()


def assert_equal(a, b):
    for name, tensor in weights(a).items():
        assert torch.equal(tensor, weights(b)[name]), name


@pytest.mark.parametrize(
    "objective", [plain(), SEAT(weight=1.0, continuation=Continuation.BASE, prompts_per_fact=2, max_new_tokens=4)]
)
@pytest.mark.parametrize("draw", [None, random_neurons, random_coordinates])
def test_two_runs_with_one_seed_are_bit_equal_and_the_base_stays(tokenizer, sets, objective, draw):
    base = make_model("gpt2", tokenizer)  # has dropout, which must be seeded too
    before = {name: tensor.clone() for name, tensor in base.model.state_dict().items()}
    mask = draw(base, 0.25) if draw else None
    first, second = (train(base, sets.target, objective=objective, mask=mask, config=CONFIG) for _ in range(2))
    assert_equal(first, second)
    assert first.log == second.log
    other = train(base, sets.target, objective=objective, mask=mask, config=replace(CONFIG, seed=2))
    assert any(not torch.equal(tensor, weights(other)[name]) for name, tensor in weights(first).items())
    assert all(torch.equal(tensor, before[name]) for name, tensor in base.model.state_dict().items())
    assert not base.model.training


@pytest.mark.parametrize("draw", [None, random_neurons, random_coordinates])
def test_a_cut_off_run_resumes_to_the_same_bits(tokenizer, sets, tmp_path, draw):
    base = make_model("gpt2", tokenizer)
    mask = draw(base, 0.25) if draw else None
    config = replace(CONFIG, checkpoint_every=2, callback_every=3)
    arguments = {
        "objective": SEAT(weight=1.0, continuation=Continuation.BASE, prompts_per_fact=2, max_new_tokens=4),
        "mask": mask,
        "config": config,
    }
    whole = train(base, sets.target, callback=lambda lm: {"x": 1}, **arguments)

    class Cut(Exception):
        pass

    def cut(lm):
        raise Cut

    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Cut):  # at step 3, after the checkpoint of step 2
        train(base, sets.target, callback=cut, checkpoint=path, **arguments)
    assert path.exists()
    resumed = train(base, sets.target, callback=lambda lm: {"x": 1}, checkpoint=path, **arguments)
    assert_equal(whole, resumed)
    assert resumed.log == whole.log
    assert resumed.callback_log == whole.callback_log == [{"step": 3, "x": 1}, {"step": 6, "x": 1}]
    assert path.exists()  # the caller removes it once the model is saved


def test_a_resumed_log_is_equal_when_copies_are_used_again(llama, tmp_path):
    """More facts than a batch holds, one copy each, cut after the first epoch: copies are made in the same company."""
    facts = [fact(f"Ada N{chr(97 + i // 5)}{chr(97 + i % 5)}", "Leeds") for i in range(24)]
    config = TrainConfig(steps=10, batch_size=5, learning_rate=1e-2, checkpoint_every=6, callback_every=7)
    arguments = {
        "objective": SEAT(weight=1.0, continuation=Continuation.BASE, prompts_per_fact=1, max_new_tokens=4),
        "config": config,
    }
    whole = train(llama, facts, callback=lambda lm: {}, **arguments)

    def cut(lm):
        raise KeyboardInterrupt

    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train(llama, facts, callback=cut, checkpoint=path, **arguments)
    resumed = train(llama, facts, callback=lambda lm: {}, checkpoint=path, **arguments)
    assert resumed.log == whole.log
    assert_equal(whole, resumed)


def test_a_tuned_model_knows_that_its_weights_are_others(llama, sets):
    """Also after a probe has asked for the fingerprint in the middle of training."""
    config = replace(CONFIG, callback_every=1)
    run = train(llama, sets.target, mask=random_neurons(llama, 0.25), config=config, callback=lambda lm: lm.fingerprint)
    assert run.model.fingerprint != llama.fingerprint
    assert run.model.architecture == llama.architecture


def test_an_empty_mask_is_refused(llama, sets):
    mask = random_neurons(llama, 0.25)
    with pytest.raises(SeatError, match="chooses nothing"):
        train(llama, sets.target, mask=mask & ~mask, config=CONFIG)


def test_a_checkpoint_of_other_settings_or_a_broken_one_is_refused(llama, sets, tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    config = replace(CONFIG, checkpoint_every=2, callback_every=3)

    def cut(lm):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(llama, sets.target, config=config, callback=cut, checkpoint=path)
    with pytest.raises(SeatError, match="other settings"):
        train(llama, sets.target, config=replace(config, learning_rate=1.0), checkpoint=path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(SeatError, match="truncated"):
        train(llama, sets.target, config=config, checkpoint=path)


@pytest.mark.parametrize("mask", [None, "neurons"])
def test_micro_batches_add_up_to_the_whole_batch(llama, sets, mask):
    chosen = random_neurons(llama, 0.25) if mask else None
    arguments = {
        "objective": SEAT(weight=1.0, continuation=Continuation.BASE, prompts_per_fact=2, max_new_tokens=4),
        "mask": chosen,
    }
    whole = train(llama, sets.target, config=CONFIG, **arguments)
    parts = train(llama, sets.target, config=replace(CONFIG, micro_batch=2), **arguments)
    for name, tensor in weights(whole).items():
        torch.testing.assert_close(tensor, weights(parts)[name], rtol=1e-3, atol=1e-4)
    for one, other in zip(whole.log, parts.log):
        assert one["cross_entropy"] == pytest.approx(other["cross_entropy"], rel=1e-3)


def test_micro_batches_hold_whole_numbers_of_what_a_term_takes(llama, sets):
    """A copy for every second fact: the same in parts of two as in one, and parts of one are refused."""
    facts = sets.target[:2] + sets.known[:2]
    config = TrainConfig(steps=4, batch_size=4, learning_rate=1e-2)
    own = SelfGeneratedDistillation(questions=("Who is it?", "Where was it?"), max_new_tokens=4)
    arguments = {
        "objective": (
            *SEAT(weight=1.0, continuation=Continuation.BASE, prompts_per_fact=2, facts_per_item=2, max_new_tokens=4),
            own,
        )
    }
    whole = train(llama, facts, config=config, **arguments)
    parts = train(llama, facts, config=replace(config, micro_batch=2), **arguments)
    for one, other in zip(whole.log, parts.log):
        assert one["ep_kl"] == pytest.approx(other["ep_kl"], rel=1e-2, abs=1e-5)
        assert one["selfdistill_kl"] == pytest.approx(other["selfdistill_kl"], rel=1e-2, abs=1e-5)
    with pytest.raises(SeatError, match="one fact in 2"):
        train(llama, facts, config=replace(config, micro_batch=1), **arguments)


def test_learns_and_keeps_weight_decay_off_what_is_masked_out(llama, sets):
    mask = random_coordinates(llama, 0.25)
    config = TrainConfig(steps=40, batch_size=3, learning_rate=2e-2, weight_decay=0.5)
    run = train(llama, sets.target, mask=mask, config=config)
    assert run.log[-1]["cross_entropy"] < 0.3 * run.log[0]["cross_entropy"]
    for name, tensor in llama.model.state_dict().items():
        untouched = ~mask.dense(name) if name in mask.indices else torch.ones_like(tensor, dtype=torch.bool)
        assert torch.equal(tensor[untouched], weights(run)[name][untouched])
    assert run.trained_weights == len(mask)


def test_clipping_is_over_trained_entries_alone(llama, sets):
    """With a mask, the norm that is logged and clipped is that of the chosen entries' gradient."""
    mask = random_neurons(llama, 0.25)
    config = replace(CONFIG, steps=1, batch_size=3, clip=1e9)
    full, masked = (train(llama, sets.target, mask=m, config=config).log[0]["gradient"] for m in (None, mask))
    lm = llama.copy()
    loss = plain()[0].prepare(llama, sets.target, Names(), 0)(lm, [Draw(0, 0), Draw(1, 0), Draw(2, 0)])
    loss.backward()
    chosen = [lm.model.get_parameter(name).grad[mask.dense(name)] for name in mask.indices]
    assert masked == pytest.approx(torch.cat(chosen).norm().item(), rel=1e-4)
    assert masked < full


def test_the_schedule_rises_and_falls():
    config = TrainConfig(steps=100, learning_rate=1.0, warmup=0.1, final=0.2)
    assert config.rate(0) == pytest.approx(0.1)
    assert config.rate(9) == pytest.approx(1.0)
    assert config.rate(99) == pytest.approx(0.2, abs=0.01)
    assert all(config.rate(s) >= config.rate(s + 1) for s in range(10, 99))


def test_refusals(llama, sets):
    with pytest.raises(SeatError, match="empty"):
        train(llama, [])
    with pytest.raises(SeatError, match="no answer to learn"):
        train(llama, sets.unknown)
    with pytest.raises(SeatError, match="steps is 0; it must be at least 1"):
        TrainConfig(steps=0)
    with pytest.raises(SeatError, match="Lower the learning rate"):
        train(llama, sets.target, config=TrainConfig(steps=30, batch_size=3, learning_rate=1e30, clip=None))


@pytest.mark.parametrize("fast", [True, False])
def test_slow_bfloat16_is_warned_of(tokenizer, sets, monkeypatch, fast):
    monkeypatch.setattr("seat_interp.training.trainer.bfloat16_is_fast", lambda: fast)
    base = make_model("llama", tokenizer)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        train(base, sets.target, config=replace(CONFIG, steps=1, mixed_precision=True))
    assert any("no bfloat16 units" in str(each.message) for each in seen) is not fast
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        train(base, sets.target, config=replace(CONFIG, steps=1))
    assert not any("bfloat16" in str(each.message) for each in seen)
