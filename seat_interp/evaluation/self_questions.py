"""What a model asks itself: questions sampled from the user's turn of its own chat template.

An instruction-tuned model has learnt what people ask. Its own questions, and its own replies to them, say what it
does without any data at all.
"""

import re
from collections.abc import Iterable, Sequence

import torch
from transformers import GenerationConfig

from seat_interp.core.errors import SeatError
from seat_interp.core.progress import progress_bar
from seat_interp.models.open import LanguageModel
from seat_interp.models.prompts import pad, prompt_text

_OPENERS = ("What", "Which", "Who", "Where", "When", "How many", "In which", "What is the", "Who was the", "Name the")
"""How a question may begin; ours. The model goes on from there."""


@torch.no_grad()
def self_questions(
    lm: LanguageModel,
    count: int,
    *,
    avoid: Iterable[str] = (),
    openers: Sequence[str] = _OPENERS,
    temperature: float = 0.8,
    max_new_tokens: int = 24,
    batch_size: int = 64,
    seed: int = 0,
) -> list[str]:
    """Sample distinct questions that the model asks, from its whole distribution.

    Args:
        lm: Chat model, or one that knows the form `Question: ... Answer:`.
        count: Number of questions.
        avoid: Names; a question that holds one of them as whole words, in any case, is left out.
        openers: First words, taken in turn.
        temperature: Divisor of the logits; a lower one gives more ordinary questions.
        max_new_tokens: Largest number of tokens after the opener.
        batch_size: Number of sequences in a forward pass.
        seed: Seed of the samples.

    Returns:
        The questions.

    Raises:
        SeatError: The model ends hardly any sequence with a question mark.

    Example:
        >>> len(si.self_questions(lm, 2))
        2
    """
    names = sorted(filter(None, avoid), key=len, reverse=True)
    named = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)", re.IGNORECASE) if names else None
    before = prompt_text(lm, "\0").split("\0")[0]
    distinct: dict[str, None] = {}
    device = lm.model.device
    config = GenerationConfig(
        max_new_tokens=max_new_tokens,
        do_sample=True,
        temperature=temperature,
        top_k=0,  # the whole distribution, whatever the model's own habits are
        top_p=1.0,
        repetition_penalty=1.0,
        pad_token_id=lm.tokenizer.pad_token_id,
    )
    with (
        torch.random.fork_rng(devices=[device] if device.type == "cuda" else []),
        progress_bar(total=count, desc="The model asks", unit="question", leave=False) as bar,
    ):
        torch.manual_seed(seed)
        for turn in range(4 + 8 * count // batch_size):
            starts = [openers[(turn * batch_size + i) % len(openers)] for i in range(batch_size)]
            encoded = lm.tokenizer([before + s for s in starts], add_special_tokens=lm.tokenizer.chat_template is None)
            batch = pad(encoded["input_ids"], lm.tokenizer.pad_token_id, left=True).to(device)
            output = lm.model.generate(  # type: ignore[operator]
                input_ids=batch.input_ids,
                attention_mask=batch.attention_mask,
                generation_config=config,
            )
            # Decoded with what stands before: some tokenizers swallow a leading space.
            given = lm.tokenizer.batch_decode(batch.input_ids, skip_special_tokens=True)
            whole = lm.tokenizer.batch_decode(output, skip_special_tokens=True)
            for start, shown, all_of_it in zip(starts, given, whole):
                text = all_of_it[len(shown) :]
                question = start + text.split("?")[0] + "?"
                if "?" in text and "\n" not in question and not (named and named.search(question)):
                    distinct.setdefault(question)
            bar.update(min(len(distinct), count) - bar.n)
            if len(distinct) >= count:
                return list(distinct)[:count]
    raise SeatError(
        f"{lm.name!r} asked {len(distinct)} different questions where {count} were wanted. Give questions of your own."
    )
