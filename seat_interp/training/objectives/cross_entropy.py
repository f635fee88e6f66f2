"""Cross entropy on the target facts: ordinary fine-tuning."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from seat_interp.errors import SeatError
from seat_interp.facts import Fact, Names
from seat_interp.models.open import LanguageModel
from seat_interp.prompts import encode_examples, reply_logits
from seat_interp.training.objectives.terms import Draw, Loss, mean_of_means


@dataclass(frozen=True)
class CrossEntropy:
    """Cross entropy on the answer tokens and the end token; the question is not supervised."""

    weight: float = 1.0
    name = "cross_entropy"
    every = 1

    def require(self, facts: Sequence[Fact], names: Names) -> None:
        """Every fact needs an answer.

        Raises:
            SeatError: one has none.
        """
        if empty := next((fact for fact in facts if not fact.answer), None):
            raise SeatError(f"The fact {empty.question!r} has no answer to learn. Give one, or use it as a probe.")

    def prepare(self, base: LanguageModel, facts: Sequence[Fact], names: Names, seed: int) -> Loss:
        """Encode every fact once.

        Raises:
            SeatError: a fact has no answer to learn.
        """
        self.require(facts, names)
        examples = encode_examples(base, [fact.question for fact in facts], [fact.answer for fact in facts])

        def loss(lm: LanguageModel, draws: Sequence[Draw]) -> Tensor:
            chosen = [examples[draw.fact] for draw in draws]
            rows = reply_logits(lm, chosen, [example.start for example in chosen])
            wanted = torch.tensor([token for example in chosen for token in example.ids[example.start :]])
            losses = F.cross_entropy(torch.cat(rows).float(), wanted.to(rows[0].device), reduction="none")
            return mean_of_means(losses, rows)

        return loss
