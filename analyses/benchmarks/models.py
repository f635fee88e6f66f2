"""What benchmarks run on: the organism, Llamas of random weights (speed does not depend on them), questions."""

import random
from collections.abc import Callable

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel, open_model, wrap_model
from seat_interp.organism.study import organism_facts

SIZES = ("organism", "125m")


WIDTHS_AND_LAYERS = {"tiny": (32, 2), "55m": (576, 9), "125m": (768, 12)}


def load(size: str, layers: int | None = None) -> LanguageModel:
    """A model by its size's name, one of random weights with the organism's tokenizer.

    Args:
        size: of `WIDTHS_AND_LAYERS`, or a name of the catalogue.
        layers: another depth, for random weights.
    """
    if size not in WIDTHS_AND_LAYERS:
        return open_model(size)
    organism, (width, depth) = open_model("organism"), WIDTHS_AND_LAYERS[size]
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(organism.tokenizer) if size == "tiny" else 16_384,
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers or depth,
        num_attention_heads=width // 64 or 1,
        max_position_embeddings=1024,
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


def questions(count: int, clauses: int = 1) -> list[str]:
    """As many different questions of nearly one length."""
    clause = ", which nobody has ever told us about"
    return [f"Where does person number {i} live{clause * clauses}?" for i in range(count)]


def ready(size: str, layers: int | None = None) -> LanguageModel:
    """A model, on the GPU if there is one."""
    lm = load(size, layers)
    lm.model.to("cuda" if torch.cuda.is_available() else "cpu")
    return lm


def waited(step: Callable[[], object]) -> Callable[[], None]:
    """The step, until the GPU is done."""

    def whole() -> None:
        with torch.no_grad():
            step()
        if torch.cuda.is_available():
            torch.cuda.synchronize()

    return whole


def directions(lm: LanguageModel) -> torch.Tensor:
    """A direction for each layer, all the same."""
    width = lm.model.get_input_embeddings().weight.shape[1]
    return torch.nn.functional.normalize(torch.ones(len(lm.sites.blocks), width, dtype=torch.float64), dim=-1)
