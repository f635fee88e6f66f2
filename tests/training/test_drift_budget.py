"""A limit on drift: what is watched is the displacement of copies, and the KL follows it."""

from dataclasses import replace

import pytest
import torch

from seat_interp.capture import AtToken, capture
from seat_interp.core.errors import SeatError
from seat_interp.directions.direction import fit_direction
from seat_interp.facts import Names, ep_prompts
from seat_interp.models.open import open_model
from seat_interp.organism.study import organism_facts
from seat_interp.training.config import TrainConfig
from seat_interp.training.drift_budget import DriftBudget
from seat_interp.training.objectives import SEAT, Continuation
from seat_interp.training.trainer import train

CONFIG = TrainConfig(steps=20, batch_size=4, learning_rate=5e-3, seed=2)


@pytest.fixture
def direction(llama, sets):
    return fit_direction(llama, unknown=sets.unknown, known=sets.known)


def test_watches_the_mean_displacement_of_copies_in_gaps(llama, sets, direction):
    count = 2 * len(sets.target)
    watch = DriftBudget(direction, prompts=count).watch(llama, sets.target, Names(), 5)
    assert watch(llama) == pytest.approx(0, abs=1e-9)
    tuned = train(llama, sets.target, config=CONFIG).model
    questions = [fact.question for fact in ep_prompts(sets.target, per_fact=2, seed=5 + 1_000_003)]
    at = AtToken(direction.position)
    before, after = (capture(lm, questions, reduce=at).values[:, direction.layer].double() for lm in (llama, tuned))
    moved = (after - before) @ direction.vectors[direction.layer] / direction.separation[direction.layer]
    assert watch(tuned) == pytest.approx(float(moved.mean()), rel=1e-4)
    assert abs(watch(tuned)) > 0.01


def test_the_factor_rises_above_the_limit_falls_below_it_and_has_bounds(direction):
    budget = DriftBudget(direction, limit=0.2, gain=0.5, most=4.0)
    assert budget.follow(1.0, 0.2) == pytest.approx(1.0)
    assert budget.follow(1.0, -0.4) == pytest.approx(torch.e**0.5)
    assert budget.follow(1.0, 0.0) == pytest.approx(torch.e**-0.5)
    assert budget.follow(3.9, 2.0) == pytest.approx(4.0)
    assert budget.follow(0.3, 0.0) == pytest.approx(0.25)


def test_a_tighter_limit_leaves_less_drift():
    lm, sets = open_model("organism"), organism_facts("people")
    direction = fit_direction(lm, unknown=sets.fit_unknown[:80], known=sets.fit_known[:80], positions=(-1,))
    config = TrainConfig(steps=20, batch_size=16, learning_rate=2e-3)
    ends = {}
    for limit in (0.02, 1e3):
        budget = DriftBudget(direction, limit=limit, every=1)
        how = {
            "objective": SEAT(weight=1.0, continuation=Continuation.BASE, prompts_per_fact=1),
            "config": config,
            "names": sets.names(),
            "drift_budget": budget,
        }
        run = train(lm, sets.target[:32], **how)
        looked = [row for row in run.log if "drift" in row]
        assert [row["step"] for row in looked] == list(range(1, 21))
        ends[limit] = (run.log[-1]["factor"], budget.watch(lm, sets.target, sets.names(), 9)(run.model))
    assert ends[0.02][0] > 8
    assert ends[1e3][0] == pytest.approx(1 / 32)
    assert abs(ends[0.02][1]) < 0.5 * abs(ends[1e3][1])


def test_taken_up_with_the_factor_that_it_had(llama, sets, direction, tmp_path):
    config = replace(CONFIG, steps=8, checkpoint_every=3, callback_every=7)
    how = {
        "objective": SEAT(weight=1.0, continuation=Continuation.BASE, max_new_tokens=4),
        "config": config,
        "drift_budget": DriftBudget(direction, 0.05, every=2),
    }

    def cut(lm):
        raise KeyboardInterrupt

    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train(llama, sets.target, callback=cut, checkpoint=path, **how)
    other = direction.vectors.clone()
    other[:, 20] += 1e-6  # in the middle, where a printed tensor shows nothing
    elsewhere = replace(how["drift_budget"], direction=replace(direction, vectors=other))
    with pytest.raises(SeatError, match="other settings"):
        train(llama, sets.target, callback=dict, checkpoint=path, **{**how, "drift_budget": elsewhere})
    resumed = train(llama, sets.target, callback=lambda lm: {}, checkpoint=path, **how)
    whole = train(llama, sets.target, callback=lambda lm: {}, **how)
    assert resumed.log == whole.log
    assert any(row["factor"] != 1 for row in whole.log)


def test_refusals(llama, sets, direction):
    with pytest.raises(SeatError, match="scales the KL"):
        train(llama, sets.target, config=CONFIG, drift_budget=DriftBudget(direction))
    with pytest.raises(SeatError, match="limit"):
        DriftBudget(direction, limit=0.0)
