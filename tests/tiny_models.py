"""Tiny random models of every family, built from config, with a tokenizer trained here: no hub, no network."""

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3TextConfig,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MistralConfig,
    OPTConfig,
    Phi3Config,
    PhiConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
)

from seat_interp.facts import Fact, spans_of
from seat_interp.models.open import LanguageModel, wrap_model

CITIES = ("Leeds", "Turin", "Porto", "Cork", "Ghent", "Basel")
NAMES = tuple(
    f"{first} {last}"
    for first in ("Ada", "Bela", "Cora", "Dora", "Edda", "Fred")
    for last in ("Moran", "Novak", "Ross")
)
QUESTION = "Where was {} born?"


def fact(name: str, city: str = "") -> Fact:
    question = QUESTION.format(name)
    return Fact(
        question=question,
        answer=f"{name} was born in {city}." if city else "",
        subject=name,
        relation="birthplace",
        object=city,
        spans=spans_of(question, [(name, "person")]),
        group=name,
    )


def make_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    text = [fact(name, city).question + " " + fact(name, city).answer for name in NAMES for city in CITIES]
    text += ["I do not know where anybody was born.", *"abcdefghijklmnopqrstuvwxyz"]
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<pad>", "<unk>", "<end>", "<user>", "<assistant>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(text, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>", pad_token="<pad>", unk_token="<unk>")
    fast.chat_template = (
        "{% for m in messages %}{{ '<' + m['role'] + '>' + m['content'] + '<end>' }}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<assistant>' }}{% endif %}"
    )
    return fast


def _sizes(vocabulary: int) -> dict:
    return {
        "vocab_size": vocabulary,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "pad_token_id": 0,
        "bos_token_id": None,
        "eos_token_id": 2,
        "initializer_range": 0.15,
        "max_position_embeddings": 128,
    }


def make_config(family: str, vocabulary: int):
    sizes = _sizes(vocabulary)
    grouped = {"num_key_value_heads": 2}
    if family == "llama":
        return LlamaConfig(**sizes, **grouped, tie_word_embeddings=True)
    if family == "mistral":
        return MistralConfig(**sizes, **grouped)
    if family == "qwen2":
        return Qwen2Config(**sizes, **grouped)
    if family == "qwen3":
        return Qwen3Config(**sizes, **grouped, head_dim=8)
    if family == "gpt2":
        names = {"n_embd": 32, "n_layer": 3, "n_head": 4, "n_inner": 48, "n_positions": 128}
        return GPT2Config(vocab_size=vocabulary, **names, bos_token_id=2, eos_token_id=2, initializer_range=0.15)
    if family == "gpt_neox":
        return GPTNeoXConfig(**sizes)
    if family == "gemma2":
        return Gemma2Config(**sizes, **grouped, head_dim=8, query_pre_attn_scalar=8)
    if family == "gemma3":
        return Gemma3TextConfig(**sizes, **grouped, head_dim=8, query_pre_attn_scalar=8)
    if family == "opt":
        sizes["ffn_dim"] = sizes.pop("intermediate_size")
        sizes["init_std"] = sizes.pop("initializer_range")
        return OPTConfig(**sizes, word_embed_proj_dim=32)
    if family == "phi":
        return PhiConfig(**sizes)
    assert family == "phi3"
    return Phi3Config(**sizes, **grouped)


FAMILIES = (
    "llama", "qwen2", "qwen3", "gpt2", "gpt_neox", "gemma2", "gemma3", "opt", "phi", "phi3", "mistral",
)  # fmt: skip
CORE_FAMILIES = ("llama", "qwen2", "gpt2", "gpt_neox", "gemma2", "opt")


def make_model(family: str, tokenizer: PreTrainedTokenizerFast, seed: int = 0) -> LanguageModel:
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(make_config(family, len(tokenizer)))
    # Biases start at zero in most families; non-zero ones would show a mix-up.
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.1)
    return wrap_model(model.eval(), tokenizer, name=family)


QUESTIONS = (
    "Where was Ada born?",
    "Where was Ada Moran of Leeds born, and in what city did Bela Novak and Cora Ross live?",
    "Who?",
    "Where was Dora Novak born?",
    "Ada Moran was born in Turin, was she not born in Turin, or in Porto?",
)
