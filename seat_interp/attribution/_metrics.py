"""What is attributed: scalar metrics of a prompt, each a frozen dataclass of settings with a `prepare`.

`prepare` does what is done once (encoding, asking the base) and returns the token sequences with a function from
their indices to one value each; that function runs one forward pass, under whatever hooks the caller has set.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from seat_interp.core.errors import SeatError
from seat_interp.directions.direction import IgnoranceDirection
from seat_interp.evaluation.generate import replies
from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel
from seat_interp.models.prompts import Example, encode_examples, encode_prompts, encode_replies, pad, reply_logits
from seat_interp.models.sites import first

Values = Callable[[Sequence[Example], Sequence[int]], Float[Tensor, " batch"]]
"""(examples of the batch, padded on the left to the longest; their indices) -> a value each, with its graph."""


class Prepared(NamedTuple):
    """Metric that is ready for the facts of one model.

    Attributes:
        examples: Tokens of each fact.
        values: Function from a batch of examples and their indices to the metric of each, with its graph.
    """

    examples: list[Example]
    values: Values


@runtime_checkable
class Metric(Protocol):
    """A scalar of each fact whose causes inside the model are wanted."""

    @property
    def name(self) -> str:
        """Name in headers and tables."""

    @property
    def uses_evaluation_data(self) -> bool:
        """Whether it uses known or unknown evaluation facts."""

    def prepare(self, lm: LanguageModel, facts: Sequence[Fact]) -> Prepared:
        """Encode the facts for the model that is attributed.

        Args:
            lm: Model that is attributed.
            facts: Facts that the metric is taken on.

        Returns:
            Examples, and the function of a batch.
        """


def prepare(lm: LanguageModel, facts: Sequence[Fact], metric: Metric) -> Prepared:
    """Prepare the metric on facts, of which there must be some.

    Raises:
        SeatError: There are no facts.
    """
    if not facts:
        raise SeatError("There are no facts for the metric: the set is empty.")
    return metric.prepare(lm, facts)


def prepare_perturbed(
    lm: LanguageModel, facts: Sequence[Fact], metric: Metric, counterfactual: Sequence[Fact] | None
) -> list[Example] | None:
    """Encode the entity-perturbed version of each fact as the metric does; return None without any.

    Raises:
        SeatError: There is not one for each fact.
    """
    if counterfactual is None:
        return None
    if len(counterfactual) != len(facts):
        raise SeatError(f"There are {len(counterfactual)} counterfactuals for {len(facts)} facts; give one for each.")
    return prepare(lm, counterfactual, metric).examples


@dataclass(frozen=True)
class AnswerLoss:
    """Cross entropy of the fact's own answer, mean over its tokens: what learning the fact lowers."""

    name = "answer_loss"
    uses_evaluation_data = False

    def prepare(self, lm: LanguageModel, facts: Sequence[Fact]) -> Prepared:
        """Encode questions with answers.

        Args:
            lm: Model that is attributed.
            facts: Facts that the metric is taken on.

        Returns:
            Examples, and the function of a batch.

        Raises:
            SeatError: A fact has no answer.
        """
        if bare := next((fact for fact in facts if not fact.answer), None):
            raise SeatError(f"The fact {bare.question!r} has no answer, so it has no loss. Give one.")
        examples = encode_examples(lm, [fact.question for fact in facts], [fact.answer for fact in facts])
        return Prepared(examples, _reply_loss(lm))


@dataclass(frozen=True)
class ReplyLoss:
    """Cross entropy of the model's own greedy reply, mean over its tokens: it stays low if behaviour is kept.

    It needs no answers: on entity-perturbed prompts it is the loss of the model's own abstention.

    Attributes:
        max_new_tokens: Largest number of tokens in the reply.
    """

    max_new_tokens: int = 32
    name = "reply_loss"
    uses_evaluation_data = False

    def prepare(self, lm: LanguageModel, facts: Sequence[Fact]) -> Prepared:
        """Ask the model, then encode its replies.

        Args:
            lm: Model that is attributed.
            facts: Facts that the metric is taken on.

        Returns:
            Examples, and the function of a batch.
        """
        return Prepared(_asked(lm, facts, self.max_new_tokens), _reply_loss(lm))


@dataclass(frozen=True)
class AbstentionLogOdds:
    """Log-odds that the reply begins as one of these refusals does, in nats.

    Attributes:
        refusals: Texts whose first token counts as the beginning of an abstention.
    """

    refusals: tuple[str, ...]
    name = "abstention_log_odds"
    uses_evaluation_data = False

    def prepare(self, lm: LanguageModel, facts: Sequence[Fact]) -> Prepared:
        """Encode the bare prompts.

        Args:
            lm: Model that is attributed.
            facts: Facts that the metric is taken on.

        Returns:
            Examples, and the function of a batch.

        Raises:
            SeatError: No refusals are given.
        """
        if not self.refusals:
            raise SeatError("There are no refusals to tell an abstention by. Give at least one.")
        starts = encode_examples(lm, [facts[0].question] * len(self.refusals), self.refusals)
        tokens = torch.tensor(sorted({example.ids[example.start] for example in starts}))

        def values(batch: Sequence[Example], _: Sequence[int]) -> Tensor:
            logits = _wide(_last_logits(lm, batch))
            chosen = torch.zeros(logits.shape[-1], dtype=torch.bool, device=logits.device)
            chosen[tokens.to(logits.device)] = True
            return logits[:, chosen].logsumexp(-1) - logits[:, ~chosen].logsumexp(-1)

        return Prepared(_prompts(lm, facts), values)


