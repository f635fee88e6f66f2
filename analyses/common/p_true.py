"""P(True): how much a model believes an answer, the measure that SLiCK is compared with (arXiv 2207.05221)."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from seat_interp.core.errors import SeatError
from seat_interp.core.progress import progress_bar
from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel
from seat_interp.models.prompts import batches_by_length, pad

PROMPT = (
    "Question: {question}\nProposed Answer: {answer}\nIs the proposed answer:\n (A) True\n (B) False\n"
    "The proposed answer is:"
)
CHOICES = (" (A)", " (B)")


@torch.no_grad()
def p_true(
    lm: LanguageModel,
    facts: Sequence[Fact],
    proposed: Sequence[str] | None = None,
    *,
    batch_size: int = 32,
    progress: bool = True,
) -> Float[Tensor, " facts"]:
    """Probability of "True" against "False" for an answer to each fact, float64; the prompt has the form of 2207.05221.

    Args:
        lm: the model; it reads plain text, without a chat template.
        facts: with answers.
        proposed: what is judged; each fact's own answer if not given, as in 2405.05904.
        batch_size: facts at a time.
        progress: show a bar.

    Raises:
        SeatError: no facts, a fact without an answer, or not one proposal a fact.
    """
    if not facts:
        raise SeatError("There are no facts to judge: the set is empty.")
    if proposed is None:
        if bare := next((fact for fact in facts if not fact.accepted()), None):
            raise SeatError(f"The fact {bare.question!r} has no answer to judge. Give one, or propose answers.")
        proposed = [fact.accepted()[0] for fact in facts]
    if len(proposed) != len(facts):
        raise SeatError(f"There are {len(proposed)} proposed answers for {len(facts)} facts; give one for each.")
    texts = [PROMPT.format(question=fact.question, answer=answer) for fact, answer in zip(facts, proposed)]
    prompts = lm.tokenizer(texts, add_special_tokens=True)["input_ids"]
    choices = [lm.tokenizer(choice, add_special_tokens=False)["input_ids"] for choice in CHOICES]
    found = torch.zeros(len(facts), dtype=torch.float64)
    groups = batches_by_length([len(ids) for ids in prompts], batch_size)
    for group in progress_bar(groups, desc="Judging", unit="batch", leave=False, show=progress and len(groups) >= 3):
        chances = [_log_probability(lm, [prompts[index] for index in group], choice) for choice in choices]
        found[group] = (chances[0] - chances[1]).sigmoid()
    return found


def _log_probability(
    lm: LanguageModel, prompts: Sequence[Sequence[int]], choice: Sequence[int]
) -> Float[Tensor, " batch"]:
    """Of the choice's tokens behind each prompt."""
    whole = [[*prompt, *choice] for prompt in prompts]
    batch = pad(whole, lm.tokenizer.pad_token_id, left=True).to(lm.model.device)
    logits = lm.model(**batch.inputs(), use_cache=False, logits_to_keep=len(choice) + 1).logits[:, :-1]
    picked = logits.double().log_softmax(-1).gather(-1, batch.input_ids[:, -len(choice) :, None])
    return picked.squeeze(-1).sum(-1).cpu()
