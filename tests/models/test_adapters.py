"""Before and after from one model with adapters: switched, never unmerged."""

import peft
import pytest
import torch
from tiny_models import QUESTIONS, make_model, make_tokenizer

from seat_interp.capture import Kind, capture
from seat_interp.core.errors import SeatError
from seat_interp.models.adapters import adapter
from seat_interp.models.open import wrap_model

pytestmark = pytest.mark.filterwarnings("ignore")


def lora(**more):
    return peft.LoraConfig(r=4, target_modules=["q_proj", "down_proj"], init_lora_weights=False, **more)


def shira():
    return peft.ShiraConfig(r=2, target_modules=["q_proj", "down_proj"], init_weights=False)


def looked(lm, kind=Kind.RESIDUAL):
    return capture(lm, QUESTIONS, kind=kind, progress=False)


@pytest.mark.parametrize("make", [lora, shira, lambda: lora(modules_to_save=["embed_tokens"])])
@pytest.mark.parametrize("kind", list(Kind))
def test_before_and_after_from_one_model(make, kind):
    plain = make_model("llama", make_tokenizer())
    base = looked(plain, kind)
    model = peft.get_peft_model(plain.copy().model, make())
    lm = wrap_model(model, make_tokenizer(), name="adapted")
    gradients = [p.requires_grad for p in lm.model.parameters()]

    tuned = looked(lm, kind)
    with adapter(lm, None) as off:
        before = looked(off, kind)
    after = looked(lm, kind)
    torch.testing.assert_close(before.values, base.values, rtol=0, atol=0)
    assert before.origin["model"] == base.origin["model"]  # off, it has the weights of its base
    torch.testing.assert_close(after.values, tuned.values, rtol=0, atol=0)
    assert [p.requires_grad for p in lm.model.parameters()] == gradients

    # Stock PEFT as the oracle: merged in a copy.
    merged = wrap_model(model.merge_and_unload(), make_tokenizer())
    torch.testing.assert_close(looked(merged, kind).values, tuned.values, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(tuned.values, base.values, atol=1e-3)
    assert tuned.origin["model"]["weights"] != base.origin["model"]["weights"]


def test_several_adapters_one_by_one_and_together():
    plain = make_model("llama", make_tokenizer())
    model = peft.get_peft_model(plain.copy().model, lora(), adapter_name="first")
    model.add_adapter("second", peft.LoraConfig(r=2, target_modules=["up_proj"], init_lora_weights=False))
    lm = wrap_model(model, make_tokenizer())
    found = {}
    for names in ("first", "second", ("first", "second"), None):
        with adapter(lm, names):
            found[names] = looked(lm).values
    for names in ("first", "second"):
        model.set_adapter(names)
        torch.testing.assert_close(looked(lm).values, found[names], rtol=0, atol=0)
    model.base_model.set_adapter(["first", "second"])
    torch.testing.assert_close(looked(lm).values, found["first", "second"], rtol=0, atol=0)
    torch.testing.assert_close(found[None], looked(plain).values, rtol=0, atol=0)
    assert len({float(values.sum()) for values in found.values()}) == 4


def test_what_cannot_be_switched_is_named():
    plain = make_model("llama", make_tokenizer())
    with pytest.raises(SeatError, match="has no adapters to switch"), adapter(plain, None):
        pass
    lm = wrap_model(peft.get_peft_model(plain.copy().model, lora()), make_tokenizer(), name="mine")
    with pytest.raises(SeatError, match=r"'mine' has no adapter 'other'\. It has default"), adapter(lm, "other"):
        pass
