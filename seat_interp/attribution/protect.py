"""What a mask must not harm, and how much each neuron or weight would: from the model's own behaviour alone.

Nothing here needs alignment data or answers. On entity-perturbed copies of the target facts the model's own reply is
its abstention; on any questions that it answers with confidence it is what it knows. The harm of a change is measured
by the diagonal Fisher information of these replies, the second-order term of the KL divergence to the model itself.
"""

from collections.abc import Sequence
from pathlib import Path

from seat_interp.attribution.metrics import ReplyLoss
from seat_interp.attribution.neurons import gate_fisher
from seat_interp.attribution.scores import Scores
from seat_interp.attribution.weights import weight_fisher
from seat_interp.errors import SeatError
from seat_interp.extents import Granularity
from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel


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
        granularity: of the scores; a neuron's is that of its gate.
        batch_size: facts a pass.
        checkpoint: file to resume from, see `accumulate`.

    Raises:
        SeatError: there is nothing to keep.
    """
    if not kept:
        raise SeatError("There are no prompts whose replies must stay. Give some, or select without protection.")
    fisher = gate_fisher if granularity == "neuron" else weight_fisher
    return fisher(lm, kept, metric=ReplyLoss(), batch_size=batch_size, checkpoint=checkpoint)
