"""Attached masks against dense training with the gradient masked by hand, in every family."""

import copy
import textwrap
from dataclasses import replace

import pytest
import torch
from tiny_models import CORE_FAMILIES

from seat_interp.core.errors import SeatError
from seat_interp.core.files import load_tensors, save_tensors
from seat_interp.masks.attach import attach
from seat_interp.masks.mask import Mask
from seat_interp.masks.random import random_coordinates, random_neurons
from seat_interp.masks.sparse_update import SparseUpdate

IDS = torch.arange(5, 17).view(2, 6)
both = pytest.mark.parametrize("draw", [random_neurons, random_coordinates])


def loss_of(model):
    return torch.nn.functional.cross_entropy(model(IDS).logits[:, :-1].flatten(0, 1), IDS[:, 1:].flatten())


def shaken(attached):
    """The parameters as after some training."""
    with torch.no_grad():
        for parameter in attached.parameters.values():
            parameter += torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)) * 0.05


@pytest.mark.parametrize("family", CORE_FAMILIES)
@both
def test_matches_dense_gradient_times_mask(models_by_family, family, draw):
    """The oracle: full-size SGD whose gradient is multiplied by the dense mask, everything else frozen."""
    base = models_by_family(family)
    mask = draw(base, 0.25)
    sparse, dense = base.copy(), base.copy()
    attached = attach(sparse.model, mask)
    optimiser = torch.optim.SGD(attached.parameters.values(), lr=0.1)
    for _ in range(4):
        optimiser.zero_grad(set_to_none=True)
        loss_of(sparse.model).backward()
        optimiser.step()
        dense.model.zero_grad(set_to_none=True)
        loss_of(dense.model).backward()
        with torch.no_grad():
            for name in mask.indices:
                weight = dense.model.get_parameter(name)
                weight -= 0.1 * weight.grad * mask.dense(name)
    attached.merge()
    assert sparse.model.state_dict().keys() == base.model.state_dict().keys()
    for name, weight in sparse.model.state_dict().items():
        original = base.model.state_dict()[name]
        torch.testing.assert_close(weight, dense.model.state_dict()[name], rtol=1e-4, atol=1e-5)
        untouched = ~mask.dense(name) if name in mask.indices else torch.ones_like(weight, dtype=torch.bool)
        assert torch.equal(weight[untouched], original[untouched]), name
        if name in mask.indices:
            assert not torch.equal(weight, original), name


@both
def test_folding_leaves_a_plain_model_that_computes_the_same(llama, draw):
    lm = llama.copy()
    attached = attach(lm.model, draw(lm, 0.25))
    shaken(attached)
    during = lm.model(IDS).logits
    attached.merge()
    torch.testing.assert_close(lm.model(IDS).logits, during, rtol=1e-4, atol=1e-5)
    assert all(parameter.requires_grad for parameter in lm.model.parameters())
    for module in (m for m in lm.model.modules() if isinstance(m, torch.nn.Linear)):
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
        assert not module._state_dict_pre_hooks


@both
def test_folding_gives_what_was_frozen_before_back_frozen(llama, draw):
    lm = llama.copy()
    lm.model.get_input_embeddings().weight.requires_grad_(False)
    before = {name: parameter.requires_grad for name, parameter in lm.model.named_parameters()}
    attach(lm.model, draw(lm, 0.25)).merge()
    assert {name: parameter.requires_grad for name, parameter in lm.model.named_parameters()} == before


@both
def test_the_optimiser_sees_only_what_is_chosen(llama, draw):
    lm = llama.copy()
    mask = draw(lm, 0.25)
    attached = attach(lm.model, mask)
    trained = [parameter for parameter in lm.model.parameters() if parameter.requires_grad]
    assert {id(p) for p in trained} == {id(p) for p in attached.parameters.values()}
    assert sum(parameter.numel() for parameter in trained) == len(mask)
    loss_of(lm.model).backward()
    # No dense gradient outlives the backward pass.
    assert all((parameter.grad is not None) == parameter.requires_grad for parameter in lm.model.parameters())


@both
def test_accumulated_gradients_add_up(llama, draw):
    attached = attach((lm := llama.copy()).model, draw(lm, 0.25))
    loss_of(lm.model).backward()
    once = {name: parameter.grad.clone() for name, parameter in attached.parameters.items()}
    loss_of(lm.model).backward()
    for name, parameter in attached.parameters.items():
        torch.testing.assert_close(parameter.grad, 2 * once[name])


@both
def test_gradient_checkpointing_gives_the_same_gradients(llama, draw):
    plain, saving = llama.copy(), llama.copy()
    found = []
    for lm in (plain, saving):
        attached = attach(lm.model.train(), draw(lm, 0.25))
        if lm is saving:
            lm.model.gradient_checkpointing_enable()
        loss_of(lm.model).backward()
        found.append({name: parameter.grad for name, parameter in attached.parameters.items()})
    torch.testing.assert_close(found[0], found[1])


@both
def test_a_low_precision_model_keeps_its_update_in_float32(llama, draw):
    lm = llama.copy()
    lm.model.to(torch.bfloat16)
    attached = attach(lm.model, draw(lm, 0.25))
    assert {parameter.dtype for parameter in attached.parameters.values()} == {torch.float32}
    loss_of(lm.model).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in attached.parameters.values())
    shaken(attached)
    during = lm.model(IDS).logits
    attached.merge()
    assert {parameter.dtype for parameter in lm.model.parameters()} == {torch.bfloat16}
    torch.testing.assert_close(lm.model(IDS).logits, during, rtol=0.1, atol=0.1)


