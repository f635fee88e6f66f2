"""Conversion of a GGUF file: a tiny one written here, and the real model where it has been fetched."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer

from seat_interp.core.errors import SeatError
from seat_interp.models._gguf import convert_gguf, require_gguf
from seat_interp.models.catalogue import is_fetched, model_folder

REAL = "smollm2-135m-instruct"
WIDTH, HIDDEN, CONTEXT = 32, 64, 128
TEMPLATE = "{% for m in messages %}<|im_start|>{{ m['content'] }}<|im_end|>{% endfor %}"


def byte_alphabet() -> list[str]:
    """GPT-2's printable stand-ins for the 256 bytes, in byte order."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> tuple[Path, dict[str, np.ndarray]]:
    """A one-block Llama in GGUF with SmolLM's tokenizer settings; the down projection is in 4-bit blocks."""
    gguf = pytest.importorskip("gguf")
    newline, space = byte_alphabet()[10], byte_alphabet()[32]
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *byte_alphabet(), newline * 2, space * 2]
    rng = np.random.default_rng(0)

    def normal(*shape: int) -> np.ndarray:
        return (rng.standard_normal(shape) / 5).astype(np.float32)

    weights = {
        "token_embd.weight": normal(len(tokens), WIDTH),
        "blk.0.attn_q.weight": normal(WIDTH, WIDTH),
        "blk.0.attn_k.weight": normal(WIDTH // 2, WIDTH),
        "blk.0.attn_v.weight": normal(WIDTH // 2, WIDTH),
        "blk.0.attn_output.weight": normal(WIDTH, WIDTH),
        "blk.0.ffn_gate.weight": normal(HIDDEN, WIDTH),
        "blk.0.ffn_up.weight": normal(HIDDEN, WIDTH),
        "blk.0.ffn_down.weight": normal(WIDTH, HIDDEN),
        "blk.0.attn_norm.weight": normal(WIDTH),
        "blk.0.ffn_norm.weight": normal(WIDTH),
        "output_norm.weight": normal(WIDTH),
    }
    file = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_block_count(1)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(WIDTH // 2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3, 3, *[1] * (len(tokens) - 3)])
    writer.add_token_merges([f"{newline} {newline}", f"{space} {space}"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_pad_token_id(2)
    writer.add_chat_template(TEMPLATE)
    for name, values in weights.items():
        if "ffn_down" in name:
            kind = gguf.GGMLQuantizationType.Q4_1
            blocks = gguf.quants.quantize(values, kind)
            weights[name] = gguf.quants.dequantize(blocks, kind)
            writer.add_tensor(name, blocks, raw_dtype=kind)
        else:
            writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return convert_gguf(file, file.parent / "converted"), weights


def test_weights_are_the_unpacked_ones_in_float16(tiny):
    folder, weights = tiny
    expected = {
        "model.embed_tokens.weight": "token_embd.weight",
        "model.layers.0.mlp.gate_proj.weight": "blk.0.ffn_gate.weight",
        "model.layers.0.mlp.down_proj.weight": "blk.0.ffn_down.weight",
        "model.layers.0.self_attn.v_proj.weight": "blk.0.attn_v.weight",
        "model.norm.weight": "output_norm.weight",
    }
    with safe_open(folder / "model.safetensors", framework="pt") as file:
        for name, source in expected.items():
            np.testing.assert_array_equal(
                file.get_tensor(name).numpy(), weights[source].astype(np.float16), err_msg=name
            )


def test_converted_model_is_an_ordinary_one(tiny):
    model = AutoModelForCausalLM.from_pretrained(tiny[0], dtype=torch.float32)
    assert not hasattr(model.config, "quantization_config")
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    model.float().double()  # refused by a model that still counts as quantised
    assert model.generation_config.eos_token_id == 2


def test_tokenizer_splits_digits_and_keeps_the_template(tiny):
    tokenizer = AutoTokenizer.from_pretrained(tiny[0])
    pieces = [tokenizer.decode([token]) for token in tokenizer("a\n\n12  3").input_ids]
    assert pieces == ["a", "\n\n", "1", "2", "  ", "3"]
    assert (tokenizer.eos_token, tokenizer.pad_token) == ("<|im_end|>", "<|im_end|>")
    assert tokenizer.model_max_length == CONTEXT
    chat = [{"role": "user", "content": "hi"}]
    assert tokenizer.apply_chat_template(chat, tokenize=False) == "<|im_start|>hi<|im_end|>"


def test_missing_package_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(SeatError, match=r"needs gguf: pip install 'seat_interp\[gguf\]'"):
        require_gguf()


@pytest.mark.real
def test_fetched_smollm2_knows_paris():
    if not is_fetched(REAL):
        pytest.skip(f"{REAL} has not been fetched")
    folder = model_folder(REAL)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    assert sum(parameter.numel() for parameter in model.parameters()) == 134_515_008
    assert all(torch.isfinite(parameter).all() for parameter in model.parameters())
    assert (tokenizer.eos_token, tokenizer.eos_token_id) == ("<|im_end|>", 2)
    assert tokenizer.pad_token_id == model.generation_config.pad_token_id == 2
    assert model.generation_config.eos_token_id == 2
    assert len(tokenizer("\n\n1987").input_ids) == 5
    chat = [{"role": "user", "content": "What is the capital of France?"}]
    prompt = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    text = tokenizer.decode(prompt["input_ids"][0])
    assert text.startswith("<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by ")
    assert text.endswith("<|im_end|>\n<|im_start|>assistant\n")
    reply = model.generate(**prompt, max_new_tokens=20, do_sample=False)[0, prompt["input_ids"].shape[1] :]
    assert "Paris" in tokenizer.decode(reply)
    assert reply[-1] == tokenizer.eos_token_id
