"""LoRA in the trainer against stock PEFT and a loop of one's own."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from tiny_models import CORE_FAMILIES

from seat_interp.core.errors import SeatError
from seat_interp.facts import Names
from seat_interp.masks.random import random_neurons
from seat_interp.models.axes import coordinate_axes
from seat_interp.training.lora import LoRA, adapt
from seat_interp.training.objectives import CrossEntropy
from seat_interp.training.trainer import TrainConfig, _batches, train

CONFIG = TrainConfig(steps=4, batch_size=3, learning_rate=1e-2, warmup=0.0, final=1.0, clip=None, seed=1)


@pytest.mark.parametrize("family", CORE_FAMILIES)
def test_equals_stock_peft_trained_by_hand(models_by_family, sets, family):
    base = models_by_family(family)
    ours = train(base, sets.target, lora=LoRA(rank=2, alpha=3.0), config=CONFIG)

    theirs = base.copy()
    matrices = [name.removesuffix(".weight") for name in coordinate_axes(base)]
    torch.manual_seed(CONFIG.seed)
    config = LoraConfig(r=2, lora_alpha=3.0, target_modules=matrices, fan_in_fan_out=family == "gpt2")
    adapted = get_peft_model(theirs.model, config)
    loss = CrossEntropy().prepare(base, sets.target, Names(), 0)
    optimiser = torch.optim.AdamW((p for p in adapted.parameters() if p.requires_grad), lr=1e-2, weight_decay=0)
    batches = _batches(len(sets.target), CONFIG)
    theirs.model.train()
    for step in range(CONFIG.steps):
        torch.manual_seed(CONFIG.seed * 1_000_003 + step)
        optimiser.zero_grad()
        loss(theirs, next(batches)).backward()
        optimiser.step()
    merged = adapted.merge_and_unload()

    got, wanted = ours.model.model.state_dict(), merged.state_dict()
    assert got.keys() == wanted.keys() == base.model.state_dict().keys()
    for name, value in wanted.items():
        torch.testing.assert_close(got[name], value, msg=name)
        changed = not torch.equal(value, base.model.state_dict()[name])
        assert changed == (name in coordinate_axes(base)), name


def test_adapters_change_nothing_at_first_and_are_few(llama, sets):
    lm = llama.copy()
    adapted = adapt(lm, LoRA(rank=2), seed=3)
    ids = torch.arange(1, 9)[None]
    assert torch.equal(lm.model(ids).logits, llama.model(ids).logits)
    shapes = [extent.shape for extent in coordinate_axes(llama).values()]
    assert sum(p.numel() for p in adapted.parameters.values()) == sum(2 * (a + b) for a, b in shapes)
    again = adapt(llama.copy(), LoRA(rank=2), seed=3).parameters
    assert all(torch.equal(again[name], value) for name, value in adapted.parameters.items())


def test_resumes_to_the_same_bits(llama, sets, tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    config = TrainConfig(steps=4, batch_size=3, checkpoint_every=2, callback_every=3, seed=1)

    def cut(lm):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(llama, sets.target, lora=LoRA(rank=2), config=config, callback=cut, checkpoint=path)
    with pytest.raises(SeatError, match="other settings"):
        train(llama, sets.target, lora=LoRA(rank=3), config=config, callback=dict, checkpoint=path)
    resumed = train(llama, sets.target, lora=LoRA(rank=2), config=config, callback=lambda lm: {}, checkpoint=path)
    whole = train(llama, sets.target, lora=LoRA(rank=2), config=config, callback=lambda lm: {})
    for name, value in whole.model.model.state_dict().items():
        assert torch.equal(resumed.model.model.state_dict()[name], value), name


def test_not_with_a_mask(llama, sets):
    with pytest.raises(SeatError, match="not both"):
        train(llama, sets.target, lora=LoRA(), mask=random_neurons(llama, 0.2), config=CONFIG)
    with pytest.raises(SeatError, match="rank"):
        LoRA(rank=0)