@dataclass(frozen=True)
class DirectionProjection:
    """Projection of the residual stream on the ignorance direction, in separations.

    Attributes:
        direction: Direction, at whose layer and position the stream is read.
    """

    direction: IgnoranceDirection
    name = "direction_projection"
    uses_evaluation_data = True

    def prepare(self, lm: LanguageModel, facts: Sequence[Fact]) -> Prepared:
        """Encode the bare prompts.

        Args:
            lm: Model that is attributed.
            facts: Facts that the metric is taken on.

        Returns:
            Examples, and the function of a batch.

        Raises:
            SeatError: The direction is of another architecture.
        """
        self.direction.require_fits(lm)
        layer, position = self.direction.layer, self.direction.position
        vector = self.direction.vectors[layer] / self.direction.separation[layer]

        def values(batch: Sequence[Example], _: Sequence[int]) -> Tensor:
            hidden = _residual_stream(lm, batch, layer)
            return hidden[:, position].double() @ vector.to(hidden.device)

        return Prepared(_prompts(lm, facts), values)


@dataclass(frozen=True)
class KLToBase:
    """`KL(base || model)` over the base's own greedy reply, mean over its tokens, in nats.

    Its gradient is zero where the model is the base itself: attribute it under interventions (integrated gradients,
    ablation) or on a tuned model.

    Attributes:
        base: Frozen reference.
        max_new_tokens: Largest number of tokens in the reply.
    """

    base: LanguageModel
    max_new_tokens: int = 32
    name = "kl_to_base"
    uses_evaluation_data = False

    def prepare(self, lm: LanguageModel, facts: Sequence[Fact]) -> Prepared:
        """Ask the base for its replies; its log-probabilities are computed batch by batch, and none is kept.

        Args:
            lm: Model that is attributed.
            facts: Facts that the metric is taken on.

        Returns:
            Examples, and the function of a batch.
        """
        examples = _asked(self.base, facts, self.max_new_tokens)
        # The base may be the model that is hooked or trained itself: what it said before is wanted.
        base = self.base.copy() if self.base.model is lm.model else self.base

        def values(batch: Sequence[Example], _: Sequence[int]) -> Tensor:
            firsts = [example.start for example in batch]
            with torch.no_grad():
                wanted = [_wide(row).log_softmax(-1) for row in reply_logits(base, batch, firsts)]
            rows = [_wide(row).log_softmax(-1) for row in reply_logits(lm, batch, firsts)]
            return torch.stack([_kl(want.to(row), row) for want, row in zip(wanted, rows)])

        return Prepared(examples, values)


def _asked(lm: LanguageModel, facts: Sequence[Fact], max_new_tokens: int) -> list[Example]:
    """The questions with the model's own replies, token by token as it gave them."""
    questions = [fact.question for fact in facts]
    return encode_replies(lm, questions, [r.ids for r in replies(lm, questions, max_new_tokens=max_new_tokens)])


def _reply_loss(lm: LanguageModel) -> Values:
    def values(batch: Sequence[Example], _: Sequence[int]) -> Tensor:
        rows = reply_logits(lm, batch, [example.start for example in batch])
        wanted = [torch.tensor(example.ids[example.start :], device=row.device) for example, row in zip(batch, rows)]
        return torch.stack([F.cross_entropy(_wide(row), ids) for row, ids in zip(rows, wanted)])

    return values


def _wide(logits: Tensor) -> Tensor:
    """In float32 at least, where a sum over the vocabulary is taken."""
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def _kl(target: Float[Tensor, "tokens vocabulary"], tuned: Float[Tensor, "tokens vocabulary"]) -> Float[Tensor, ""]:
    return F.kl_div(tuned, target, log_target=True, reduction="none").sum(-1).mean()


def _prompts(lm: LanguageModel, facts: Sequence[Fact]) -> list[Example]:
    prompts = encode_prompts(lm, [fact.question for fact in facts])
    return [Example(tuple(ids), len(ids), len(ids)) for ids in prompts]


def _padded(lm: LanguageModel, batch: Sequence[Example]) -> dict[str, Tensor]:
    ids = [example.ids for example in batch]
    return pad(ids, lm.tokenizer.pad_token_id, left=True).to(lm.model.device).inputs()


def _last_logits(lm: LanguageModel, batch: Sequence[Example]) -> Float[Tensor, "batch vocabulary"]:
    return lm.model(**_padded(lm, batch), use_cache=False, logits_to_keep=1).logits[:, -1]


def _residual_stream(lm: LanguageModel, batch: Sequence[Example], layer: int) -> Float[Tensor, "batch sequence width"]:
    """The output of one block, with its graph."""
    seen: list[Tensor] = []

    def keep(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        seen.append(first(output))

    block = lm.model.get_submodule(lm.sites.blocks[layer])
    with block.register_forward_hook(keep):
        lm.model.base_model(**_padded(lm, batch), use_cache=False)
    return seen[0]
