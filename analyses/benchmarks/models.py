"""What benchmarks run on: the organism, and a Llama of 125 million random weights (speed does not depend on them)."""

import random

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel, open_model, wrap_model
from seat_interp.organism import organism_facts

SIZES = ("organism", "125m")


def load(size: str) -> LanguageModel:
    """A model by its size's name, with the organism's tokenizer."""
    organism = open_model("organism")
    if size == "organism":
        return organism
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=16_384,
        hidden_size=768,
        intermediate_size=3072,
        num_hidden_layers=12,
        num_attention_heads=12,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        eos_token_id=organism.tokenizer.eos_token_id,
        pad_token_id=organism.tokenizer.pad_token_id,
    )
    return wrap_model(LlamaForCausalLM(config), organism.tokenizer, name=size)


def facts(count: int) -> list[Fact]:
    """As many facts with answers, of nearly one length."""
    asked = organism_facts("people")
    pool = asked.target + asked.known
    return random.Random(0).choices(pool, k=count)


def parameters(lm: LanguageModel) -> int:
    """How many weights the model has; tied ones count once."""
    return sum(parameter.numel() for parameter in lm.model.parameters())
