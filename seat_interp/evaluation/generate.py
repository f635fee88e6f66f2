"""Greedy replies, in batches of like length."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import GenerationConfig

from seat_interp.capture import open_backend
from seat_interp.core.progress import progress_bar
from seat_interp.models.open import LanguageModel
from seat_interp.models.prompts import batches_by_length, encode_prompts, pad


@dataclass(frozen=True)
class Reply:
    """Reply of a model.

    Attributes:
        text: Text without special tokens.
        ids: Token ids, with the end token that the model gave; without one where it was cut off.
    """

    text: str
    ids: tuple[int, ...]


def generate(
    lm: Any,
    questions: Sequence[str],
    *,
    max_new_tokens: int = 32,
    batch_size: int = 64,
    progress: bool = True,
) -> list[str]:
    """Generate the model's greedy reply to each question, as text.

    Args:
        lm: Model in any form that `capture` takes, or what `add_direction` yields.
        questions: Questions, without any template.
        max_new_tokens: Largest number of tokens in a reply.
        batch_size: Number of prompts in a forward pass.
        progress: Whether a progress bar is shown.

    Returns:
        One reply for each question.

    Raises:
        SeatError: As `replies`.

    Example:
        >>> si.generate(lm, [facts.unknown[0].question], progress=False)
        [...do not know...]
    """
    options = {"max_new_tokens": max_new_tokens, "batch_size": batch_size, "progress": progress}
    return [reply.text for reply in replies(lm, questions, **options)]  # type: ignore[arg-type]


@torch.no_grad()
def replies(
    lm: Any,
    questions: Sequence[str],
    *,
    max_new_tokens: int = 32,
    batch_size: int = 64,
    progress: bool = True,
) -> list[Reply]:
    """Generate the model's greedy reply to each question, in the order of the questions.

    Prompts are padded on the left with position ids from the mask, so that a reply does not depend on what it shares a
    batch with beyond rounding.

    Args:
        lm: Model in any form that `capture` takes, or what `add_direction` yields.
        questions: Questions, without any template.
        max_new_tokens: Largest number of tokens in a reply.
        batch_size: Number of prompts in a forward pass.
        progress: Whether a progress bar is shown.

    Returns:
        One reply for each question, with its tokens.

    Raises:
        SeatError: There are no questions, one leaves no room for the reply, or as `open_backend`.
    """
    runner = open_backend(lm)
    lm = runner.lm
    prompts = encode_prompts(lm, questions, room=max_new_tokens)
    # A model may end its turns with more than one token; its own penalties would not be greedy.
    ends = end_tokens(lm)
    config = GenerationConfig(
        max_new_tokens=max_new_tokens,
        do_sample=False,
        eos_token_id=ends,
        repetition_penalty=1.0,
        no_repeat_ngram_size=0,
        pad_token_id=lm.tokenizer.pad_token_id,
    )
    results = [Reply("", ())] * len(prompts)
    groups = batches_by_length([len(prompt) for prompt in prompts], batch_size)
    for group in progress_bar(groups, desc="Asking", unit="batch", leave=False, show=progress and len(groups) >= 3):
        batch = pad([prompts[index] for index in group], lm.tokenizer.pad_token_id, left=True).to(lm.model.device)
        output = runner.generate(
            input_ids=batch.input_ids, attention_mask=batch.attention_mask, generation_config=config
        )
        new = output[:, batch.input_ids.shape[1] :]
        texts = lm.tokenizer.batch_decode(new, skip_special_tokens=True)
        for index, text, ids in zip(group, texts, new.tolist()):
            length = next((at + 1 for at, token in enumerate(ids) if token in ends), len(ids))
            results[index] = Reply(text.strip(), tuple(ids[:length]))
    return results


def end_tokens(lm: LanguageModel) -> list[int]:
    """Return the tokens that end a reply: the tokenizer's, and those that the model's generation settings name.

    Args:
        lm: Model with its tokenizer.

    Returns:
        Token ids.
    """
    ids = getattr(lm.model.generation_config, "eos_token_id", None)
    named = [] if ids is None else [ids] if isinstance(ids, int) else list(ids)
    return sorted({lm.tokenizer.eos_token_id, *named})
