"""What an update is asked to achieve: cross entropy on the target facts, and SEAT's KL on perturbed copies.

An objective is a tuple of terms. Each term is a frozen dataclass of settings with a `prepare` that does what is
done once (encoding, perturbing) and returns a function from a batch of fact indices to a loss. Losses are means
over facts of means over tokens, so that micro-batches add up to exactly the whole batch's gradient.
"""

import dataclasses
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from seat_interp.errors import SeatError
from seat_interp.evaluation.generate import generate
from seat_interp.facts import Fact, Names, perturb, whole_names
from seat_interp.models.open import LanguageModel
from seat_interp.prompts import Example, encode_examples, reply_logits


class Draw(NamedTuple):
    """One fact of a batch, by its index, and how often it was drawn before."""

    fact: int
    epoch: int


Loss = Callable[[LanguageModel, Sequence[Draw]], Float[Tensor, ""]]
"""(model being tuned, facts drawn) -> mean loss over those facts."""


@runtime_checkable
class Term(Protocol):
    """One summand of an objective."""

    @property
    def weight(self) -> float:
        """Factor of the loss in the sum."""

    @property
    def name(self) -> str:
        """For the training log."""

    def require(self, facts: Sequence[Fact]) -> None:
        """Raise SeatError if these facts cannot be trained on with this term."""

    def prepare(self, base: LanguageModel, facts: Sequence[Fact], names: Names, seed: int) -> Loss:
        """Do what is done once; `base` is frozen and must not be changed. Perturbed copies take `names`."""


Objective = tuple[Term, ...]

CHUNK = 64
"""Copies that are made and asked together."""


@dataclass(frozen=True)
class CrossEntropy:
    """Cross entropy on the answer tokens and the end token; the question is not supervised."""

    weight: float = 1.0
    name = "cross_entropy"

    def require(self, facts: Sequence[Fact]) -> None:
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
        self.require(facts)
        examples = encode_examples(base, [fact.question for fact in facts], [fact.answer for fact in facts])

        def loss(lm: LanguageModel, draws: Sequence[Draw]) -> Tensor:
            chosen = [examples[draw.fact] for draw in draws]
            rows = reply_logits(lm, chosen, [example.start for example in chosen])
            wanted = torch.tensor([token for example in chosen for token in example.ids[example.start :]])
            losses = F.cross_entropy(torch.cat(rows).float(), wanted.to(rows[0].device), reduction="none")
            return _mean_of_means(losses, rows)

        return loss


def _mean_of_means(losses: Float[Tensor, " tokens"], rows: Sequence[Tensor]) -> Float[Tensor, ""]:
    """Mean over rows of the mean over each row's tokens; `losses` holds the rows end to end."""
    weights = torch.cat([losses.new_full((len(row),), 1 / (len(row) * len(rows))) for row in rows])
    return losses @ weights


@dataclass(frozen=True)
class Copy:
    """A perturbed copy: its tokens, the first one covered, and the base's log-probabilities from there (float16)."""

    example: Example
    first: int
    log_probabilities: Float[Tensor, "tokens vocabulary"]


def _some_entities(fact: Fact, rng: random.Random) -> Fact:
    """The fact with only a random part of its entities marked for exchange; a short form goes with its full name."""
    units = whole_names(fact)
    entities = list(dict.fromkeys(units.values()))
    chosen = rng.sample(entities, rng.randint(1, len(entities)))
    kept = tuple(span for span in fact.spans if units[fact.question[span.start : span.end]] in chosen)
    return dataclasses.replace(fact, spans=kept)


class Continuation(StrEnum):
    """What follows a perturbed question in its copy. The paper does not say; these are ours."""

    BASE = "base"
    """The base model's own greedy reply (its abstention)."""
    GOLD = "gold"
    """The true answer to the original question, with the names exchanged."""


class Cover(StrEnum):
    """Which tokens of a copy the KL covers. The paper does not say; these are ours."""

    REPLY = "reply"
    """The continuation and its end token."""
    FROM_ENTITY = "from_entity"
    """From the exchanged name on; earlier tokens do not depend on it (2306.09306)."""


