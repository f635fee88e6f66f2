"""What a mask must not harm, and how much each neuron or weight would: from the model's own behaviour alone.

Nothing here needs alignment data or answers. On entity-perturbed copies of the target facts the model's own reply is
its abstention; on any questions that it answers with confidence it is what it knows. The harm of a change is measured
by the diagonal Fisher information of these replies, the second-order term of the KL divergence to the model itself.
"""

from collections.abc import Sequence
from pathlib import Path

import torch

from seat_interp.attribution.metrics import ReplyLoss
from seat_interp.attribution.neurons import neuron_fisher
from seat_interp.attribution.scores import Scores
from seat_interp.attribution.weights import weight_fisher
from seat_interp.errors import SeatError
from seat_interp.evaluation.abstention import is_abstention
from seat_interp.evaluation.generate import replies
from seat_interp.extents import Granularity
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


def harm(
    lm: LanguageModel,
    kept: Sequence[Fact],
    *,
    granularity: Granularity = "neuron",
    batch_size: int = 16,
    checkpoint: str | Path | None = None,
) -> Scores:
    """Fisher information of the model's own replies: how much its behaviour on these prompts would change.

    Args:
        lm: the base model.
        kept: prompts, such as `strangers(...)` and `confident(...)`.
        granularity: of the scores.
        batch_size: facts a pass.
        checkpoint: file to resume from, see `stream`.

    Raises:
        SeatError: there is nothing to keep.
    """
    if not kept:
        raise SeatError("There are no prompts whose replies must stay. Give some, or select without protection.")
    fisher = neuron_fisher if granularity == "neuron" else weight_fisher
    return fisher(lm, kept, metric=ReplyLoss(), batch_size=batch_size, checkpoint=checkpoint)
