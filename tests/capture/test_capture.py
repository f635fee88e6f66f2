"""Captured activations against Hugging Face's hidden states of unpadded single prompts."""

import sys

import pytest
import torch
from tiny_models import FAMILIES, NAMES, QUESTIONS

from seat_interp.capture import AtToken, Capture, Kind, MeanToken, Projection, capture
from seat_interp.core.errors import SeatError
from seat_interp.models.prompts import encode_prompts


def one_by_one(lm, questions, layer: int) -> list[torch.Tensor]:
    """Residual stream of each prompt alone: the oracle. Not for the last layer, whose entry is normed."""
    rows = []
    for ids in encode_prompts(lm, questions):
        with torch.no_grad():
            hidden = lm.model(torch.tensor([ids]), output_hidden_states=True).hidden_states
        rows.append(hidden[layer + 1][0])
    return rows


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pad_left", [False, True])
@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_last_token_matches_unpadded_hidden_states(models_by_family, family, pad_left, batch_size):
    lm = models_by_family(family)
    found = capture(lm, QUESTIONS, batch_size=batch_size, pad_left=pad_left)
    assert found.values.shape == (len(QUESTIONS), 3, 32)
    for layer in (0, 1):
        expected = torch.stack([row[-1] for row in one_by_one(lm, QUESTIONS, layer)])
        torch.testing.assert_close(found.values[:, layer], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("pad_left", [False, True])
def test_other_reductions(llama, pad_left):
    rows = one_by_one(llama, QUESTIONS, 1)
    third = capture(llama, QUESTIONS, layers=[1], reduce=AtToken(-3), pad_left=pad_left)
    torch.testing.assert_close(third.values[:, 0], torch.stack([row[-3] for row in rows]), rtol=1e-5, atol=1e-5)
    mean = capture(llama, QUESTIONS, layers=[1], reduce=MeanToken(), pad_left=pad_left)
    torch.testing.assert_close(mean.values[:, 0], torch.stack([row.mean(0) for row in rows]), rtol=1e-5, atol=1e-5)
    vectors = torch.nn.functional.normalize(torch.randn(3, 32, dtype=torch.float64), dim=-1)
    projected = capture(llama, QUESTIONS, layers=[1], reduce=Projection(vectors), pad_left=pad_left)
    expected = torch.stack([row[-1].double() @ vectors[1] for row in rows])
    torch.testing.assert_close(projected.values[:, 0, 0], expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("family", ["llama", "gpt2", "opt"])
def test_neurons_give_the_mlps_output_through_the_down_projection(models_by_family, family):
    lm = models_by_family(family)
    neurons = capture(lm, QUESTIONS[:1], kind=Kind.NEURONS).values[0, 1]
    seen = {}
    down = lm.model.get_submodule(lm.sites.mlps[1].down)
    hook = down.register_forward_hook(lambda module, args, output: seen.update(out=output))
    lm.model(torch.tensor(encode_prompts(lm, QUESTIONS[:1])))
    hook.remove()
    torch.testing.assert_close(down(neurons), seen["out"].reshape(-1, 32)[-1], rtol=1e-4, atol=1e-5)


def test_stops_after_the_last_wanted_layer_and_leaves_no_hooks(llama):
    def hooks() -> int:  # transformers keeps some of its own
        return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in llama.model.modules())

    calls, before = [], hooks()
    block = llama.model.get_submodule(llama.sites.blocks[2])
    hook = block.register_forward_hook(lambda *_: calls.append("block 2"))
    head = llama.model.get_output_embeddings().register_forward_hook(lambda *_: calls.append("head"))
    first = capture(llama, QUESTIONS, layers=[0, 1])
    assert calls == []
    hook.remove()
    head.remove()
    assert first.layers == (0, 1)
    assert hooks() == before


def test_saved_captures_read_back_and_name_their_origin(llama, models_by_family, tmp_path):
    found = capture(llama, QUESTIONS)
    again = Capture.load(found.save(tmp_path / "c.safetensors"))
    assert torch.equal(again.values, found.values)
    assert again.origin["model"] == llama.fingerprint
    assert again.origin["processing"] == "none"
    assert again.origin["versions"]["torch"]
    assert again.origin["prompts"] != capture(llama, QUESTIONS[:2]).origin["prompts"]
    again.require_fits(llama)
    with pytest.raises(SeatError, match="gpt2 model"):
        again.require_fits(models_by_family("gpt2"))
    (tmp_path / "c.safetensors").write_bytes((tmp_path / "c.safetensors").read_bytes()[:200])
    with pytest.raises(SeatError, match="truncated"):
        Capture.load(tmp_path / "c.safetensors")


def test_bad_requests_are_refused(llama):
    with pytest.raises(SeatError, match="no prompts"):
        capture(llama, [])
    with pytest.raises(SeatError, match="layers 0 to 2"):
        capture(llama, QUESTIONS, layers=[7])
    with pytest.raises(SeatError, match="fewer than"):
        capture(llama, QUESTIONS, reduce=AtToken(-50))
    with pytest.raises(SeatError, match="takes 128"):
        capture(llama, ["Where was Ada Moran born? " * 60])


def test_activations_that_are_not_finite_are_refused(llama):
    broken = llama.copy()
    torch.nn.init.constant_(broken.model.get_parameter("model.layers.1.mlp.down_proj.weight"), float("inf"))
    with pytest.raises(SeatError, match="not finite"):
        capture(broken, QUESTIONS)


def test_many_prompts_are_tokens_a_part_at_a_time(llama, monkeypatch):
    """Prompts of many lengths, five at a time, are those of one go, in their order."""
    many = [f"Where was {name} born{'?' * (1 + number % 3)}" for number, name in enumerate(NAMES)]
    whole = capture(llama, many, batch_size=2, progress=False).values
    monkeypatch.setattr(sys.modules[Capture.__module__], "_PART", 5)
    torch.testing.assert_close(capture(llama, many, batch_size=2, progress=False).values, whole, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(capture(llama, many, batch_size=50, progress=False).values, whole, rtol=1e-5, atol=1e-5)
