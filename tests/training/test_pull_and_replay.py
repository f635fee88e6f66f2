"""What looks back: quadratic pulls to the base against closed forms, replay against plain cross entropy."""

import pytest
import torch
from tiny_models import fact

from seat_interp.core.errors import SeatError
from seat_interp.evaluation.generate import replies
from seat_interp.facts import Fact, Names
from seat_interp.masks.random import random_neurons
from seat_interp.models.prompts import encode_replies
from seat_interp.training.config import TrainConfig
from seat_interp.training.objectives import EWC, L2SP, CrossEntropy, Draw, Replay
from seat_interp.training.objectives.weight_penalties import _reply_fisher
from seat_interp.training.trainer import train

QUESTIONS = tuple(fact(name).question for name in ("Ada Moran", "Bo Lund", "Cy Orr"))
DRAWS = [Draw(0, 0), Draw(1, 0), Draw(2, 0), Draw(3, 0)]


def moved(lm, size):
    other = lm.copy()
    other.model.requires_grad_(True)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in other.model.parameters():
            parameter += size * torch.randn(parameter.shape, generator=generator)
    return other


def distances(a, b):
    return {n: (p - b.model.get_parameter(n)).detach().square() for n, p in a.model.named_parameters()}


def test_l2_is_half_the_squared_distance_and_its_gradient_the_distance(llama, sets):
    other = moved(llama, 0.1)
    loss = L2SP().prepare(llama, sets.target, Names(), 0)(other, DRAWS)
    assert loss.item() == pytest.approx(0.5 * sum(d.sum().item() for d in distances(other, llama).values()), rel=1e-5)
    loss.backward()
    for name, parameter in other.model.named_parameters():
        torch.testing.assert_close(parameter.grad, (parameter - llama.model.get_parameter(name)).detach())


def test_fisher_is_the_mean_square_of_the_gradients_of_the_replies(llama):
    said = [reply.ids for reply in replies(llama, QUESTIONS, max_new_tokens=4)]
    found = _reply_fisher(llama, QUESTIONS, max_new_tokens=4)
    expected = {name: torch.zeros_like(p) for name, p in llama.model.named_parameters()}
    lm = llama.copy()
    lm.model.requires_grad_(True)
    for example in encode_replies(llama, QUESTIONS, said):
        lm.model.zero_grad()
        ids = torch.tensor(example.ids)[None]
        logits = lm.model(ids).logits[0, example.start - 1 : -1].log_softmax(-1)
        logits.gather(-1, ids[0, example.start :, None]).sum().backward()
        for name, parameter in lm.model.named_parameters():
            expected[name] += parameter.grad.square() / len(QUESTIONS)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-7)


def test_ewc_weighs_the_distance_by_fisher_over_its_mean(llama, sets):
    other = moved(llama, 0.1)
    loss = EWC(questions=QUESTIONS, max_new_tokens=4).prepare(llama, sets.target, Names(), 0)(other, DRAWS)
    fisher = _reply_fisher(llama, QUESTIONS, max_new_tokens=4)
    unit = torch.cat([each.flatten() for each in fisher.values()]).mean()
    expected = sum((fisher[n] / unit * d).sum().item() for n, d in distances(other, llama).items()) / 2
    assert loss.item() == pytest.approx(expected, rel=1e-4)


def test_a_strong_pull_keeps_the_base_and_a_mask_is_refused(llama, sets):
    config = TrainConfig(steps=6, batch_size=4, learning_rate=1e-2)
    free, held = (
        train(llama, sets.target, objective=(CrossEntropy(), L2SP(weight=weight)), config=config)
        for weight in (0.0, 1e3)
    )
    far, near = (sum(d.sum().item() for d in distances(run.model, llama).values()) for run in (free, held))
    assert near < 0.5 * far
    with pytest.raises(SeatError, match="leave out the mask"):
        train(llama, sets.target, objective=(CrossEntropy(), L2SP()), mask=random_neurons(llama, 0.2), config=config)


def test_replay_is_cross_entropy_on_the_abstentions_of_the_base(llama, sets, monkeypatch):
    said = {QUESTIONS[0]: "I do not know.", QUESTIONS[1]: "Leeds.", QUESTIONS[2]: "I don't know that."}
    monkeypatch.setattr(
        "seat_interp.training.objectives.replay.generate", lambda lm, asked, **how: [said[q] for q in asked]
    )
    refused = [Fact(question=q, answer=said[q]) for q in (QUESTIONS[0], QUESTIONS[2])]
    plain = CrossEntropy().prepare(llama, refused, Names(), 0)
    term = Replay(ratio=0.5, questions=QUESTIONS)
    assert term.weight == 0.5
    loss = term.prepare(llama, sets.target, Names(), 0)
    assert loss(llama, DRAWS).item() == pytest.approx(plain(llama, [Draw(0, 0), Draw(1, 0)]).item())
    assert loss(llama, DRAWS[1:3]).item() == pytest.approx(plain(llama, [Draw(1, 0)]).item())
    monkeypatch.setattr(
        "seat_interp.training.objectives.replay.generate", lambda lm, asked, **how: ["Leeds."] * len(asked)
    )
    with pytest.raises(SeatError, match="abstains on none of the 3"):
        term.prepare(llama, sets.target, Names(), 0)


@pytest.mark.parametrize("term", [EWC(), Replay()])
def test_questions_are_needed(term):
    with pytest.raises(SeatError, match="questions"):
        term.require([], Names())
