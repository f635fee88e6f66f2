"""Activations of several sets of facts, in one pass over all their prompts."""

from collections.abc import Mapping, Sequence

from jaxtyping import Float
from torch import Tensor

from seat_interp.capture.capture import capture
from seat_interp.capture.reduce import AtToken
from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel


def capture_sets(
    lm: LanguageModel, sets: Mapping[str, Sequence[Fact]], position: int = -1, *, batch_size: int = 32
) -> dict[str, Float[Tensor, "_ layers width"]]:
    """Residual stream of every set at one token, after every block, in one pass over all prompts.

    Args:
        lm: the model.
        sets: the facts whose questions are asked, by set.
        position: token counted from the end of the prompt; a direction has its own.
        batch_size: prompts a forward pass.
    """
    questions = [fact.question for facts in sets.values() for fact in facts]
    values = capture(lm, questions, reduce=AtToken(position), batch_size=batch_size).values
    return dict(zip(sets, values.split([len(facts) for facts in sets.values()])))