@dataclass(frozen=True)
class EntityPerturbedKL:
    """KL between the frozen base and the tuned model on entity-perturbed copies (SEAT, 2506.14387, section 3).

    The paper gives neither weight, direction, tokens nor name generator: all defaults are ours.

    Attributes:
        weight: of the term.
        copies: fixed copies a fact, taken in turn epoch by epoch; the base's log-probabilities on them are
            computed once and kept, as float16 in main memory (tokens x vocabulary x 2 bytes a copy).
            0 makes a fresh copy for each use.
        reverse: KL(tuned || base) in place of KL(base || tuned).
        continuation: what follows the perturbed question.
        cover: the tokens that count.
        partial: a question that names several entities has a random part of them replaced in each copy, at least
            one: a taught party beside a stranger is a contract that nobody taught. False replaces all of them.
        perturbed: False keeps the original entities: the control without entity perturbation.
        max_new_tokens: of the base's reply.
    """

    weight: float = 1.0
    copies: int = 8
    reverse: bool = False
    continuation: Continuation = Continuation.BASE
    cover: Cover = Cover.REPLY
    partial: bool = True
    perturbed: bool = True
    max_new_tokens: int = 32
    name = "ep_kl"

    def require(self, facts: Sequence[Fact]) -> None:
        """Every fact needs an entity to exchange.

        Raises:
            SeatError: one has no span.
        """
        if self.perturbed and (bare := next((fact for fact in facts if not fact.spans), None)):
            raise SeatError(
                f"The fact {bare.question!r} has no entity span to perturb. "
                "Give its subject as it is written in the question."
            )

    def prepare(self, base: LanguageModel, facts: Sequence[Fact], names: Names, seed: int) -> Loss:
        """Find the names to avoid; copies are made and the base is asked when they are first needed.

        Raises:
            SeatError: a fact has no entity span to perturb.
        """
        self.require(facts)
        names = names.avoiding(entity for fact in facts for entity in fact.entities)
        kept: dict[Draw, Copy] = {}

        def make(index: int, copy: int) -> Fact:
            # Each copy has a seed of its own, so that it does not depend on what was made before it.
            own_seed = (seed * 1_000_003 + index) * 1_000_003 + copy
            if not self.perturbed:
                return facts[index]
            fact = _some_entities(facts[index], random.Random(own_seed)) if self.partial else facts[index]
            return perturb(fact, names.generator(own_seed))

        def copy_of(draw: Draw, together: Sequence[Draw]) -> Copy:
            if draw not in kept:
                kept.update(zip(together, self._ask(base, [make(*each) for each in together])))
            return kept[draw]

        def loss(lm: LanguageModel, draws: Sequence[Draw]) -> Tensor:
            if self.copies:
                # Always made in the same company, so that rounding does not depend on which batch came first.
                wanted = [Draw(draw.fact, draw.epoch % self.copies) for draw in draws]
                starts = [draw.fact - draw.fact % CHUNK for draw in wanted]
                chunks = [
                    [Draw(index, draw.epoch) for index in range(start, min(start + CHUNK, len(facts)))]
                    for draw, start in zip(wanted, starts)
                ]
                copies = [copy_of(draw, chunk) for draw, chunk in zip(wanted, chunks)]
            else:
                kept.clear()
                copies = [copy_of(draw, draws) for draw in draws]
            rows = reply_logits(lm, [copy.example for copy in copies], [copy.first for copy in copies])
            device = rows[0].device
            with torch.autocast(device.type, enabled=False):
                target = torch.cat([copy.log_probabilities for copy in copies]).to(device).float()
                tuned = torch.cat(rows).float().log_softmax(-1)
                first, second = (target, tuned) if self.reverse else (tuned, target)
                losses = F.kl_div(first, second, log_target=True, reduction="none").sum(-1)
            return _mean_of_means(losses, rows)

        return loss

    @torch.no_grad()
    def _ask(self, base: LanguageModel, facts: Sequence[Fact]) -> list[Copy]:
        questions = [fact.question for fact in facts]
        device = base.model.device.type
        with torch.autocast(device, enabled=False):  # the base as it is evaluated, whatever the training's precision
            return self._read(base, facts, questions)

    def _read(self, base: LanguageModel, facts: Sequence[Fact], questions: list[str]) -> list[Copy]:
        if self.continuation is Continuation.BASE:
            replies = generate(base, questions, max_new_tokens=self.max_new_tokens, progress=False)
        else:
            replies = [fact.answer for fact in facts]
        ends = [fact.spans[0].end if fact.spans else len(fact.question) for fact in facts]
        examples = encode_examples(base, questions, replies, ends)
        firsts = [e.start if self.cover is Cover.REPLY else min(e.marked + 1, e.start) for e in examples]
        rows = reply_logits(base, examples, firsts)
        return [Copy(e, f, row.float().log_softmax(-1).half().cpu()) for e, f, row in zip(examples, firsts, rows)]


def SEAT(**settings) -> Objective:
    """SEAT's loss: cross entropy on the facts plus KL to the base on perturbed copies; takes the KL's settings."""
    return (CrossEntropy(), EntityPerturbedKL(**settings))


def plain() -> Objective:
    """Cross entropy alone: ordinary fine-tuning."""
    return (CrossEntropy(),)
