"""Greedy and sampled answers to many prompts that begin alike, each different beginning computed once.

The tokens that all prompts share are computed once and their keys and values shared out. Samples of a prompt that have
said the same so far are one row with a count: what comes next is drawn as often as the count says. That is the same
distribution as so many samples drawn apart, at the cost of the different ones. A row ends at a newline or an end
token, and makes room.
"""

import copy
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from transformers import DynamicCache, PreTrainedTokenizerBase

from seat_interp.core.errors import require_within
from seat_interp.evaluation.generate import end_tokens
from seat_interp.models.open import LanguageModel
from seat_interp.models.prompts import pad


@dataclass(frozen=True)
class Sampling:
    """Settings of sampled answers.

    Attributes:
        samples: Number of samples for each prompt, beside the greedy answer.
        temperature: Divisor of the logits.
        top_k: Number of likeliest tokens that can come next.
        max_new_tokens: Largest number of tokens in an answer, which is cut off there.
    """

    samples: int = 16
    temperature: float = 0.5
    top_k: int = 40
    max_new_tokens: int = 16

    def __post_init__(self) -> None:
        for name in ("top_k", "max_new_tokens"):
            require_within(self, name, 1)
        require_within(self, "samples", 0)
        require_within(self, "temperature", 0, above=True)


@dataclass
class Answers:
    """What was answered to one prompt: first lines, without surrounding space."""

    greedy: str = ""
    sampled: Counter[str] = field(default_factory=Counter)
    tokens: int = 0
    """Of all answers, greedy and sampled, as if each had been made by itself."""


@dataclass(frozen=True)
class _Row:
    """An answer in the making: of which prompt, said so far, by how many samples, and whether it is the greedy one."""

    prompt: int
    ids: tuple[int, ...]
    count: int
    greedy: bool


class SharedPrefix:
    """The tokens that prompts begin with alike, computed once."""

    def __init__(self, lm: LanguageModel, prompts: Sequence[Sequence[int]]) -> None:
        """Find what all the prompts share, but for the last token of the shortest, and run it through the model."""
        shortest = min(map(len, prompts))
        self.length = next(
            (at for at in range(shortest - 1) if len({prompt[at] for prompt in prompts}) > 1), shortest - 1
        )
        self.cache = DynamicCache(config=lm.model.config)
        if self.length:
            ids = torch.tensor([list(prompts[0][: self.length])], device=lm.model.device)
            with torch.no_grad():
                lm.model.base_model(input_ids=ids, cache=self.cache, use_cache=True)

    def repeated(self, rows: int) -> DynamicCache:
        """A copy for so many prompts."""
        cache = copy.deepcopy(self.cache)
        if self.length:
            cache.batch_repeat_interleave(rows)
        return cache


@torch.no_grad()
def answers(
    lm: LanguageModel,
    prompts: Sequence[Sequence[int]],
    sampling: Sampling,
    generator: torch.Generator,
    prefix: SharedPrefix | None = None,
) -> list[Answers]:
    """Return the greedy answer to each prompt and a count of the sampled ones.

    Args:
        lm: Model with its tokenizer.
        prompts: Token ids of each prompt.
        sampling: Settings of the samples.
        generator: Generator on the CPU; the same one gives the same samples.
        prefix: Shared prefix of these prompts and maybe others, if it is there already.
    """
    prefix = prefix or SharedPrefix(lm, prompts)
    ends = _ends(lm)
    results = [Answers() for _ in prompts]
    rows = [_Row(prompt, (), sampling.samples, True) for prompt in range(len(prompts))]
    batch = pad([ids[prefix.length :] for ids in prompts], lm.tokenizer.pad_token_id, left=True).to(lm.model.device)
    tokens, cache = batch.input_ids, prefix.repeated(len(prompts))
    mask = torch.cat([batch.attention_mask.new_ones(len(prompts), prefix.length), batch.attention_mask], 1)
    for step in range(sampling.max_new_tokens):
        logits = _next_logits(lm, tokens, mask, cache)
        rows, parents = _grow(rows, logits, sampling, generator)
        last, over = step + 1 == sampling.max_new_tokens, ends[[row.ids[-1] for row in rows]].tolist()
        for row, done in zip(rows, over):
            if done or last:
                _keep(lm.tokenizer, results[row.prompt], row)
        going = [i for i, done in enumerate(over) if not done]
        if last or not going:
            break
        rows, parents = [rows[i] for i in going], [parents[i] for i in going]
        if parents != list(range(mask.shape[0])):
            where = torch.tensor(parents, device=mask.device)
            cache.batch_select_indices(where)
            mask = mask[where]
        tokens = torch.tensor([[row.ids[-1]] for row in rows], device=mask.device)
        mask = torch.cat([mask, mask.new_ones(len(rows), 1)], 1)
    return results


def _next_logits(lm: LanguageModel, tokens: Tensor, mask: Tensor, cache: DynamicCache) -> Float[Tensor, "rows v"]:
    """Of the token after the given ones, float32 on the CPU; the cache grows."""
    positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, -tokens.shape[1] :]
    options: dict[str, Any] = {"cache": cache, "use_cache": True, "logits_to_keep": 1}
    output = lm.model(input_ids=tokens, attention_mask=mask, position_ids=positions, **options)
    return output.logits[:, -1].float().cpu()


def _grow(
    rows: list[_Row], logits: Float[Tensor, "rows v"], sampling: Sampling, generator: torch.Generator
) -> tuple[list[_Row], list[int]]:
    """Every different continuation of every row, and the row that each comes from."""
    top = logits.topk(min(sampling.top_k, logits.shape[1]))
    shares = (top.values / sampling.temperature).softmax(-1)
    drawn = top.indices.gather(1, torch.multinomial(shares, max(sampling.samples, 1), True, generator=generator))
    grown, parents = [], []
    for number, (row, best, many) in enumerate(zip(rows, logits.argmax(-1).tolist(), drawn.tolist())):
        counts = Counter(many[: row.count])
        if row.greedy:
            counts[best] += 0  # the greedy answer goes on even where no sample does
        for token, count in counts.items():
            grown.append(_Row(row.prompt, (*row.ids, token), count, row.greedy and token == best))
            parents.append(number)
    return grown, parents


def _keep(tokenizer: PreTrainedTokenizerBase, result: Answers, row: _Row) -> None:
    text = str(tokenizer.decode(list(row.ids), skip_special_tokens=True)).lstrip()
    line = text.split("\n", 1)[0].strip()
    result.tokens += len(row.ids) * (row.count + row.greedy)
    if row.count:
        result.sampled[line] += row.count
    if row.greedy:
        result.greedy = line


def _ends(lm: LanguageModel) -> Bool[Tensor, " v"]:
    """Which tokens end an answer: the model's end tokens, and all that hold a newline."""
    ends = _newlines(lm.tokenizer, max(len(lm.tokenizer), lm.model.config.get_text_config().vocab_size)).clone()
    ends[end_tokens(lm)] = True
    return ends


@lru_cache(maxsize=4)
def _newlines(tokenizer: PreTrainedTokenizerBase, size: int) -> Bool[Tensor, " v"]:
    breaks = torch.zeros(size, dtype=torch.bool)
    texts = tokenizer.batch_decode([[token] for token in range(len(tokenizer))])
    breaks[: len(texts)] = torch.tensor(["\n" in text for text in texts])
    return breaks
