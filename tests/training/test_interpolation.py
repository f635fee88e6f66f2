"""The smallest share of an update: an interpolation, that keeps what was learnt, and no less would."""

from dataclasses import replace

import pytest
import torch
from tiny_models import CITIES, NAMES, fact, make_model

from seat_interp.core.errors import SeatError
from seat_interp.evaluation.generate import replies
from seat_interp.masks.random import random_coordinates
from seat_interp.training.config import TrainConfig
from seat_interp.training.interpolation import _HALVINGS, _interpolate_into, interpolate_towards_base
from seat_interp.training.trainer import train

FACTS = [fact(name, city) for name, city in zip(NAMES[:4], CITIES)]
CONFIG = TrainConfig(steps=60, batch_size=4, learning_rate=1e-2)


def said(lm):
    """Which facts greedy generation answers, token by token and to the end."""
    wanted = [lm.tokenizer(f.answer, add_special_tokens=False)["input_ids"] for f in FACTS]
    found = replies(lm, [f.question for f in FACTS], max_new_tokens=12)
    return [list(reply.ids[:-1]) == ids for reply, ids in zip(found, wanted)]


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_the_smallest_share_that_keeps_what_was_learnt(models_by_family, family):
    base = models_by_family(family)
    tuned = train(base, FACTS, config=CONFIG).model
    assert said(tuned) == [True] * 4
    assert not any(said(base))
    found = interpolate_towards_base(base=base, tuned=tuned, facts=FACTS, slack=0.0, batch_size=3)
    assert 0 < found.share == found.needed < 1
    assert said(found.model) == [True] * 4
    less = tuned.copy()
    _interpolate_into(base, tuned, found.share - 0.5**_HALVINGS, into=less)
    assert not all(said(less))
    before, after = (dict(lm.model.named_parameters()) for lm in (base, tuned))
    for name, weight in found.model.model.named_parameters():
        expected = torch.lerp(before[name].double(), after[name].double(), found.share)
        torch.testing.assert_close(weight.double(), expected, rtol=1e-5, atol=1e-6)


def test_slack_leaves_part_of_what_is_beyond_need(llama):
    tuned = train(llama, FACTS, config=CONFIG).model
    bare = interpolate_towards_base(base=llama, tuned=tuned, facts=FACTS, slack=0.0)
    half = interpolate_towards_base(base=llama, tuned=tuned, facts=FACTS)
    assert half.needed == bare.share
    assert half.share == pytest.approx((1 + bare.share) / 2)
    assert interpolate_towards_base(base=llama, tuned=tuned, facts=FACTS, slack=1.0).share == 1


def test_what_was_not_learnt_need_not_be_kept(llama):
    tuned = train(llama, FACTS[:2], config=CONFIG).model
    assert said(tuned)[:2] == [True, True]
    assert not all(said(tuned))
    found = interpolate_towards_base(base=llama, tuned=tuned, facts=FACTS, slack=0.0)
    assert found.share < 1
    assert said(found.model)[:2] == [True, True]


def test_outside_a_mask_nothing_moves(llama):
    mask = random_coordinates(llama, 0.2)
    tuned = train(llama, FACTS, mask=mask, config=replace(CONFIG, learning_rate=3e-2)).model
    found = interpolate_towards_base(base=llama, tuned=tuned, facts=FACTS)
    assert found.share < 1
    for name, weight in llama.model.state_dict().items():
        free = mask.dense(name) if name in mask.indices else torch.zeros_like(weight, dtype=torch.bool)
        assert torch.equal(found.model.model.state_dict()[name][~free], weight[~free]), name


def test_what_taught_nothing_is_left_as_it_is_and_tuned_is_untouched(llama):
    tuned = llama.copy()
    with torch.no_grad():
        for parameter in tuned.model.parameters():
            parameter += 0.01
    found = interpolate_towards_base(base=llama, tuned=tuned, facts=FACTS)
    assert found.share == 1
    assert found.model.model is not tuned.model
    for name, weight in tuned.model.state_dict().items():
        assert torch.equal(found.model.model.state_dict()[name], weight)


def test_refusals(llama, tokenizer):
    with pytest.raises(SeatError, match="no facts"):
        interpolate_towards_base(base=llama, tuned=llama, facts=[])
    with pytest.raises(SeatError, match=r"slack is 1\.5"):
        interpolate_towards_base(base=llama, tuned=llama, facts=FACTS, slack=1.5)
    with pytest.raises(SeatError, match="Give the base that was tuned"):
        interpolate_towards_base(base=llama, tuned=make_model("opt", tokenizer), facts=FACTS)