def test_saved_weights_are_those_of_the_last_step(llama):
    """Between a step and the next forward pass, the state dict holds what the step made."""
    lm = llama.copy()
    mask = random_coordinates(lm, 0.25)
    attached = attach(lm.model, mask)
    shaken(attached)
    saved = {name: value.clone() for name, value in lm.model.state_dict().items()}
    attached.merge()
    for name, weight in lm.model.state_dict().items():
        assert torch.equal(saved[name], weight), name


@both
def test_a_copy_of_an_attached_model_has_an_update_of_its_own(llama, draw):
    lm = llama.copy()
    attached = attach(lm.model, draw(lm, 0.25))
    lm.model(IDS)
    shaken(attached)
    twin = copy.deepcopy(lm.model)
    torch.testing.assert_close(twin(IDS).logits, lm.model(IDS).logits)
    with torch.no_grad():
        for parameter in attached.parameters.values():
            parameter.zero_()
    torch.testing.assert_close(lm.model(IDS).logits, llama.model(IDS).logits)
    assert not torch.allclose(twin(IDS).logits, lm.model(IDS).logits)


@both
@pytest.mark.parametrize("how", [{"fused": True}, {"foreach": True}, {"foreach": False}])
def test_every_kind_of_optimiser_moves_what_the_model_computes(llama, draw, how):
    """Fused kernels change tensors without counting up their version."""
    lm = llama.copy()
    attached = attach(lm.model, draw(lm, 0.25))
    optimiser = torch.optim.AdamW(attached.parameters.values(), lr=1e-2, **how)
    losses = []
    for _ in range(6):
        optimiser.zero_grad()
        (loss := loss_of(lm.model)).backward()
        optimiser.step()
        losses.append(loss.item())
    assert sorted(losses, reverse=True) == losses
    during = loss_of(lm.model).item()
    attached.merge()
    assert loss_of(lm.model).item() == pytest.approx(during, abs=1e-5)


def test_a_second_mask_and_an_empty_one_are_refused(llama):
    lm = llama.copy()
    mask = random_neurons(lm, 0.25)
    with pytest.raises(SeatError, match="nothing to train"):
        attach(lm.model, mask - mask)
    attach(lm.model, mask)
    with pytest.raises(SeatError, match="attached to this model already"):
        attach(lm.model, mask)


@both
@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_the_update_leads_from_the_base_to_the_tuned_model(models_by_family, family, draw, tmp_path):
    """Folded, added and added from the file by the documented lines: the same bits."""
    base = models_by_family(family)
    lm = base.copy()
    attached = attach(lm.model, draw(lm, 0.25))
    shaken(attached)
    update = attached.merge()
    added, by_hand = base.copy().model, base.copy().model
    update.add_to(added)
    file = update.save(tmp_path / "delta.safetensors")
    lines = type(update).save.__doc__.split("Without seat_interp::\n\n")[1].split("Args:")[0]
    code = textwrap.dedent(lines)
    exec(code.replace("delta.safetensors", str(file)), {"model": by_hand})
    found = SparseUpdate.between(base=base.model, tuned=lm.model, mask=update.mask)
    for name, weight in lm.model.state_dict().items():
        assert torch.equal(added.state_dict()[name], weight), name
        assert torch.equal(by_hand.state_dict()[name], weight), name
    for name, value in update.values.items():
        torch.testing.assert_close(found.values[name], value, rtol=1e-3, atol=1e-6)
    again = SparseUpdate.load(file)
    assert again.mask == update.mask
    assert again.values.keys() == update.values.keys()
    assert all(torch.equal(again.values[name], value) for name, value in update.values.items())


def test_what_does_not_fit_is_refused_with_both_sides(models_by_family, llama):
    mask = random_neurons(llama, 0.25)
    shallow = replace(mask, origin={**mask.origin, "model": {**mask.origin["model"], "layers": 2}})
    for model, given, said in (
        (llama.copy().model, shallow, r"made with a llama model \(layers 2\), but this is a llama model \(layers 3\)"),
        (models_by_family("gpt2").copy().model, mask, r"made with a llama model .* but this is a gpt2 model"),
        (llama, mask, "a LanguageModel is none. Give its `.model`"),
    ):
        with pytest.raises(SeatError, match=said):
            attach(model, given)


def test_a_wrapped_model_is_refused(llama):
    peft = pytest.importorskip("peft")
    lm = llama.copy()
    wrapped = peft.get_peft_model(lm.model, peft.LoraConfig(r=1, target_modules=["down_proj"]))
    with pytest.raises(SeatError, match="wrapped by PEFT"):
        attach(wrapped, random_neurons(llama, 0.25))


def test_an_update_without_its_values_is_refused(llama, tmp_path):
    attached = attach(llama.copy().model, random_neurons(llama, 0.25))
    file = attached.merge().save(tmp_path / "delta.safetensors")
    tensors, header = load_tensors(file, "seat_interp.delta")
    save_tensors(file, {name: each for name, each in tensors.items() if name.endswith(".places")}, header)
    with pytest.raises(SeatError, match="not hold as many values as places"):
        SparseUpdate.load(file)


def test_a_difference_outside_the_mask_is_refused(llama):
    lm = llama.copy()
    mask = random_neurons(lm, 0.25)
    with torch.no_grad():
        lm.model.get_input_embeddings().weight[3, 3] += 1
    with pytest.raises(SeatError, match="differs outside the mask"):
        SparseUpdate.between(base=llama.model, tuned=lm.model, mask=mask)


@both
def test_a_file_attaches_like_the_mask_it_holds(llama, draw, tmp_path):
    mask = draw(llama, 0.25)
    attached = attach((lm := llama.copy()).model, Mask.load(mask.save(tmp_path / "mask.safetensors")))
    assert sum(parameter.numel() for parameter in attached.parameters.values()) == len(mask)
    assert attached.parameters.keys() <= {name for name, _ in llama.model.named_parameters()}
    del lm
