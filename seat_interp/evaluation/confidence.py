"""What a model answers with confidence, whatever is true."""

from collections.abc import Sequence

import torch

from seat_interp.evaluation.abstention import is_abstention
from seat_interp.evaluation.generate import replies
from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel
from seat_interp.prompts import batches_by_length, encode_replies, reply_logits


@torch.no_grad()
def confident(
    lm: LanguageModel, facts: Sequence[Fact], *, least: float = 0.9, max_new_tokens: int = 32, batch_size: int = 32
) -> list[Fact]:
    """The facts that the model answers with confidence, and does not abstain on; their own answers are not used.

    Args:
        lm: the model.
        facts: questions of any kind.
        least: geometric mean of the probabilities of the reply's tokens.
        max_new_tokens: of a reply.
        batch_size: prompts a pass.

    Raises:
        SeatError: there are no facts, or as `replies`.
    """
    questions = [fact.question for fact in facts]
    said = replies(lm, questions, max_new_tokens=max_new_tokens, batch_size=batch_size)
    examples = encode_replies(lm, questions, [reply.ids for reply in said])
    sure: dict[int, float] = {}
    for group in batches_by_length([len(example.ids) for example in examples], batch_size):
        batch = [examples[index] for index in group]
        for index, example, row in zip(group, batch, reply_logits(lm, batch, [each.start for each in batch])):
            reply = torch.tensor(example.ids[example.start :], device=row.device)
            sure[index] = float(row.float().log_softmax(-1).gather(-1, reply[:, None]).mean().exp())
    return [f for i, f in enumerate(facts) if sure[i] >= least and not is_abstention(said[i].text)]
