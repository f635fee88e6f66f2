"""The pull's gradient has the direction of the way back and the size of the other term's."""

import pytest
import torch
from tiny_models import make_model

from analyses.common.matched_l2sp import GradientMatchedL2SP
from seat_interp.facts import Names
from seat_interp.training.config import TrainConfig
from seat_interp.training.objectives import CrossEntropy, Draw, SelfDistillation
from seat_interp.training.trainer import train

DRAWS = [Draw(0, 0), Draw(1, 0)]


def gradients(lm, value):
    lm.model.zero_grad(set_to_none=True)
    value.backward()
    return {name: p.grad.clone() for name, p in lm.model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("frozen", [False, True])
def test_as_large_as_the_other_term_and_towards_the_base(tokenizer, sets, frozen):
    base = make_model("llama", tokenizer)
    tuned = train(base, sets.target, config=TrainConfig(steps=2, batch_size=2, learning_rate=1e-2)).model
    if frozen:
        tuned.model.get_input_embeddings().requires_grad_(False)
    other = SelfDistillation(weight=3.0)
    pull = GradientMatchedL2SP(other).prepare(base, sets.target, Names(), 0)
    distil = other.prepare(base, sets.target, Names(), 0)
    wanted = gradients(tuned, distil(tuned, DRAWS))
    found = gradients(tuned, pull(tuned, DRAWS))
    assert found.keys() == wanted.keys()
    norms = [torch.stack([g.square().sum() for g in each.values()]).sum().sqrt() for each in (found, wanted)]
    assert norms[0].item() == pytest.approx(norms[1].item(), rel=1e-4)
    start, now = dict(base.model.named_parameters()), dict(tuned.model.named_parameters())
    factor = float(next(iter(found.values())).norm() / (now[next(iter(found))] - start[next(iter(found))]).norm())
    for name, grad in found.items():
        torch.testing.assert_close(grad, factor * (now[name] - start[name]).detach(), rtol=1e-4, atol=1e-7)


def test_no_pull_before_anything_moved_and_it_trains(tokenizer, sets):
    base = make_model("llama", tokenizer)
    assert (
        GradientMatchedL2SP(SelfDistillation()).prepare(base, sets.target, Names(), 0)(base.copy(), DRAWS).item() == 0.0
    )
    config = TrainConfig(steps=4, batch_size=2, learning_rate=1e-2)
    objective = (CrossEntropy(), GradientMatchedL2SP(SelfDistillation()))
    log = train(base, sets.target, objective=objective, config=config).log
    assert log[0]["matched_l2sp"] == 0.0
    assert log[-1]["matched_l2sp"] > 0.0
