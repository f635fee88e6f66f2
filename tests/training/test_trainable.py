"""Sparse updates against dense training with the gradient masked by hand, in every family."""

import pytest
import torch
from tiny_models import CORE_FAMILIES

from seat_interp.masks.random import random_coordinates, random_neurons
from seat_interp.training.trainable import train_all, train_masked

IDS = torch.arange(5, 17).view(2, 6)


def loss_of(model):
    return torch.nn.functional.cross_entropy(model(IDS).logits[:, :-1].flatten(0, 1), IDS[:, 1:].flatten())


@pytest.mark.parametrize("family", CORE_FAMILIES)
@pytest.mark.parametrize("draw", [random_neurons, random_coordinates])
def test_matches_dense_gradient_times_mask(models_by_family, family, draw):
    """The oracle: full-size SGD whose gradient is multiplied by the dense mask, everything else frozen."""
    base = models_by_family(family)
    mask = draw(base, 0.25)
    sparse, dense = base.copy(), base.copy()
    trainable = train_masked(sparse, mask)
    optimiser = torch.optim.SGD(trainable.parameters.values(), lr=0.1)
    for _ in range(4):
        optimiser.zero_grad(set_to_none=True)
        loss_of(sparse.model).backward()
        optimiser.step()
        trainable.after_step()
        dense.model.zero_grad(set_to_none=True)
        loss_of(dense.model).backward()
        with torch.no_grad():
            for name in mask.indices:
                weight = dense.model.get_parameter(name)
                weight -= 0.1 * weight.grad * mask.dense(name)
    trainable.finish()
    for name, weight in sparse.model.state_dict().items():
        original = base.model.state_dict()[name]
        torch.testing.assert_close(weight, dense.model.state_dict()[name], rtol=1e-4, atol=1e-5)
        untouched = ~mask.dense(name) if name in mask.indices else torch.ones_like(weight, dtype=torch.bool)
        assert torch.equal(weight[untouched], original[untouched]), name
        if name in mask.indices:
            assert not torch.equal(weight, original), name


@pytest.mark.parametrize("draw", [random_neurons, random_coordinates])
def test_finishing_leaves_a_plain_model_that_computes_the_same(llama, draw):
    lm = llama.copy()
    trainable = train_masked(lm, draw(lm, 0.25))
    with torch.no_grad():
        for parameter in trainable.parameters.values():
            parameter += torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)) * 0.05
    trainable.after_step()
    during = lm.model(IDS).logits
    trainable.finish()
    torch.testing.assert_close(lm.model(IDS).logits, during, rtol=1e-4, atol=1e-5)
    assert all(parameter.requires_grad for parameter in lm.model.parameters())
    assert not any(p._post_accumulate_grad_hooks for p in lm.model.parameters() if p._post_accumulate_grad_hooks)


@pytest.mark.parametrize("draw", [random_neurons, random_coordinates])
def test_the_optimiser_sees_only_what_is_chosen(llama, draw):
    lm = llama.copy()
    mask = draw(lm, 0.25)
    trainable = train_masked(lm, mask)
    assert sum(parameter.numel() for parameter in trainable.parameters.values()) == len(mask)
    loss_of(lm.model).backward()
    assert all(parameter.grad is not None for parameter in trainable.parameters.values())
    # No dense gradient outlives the backward pass.
    assert all(parameter.grad is None for parameter in lm.model.parameters())


def test_accumulated_gradients_add_up(llama):
    lm = llama.copy()
    trainable = train_masked(lm, random_coordinates(lm, 0.25))
    loss_of(lm.model).backward()
    once = {name: parameter.grad.clone() for name, parameter in trainable.parameters.items()}
    loss_of(lm.model).backward()
    for name, parameter in trainable.parameters.items():
        torch.testing.assert_close(parameter.grad, 2 * once[name])


def test_training_all_counts_tied_weights_once(llama):
    lm = llama.copy()
    names = train_all(lm).parameters
    assert "lm_head.weight" not in names
    assert len(names) == len(list(lm.model.parameters()))
