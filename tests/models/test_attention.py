"""cuDNN's attention is off wherever gradients are taken, and as it was before afterwards."""

import pytest
import torch
from tiny_models import make_model

from seat_interp.attribution import attribute, weight_fisher
from seat_interp.training.config import TrainConfig
from seat_interp.training.objectives.weight_penalties import _reply_fisher
from seat_interp.training.trainer import train


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(
    "work",
    [
        lambda lm, facts: train(lm, facts, config=TrainConfig(steps=1, batch_size=2)),
        lambda lm, facts: attribute(lm, facts),
        lambda lm, facts: weight_fisher(lm, facts),
        lambda lm, facts: _reply_fisher(lm, [fact.question for fact in facts], max_new_tokens=2),
    ],
    ids=["train", "attribute", "weight_fisher", "_reply_fisher"],
)
def test_off_where_gradients_are_taken(tokenizer, sets, monkeypatch, work, before):
    lm = make_model("llama", tokenizer)
    seen = []
    attention = torch.nn.functional.scaled_dot_product_attention

    def watched(query, *args, **kwargs):
        if torch.is_grad_enabled():
            seen.append(torch.backends.cuda.cudnn_sdp_enabled())
        return attention(query, *args, **kwargs)

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", watched)
    torch.backends.cuda.enable_cudnn_sdp(before)
    try:
        work(lm, sets.target[:2])
        assert seen
        assert not any(seen)
        assert torch.backends.cuda.cudnn_sdp_enabled() is before
    finally:
        torch.backends.cuda.enable_cudnn_sdp(True)
