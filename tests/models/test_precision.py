"""Half precision, several devices, compiled and quantised models."""

import pytest
import torch
from tiny_models import CORE_FAMILIES, QUESTIONS, fact

from seat_interp.attribution import attribute
from seat_interp.capture import Kind, MeanToken, Projection, capture
from seat_interp.core.errors import SeatError
from seat_interp.models.open import wrap_model

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("family", CORE_FAMILIES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_kept_as_float32(models_by_family, family, dtype):
    lm = models_by_family(family)
    half = wrap_model(lm.copy().model.to(dtype), lm.tokenizer)
    found, expected = (capture(each, QUESTIONS, progress=False) for each in (half, lm))
    assert found.values.dtype == torch.float32
    assert found.origin["dtype"] == str(dtype).removeprefix("torch.")
    assert torch.nn.functional.cosine_similarity(found.values, expected.values, dim=-1).min() > 0.99

    # Means are summed in float32 and projections in float64, though the model computes in less.
    mean = capture(half, QUESTIONS, layers=[1], reduce=MeanToken(), progress=False).values
    assert mean.dtype == torch.float32
    unit = torch.nn.functional.normalize(torch.randn(3, 32, dtype=torch.float64), dim=-1)
    along = capture(half, QUESTIONS, layers=[1], reduce=Projection(unit), progress=False).values
    assert along.dtype == torch.float64
    torch.testing.assert_close(along[:, 0, 0], found.values[:, 1].double() @ unit[1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("family", CORE_FAMILIES)
def test_scores_in_bfloat16_are_those_of_float32(models_by_family, family):
    lm = models_by_family(family)
    half = wrap_model(lm.copy().model.to(torch.bfloat16), lm.tokenizer)
    facts = [fact("Ada Moran", "Leeds"), fact("Bela Ross", "Turin")]
    found, expected = (attribute(each, facts).values for each in (half, lm))
    assert all(values.dtype in (torch.float32, torch.float64) for values in found.values())
    a, b = (torch.cat([values.flatten() for values in each.values()]).double() for each in (found, expected))
    assert float(torch.corrcoef(torch.stack([a, b]))[0, 1]) > 0.95


def test_a_model_shared_out_over_devices(llama, tmp_path):
    """There is one device here; a layer whose weights come from disk runs through the same hooks of accelerate."""
    from transformers import AutoModelForCausalLM

    llama.model.save_pretrained(tmp_path / "model")
    places = dict.fromkeys(("model.embed_tokens", "model.norm", "model.rotary_emb", "lm_head"), "cpu")
    places |= {"model.layers.0": "cpu", "model.layers.1": "disk", "model.layers.2": "cpu"}
    model = AutoModelForCausalLM.from_pretrained(
        tmp_path / "model", device_map=places, offload_folder=tmp_path / "offload"
    )
    lm = wrap_model(model, llama.tokenizer)
    for kind in Kind:
        found, expected = (capture(each, QUESTIONS, kind=kind, progress=False).values for each in (lm, llama))
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    assert capture(lm, QUESTIONS).origin["model"]["weights"] == "elsewhere"
    facts = [fact("Ada Moran", "Leeds"), fact("Bela Ross", "Turin")]
    found, expected = (attribute(each, facts).values for each in (lm, llama))
    for name, values in expected.items():
        torch.testing.assert_close(found[name], values, rtol=1e-4, atol=1e-7)


def test_compiled_models_are_looked_into_uncompiled_or_refused(llama):
    compiled = wrap_model(torch.compile(llama.copy().model), llama.tokenizer)
    torch.testing.assert_close(capture(compiled, QUESTIONS).values, capture(llama, QUESTIONS).values, rtol=0, atol=0)
    for part in ("", llama.sites.blocks[1]):
        model = llama.copy().model
        model.get_submodule(part).compile()
        with pytest.raises(SeatError, match="compiled in place"):
            wrap_model(model, llama.tokenizer)


def test_quantised_models_are_captured_and_attributed(llama):
    torchao = pytest.importorskip("torchao.quantization")
    model = llama.copy().model
    torchao.quantize_(model, torchao.Int8WeightOnlyConfig())
    lm = wrap_model(model, llama.tokenizer, name="int8")
    for kind in Kind:
        found, expected = (capture(each, QUESTIONS, kind=kind, progress=False).values for each in (lm, llama))
        assert torch.nn.functional.cosine_similarity(found, expected, dim=-1).min() > 0.99
    facts = [fact("Ada Moran", "Leeds"), fact("Bela Ross", "Turin")]
    scores, plain = (attribute(each, facts) for each in (lm, llama))
    a, b = (torch.cat([v.flatten() for v in each.values.values()]) for each in (scores, plain))
    assert float(torch.corrcoef(torch.stack([a, b]))[0, 1]) > 0.97
    assert capture(lm, QUESTIONS).origin["model"]["weights"] != capture(llama, QUESTIONS).origin["model"]["weights"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="bitsandbytes needs a GPU here")
def test_bitsandbytes(llama, tmp_path):
    pytest.importorskip("bitsandbytes")
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    llama.model.save_pretrained(tmp_path)
    quantised = AutoModelForCausalLM.from_pretrained(
        tmp_path, quantization_config=BitsAndBytesConfig(load_in_8bit=True), device_map={"": 0}
    )
    found = capture(wrap_model(quantised, llama.tokenizer), QUESTIONS).values
    assert torch.nn.functional.cosine_similarity(found, capture(llama, QUESTIONS).values, dim=-1).min() > 0.97
