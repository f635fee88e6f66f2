"""A training that is looked at after some of its epochs: what every study of learning curves does."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from seat_interp.evaluation.score import ask, rates
from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel
from seat_interp.training.config import TrainConfig
from seat_interp.training.trainer import TrainedModel, train

Look = Callable[[LanguageModel], dict[str, Any]]
COMPARED_AT = 0.9
"""D_U at which arms are compared that learn at different speeds."""


def learn(
    base: LanguageModel, facts: Sequence[Fact], look: Look, epochs: Sequence[int], config: TrainConfig, **how: Any
) -> tuple[TrainedModel, list[dict[str, Any]]]:
    """Train up to the last of the epochs; the curve has a moment before it and one after each of them.

    Args:
        base: to start from.
        facts: an epoch is once through them.
        look: what to see of a model.
        epochs: rising; after which to look.
        config: how to train, but for its length.
        how: what else `train` is told.
    """
    steps, epoch = max(1, len(facts) // config.batch_size), 0

    def probe(lm: LanguageModel) -> dict[str, Any]:
        nonlocal epoch
        epoch += 1
        return {"epoch": epoch, **look(lm)} if epoch in epochs else {}

    config = replace(config, steps=epochs[-1] * steps, callback_every=steps)
    tuned = train(base, facts, config=config, callback=probe, **how)
    seen = [
        {key: value for key, value in each.items() if key != "step"} for each in tuned.callback_log if "epoch" in each
    ]
    return tuned, [{"epoch": 0, **look(base)}, *seen]


def asked_of(lm: LanguageModel, asked: Mapping[str, Sequence[Fact]]) -> dict[str, dict[str, float]]:
    """Shares of right answers and of abstentions, set by set; empty sets are left out."""
    found = ask(lm, {n: f for n, f in asked.items() if f}, max_new_tokens=20, batch_size=256, progress=False)
    rate = {name: rates(each) for name, each in found.items()}
    return {name: {"n": each.n, "correct": each.correct, "abstain": each.abstain} for name, each in rate.items()}


def when_learnt(row: dict[str, Any], name: str, what: str = "correct") -> float | None:
    """A rate where the curve first reaches D_U of `COMPARED_AT`, on a line between moments; None if it never does."""
    curve = [(each["rates"]["D_U"]["correct"], each["rates"][name][what]) for each in row["curve"]]
    for (learnt, then), (more, now) in itertools.pairwise(curve):
        if more >= COMPARED_AT:
            return then + (now - then) * (COMPARED_AT - learnt) / (more - learnt)
    return None


Moment = Mapping[str, Any]


def early_stop(curve: Sequence[Moment]) -> Moment:
    """The moment after training began that is best on the set `dev`; the first of equals (2405.05904)."""
    return max(curve[1:], key=lambda moment: moment["rates"]["dev"]["correct"])


def accuracy(moment: Moment, split: str) -> float:
    """Share of right answers over all the sets of a split, whose names begin with its own: "test Unknown" and so on."""
    parts = [found for name, found in moment["rates"].items() if name.startswith(f"{split} ")]
    return sum(part["correct"] * part["n"] for part in parts) / sum(part["n"] for part in parts)


def loss(curve: Sequence[Moment], name: str, what: str = "correct") -> float:
    """Share of right answers in a set, or of abstentions, before training less that at its end."""
    return float(curve[0]["rates"][name][what] - curve[-1]["rates"][name][what])


def middle_drift(moment: Moment) -> float:
    """Its `drift`, one number a layer, at the middle layer: layer 14 of 28 in 2604.15574."""
    return float(moment["drift"][len(moment["drift"]) // 2])
