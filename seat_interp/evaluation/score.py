"""Labels of replies (abstain, correct, wrong, unscored), recall, and their rates."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from seat_interp.core.errors import SeatError, require_type
from seat_interp.evaluation.abstention import STRAIGHT_QUOTES, is_abstention, names_the_entity, stated
from seat_interp.facts.records import Fact, require_facts

if TYPE_CHECKING:
    from rouge_score.rouge_scorer import RougeScorer
from collections.abc import Mapping

from seat_interp.evaluation.generate import generate
from seat_interp.models.open import LanguageModel


class Label(StrEnum):
    """What a reply is; exactly one of four."""

    ABSTAIN = "abstain"
    CORRECT = "correct"
    WRONG = "wrong"
    UNSCORED = "unscored"


def label(reply: str, fact: Fact) -> Label:
    """Label a reply: unscored if it holds no word, then abstain, then correct or wrong.

    A reply is correct if an accepted form stands in it as whole words after normalisation: lower case, no accents,
    punctuation or articles, single spaces; numbers, percentages and dates are whole words, so 8 is not in 18, nor 2 in
    2%. Position and negation are not read: "it is not Paris" holds Paris. Where nothing can be right (an unknown or
    unverifiable question) every reply that does not abstain is wrong: made up.

    A hedged answer is no abstention (see `abstention.py`). An abstaining reply is correct only if it states an accepted
    form outside its admission, and the question did not hold that form already: "The capital is Paris. I don't know its
    population."

    Args:
        reply: Reply of the model.
        fact: Fact that was asked.

    Returns:
        The label.
    """
    if not _normalise(reply):
        return Label.UNSCORED
    forms = fact.accepted()
    if is_abstention(reply):
        aside = stated(reply)
        beside = any(_holds(aside, form) and not _holds(fact.question, form) for form in forms)
        return Label.CORRECT if beside else Label.ABSTAIN
    return Label.CORRECT if any(_holds(reply, form) for form in forms) else Label.WRONG


def exact_match(reply: str, fact: Fact) -> bool:
    """Return whether the reply is an accepted form and nothing else, after the normalisation of `label`.

    Args:
        reply: Reply of the model.
        fact: Fact that was asked.

    Returns:
        True if it is.
    """
    words = [word for word in _normalise(reply) if word not in _ARTICLES]
    return bool(words) and any(words == [w for w in _normalise(form) if w not in _ARTICLES] for form in fact.accepted())


_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-")
_ARTICLES = frozenset({"a", "an", "the"})
_WORD = re.compile(
    r"(?P<date>\b\d{1,4}([-/.])\d{1,2}\2\d{1,4}\b)|(?<!\w)-?\d+(?:\.\d+)?(?:%|(?!\w))|[^\W_]+",
)


def _normalise(text: str) -> list[str]:
    """The words of a text in comparable form, articles included."""
    text = unicodedata.normalize("NFKD", text.translate(STRAIGHT_QUOTES | _DASHES).casefold())
    text = "".join(letter for letter in text if not unicodedata.combining(letter))
    text = re.sub(r"'s\b|'", "", text)
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)  # 1,000 is 1000
    text = re.sub(r"(?<=\d) ?(?:%|per ?cent\b)", "%", text)
    return [_same_date(match[0]) if match["date"] else match[0] for match in _WORD.finditer(text)]


def _same_date(date: str) -> str:
    """06/02/1998 and 6.2.1998 as 6-2-1998; the order of day and month is left alone."""
    return "-".join(part.lstrip("0") or "0" for part in re.split(r"[-/.]", date))


def _holds(text: str, form: str) -> bool:
    """Whether the normalised form stands in the normalised text as a run of whole words."""
    words, wanted = _normalise(text), _normalise(form)
    if wanted and wanted[-1] not in _ARTICLES:  # the last letter of "Vitamin A" is no article
        words, wanted = ([word for word in run if word not in _ARTICLES] for run in (words, wanted))
    return bool(wanted) and f" {' '.join(wanted)} " in f" {' '.join(words)} "


@cache
def _rouge() -> "RougeScorer":
    from rouge_score.rouge_scorer import RougeScorer  # slow to import

    return RougeScorer(["rouge1"], use_stemmer=True)


def _rouge_reads(answer: str) -> bool:
    """The library's tokenizer keeps ASCII letters and digits only."""
    return re.search(r"[a-z0-9]", answer.lower()) is not None


def rouge1_recall(reply: str, fact: Fact) -> float:
    """Compute the share of the answer's words (with multiplicity, Porter-stemmed) that the reply holds.

    This is ROUGE-1 recall of the `rouge_score` library with the answer as the reference. The library splits words at
    letters beyond ASCII, on both sides alike.

    Args:
        reply: Reply of the model.
        fact: Fact with an answer.

    Returns:
        Share from 0 to 1.

    Raises:
        SeatError: The fact has no answer that the library can read.
    """
    if not _rouge_reads(fact.answer):
        raise SeatError(
            f"ROUGE needs an answer with ASCII letters or digits, but the answer to {fact.question!r} is "
            f"{fact.answer!r}. Use label() for this fact."
        )
    return float(_rouge().score(fact.answer, reply)["rouge1"].recall)


@dataclass(frozen=True)
class Record:
    """One prompt with its raw reply and its label: a line of `records.jsonl`.

    Attributes:
        set_name: Name of the fact's set, such as "target" or "unverifiable".
        question: Question that was asked.
        answer: The fact's full answer; empty where nothing can be right.
        reply: Reply of the model, unchanged.
        label: Label, see `label`.
        entity_naming: Whether the reply is labelled abstain and names what was asked.
        rouge1: ROUGE-1 recall, 0 to 1; None where there is no answer to compare with.
    """

    set_name: str
    question: str
    answer: str
    reply: str
    label: Label
    entity_naming: bool
    rouge1: float | None

    def to_json(self) -> dict[str, Any]:
        """Return a plain dict, with the label as its string.

        Returns:
            JSON object.
        """
        return {**asdict(self), "label": self.label.value}


def records(set_name: str, facts: Sequence[Fact], replies: Sequence[str]) -> list[Record]:
    """Label one reply for each fact, in order.

    Args:
        set_name: Name of the facts' set.
        facts: Facts that were asked.
        replies: Reply to each fact.

    Returns:
        One record for each fact.

    Raises:
        SeatError: There are not as many replies as facts.
    """
    if len(facts) != len(replies):
        raise SeatError(f"Set {set_name!r} has {len(facts)} facts but {len(replies)} replies. Give one for each.")
    return [_record(set_name, fact, reply) for fact, reply in zip(facts, replies)]


def _record(set_name: str, fact: Fact, reply: str) -> Record:
    judged = label(reply, fact)
    entities = fact.entities or ((fact.subject,) if fact.subject else ())
    return Record(
        set_name=set_name,
        question=fact.question,
        answer=fact.answer,
        reply=reply,
        label=judged,
        entity_naming=judged is Label.ABSTAIN and names_the_entity(reply, fact.question, entities),
        rouge1=rouge1_recall(reply, fact) if _rouge_reads(fact.answer) else None,
    )


@dataclass(frozen=True)
class Rates:
    """Shares of all n replies, 0 to 1; abstain, correct, wrong and unscored add up to 1.

    Unscored replies stay in the denominator: leaving them out would raise every other rate.

    Attributes:
        n: Number of replies.
        abstain: Share that abstains, keyword-matched.
        correct: Share that is correct.
        wrong: Share that is wrong.
        unscored: Share without a word.
        entity_naming: Share that abstains and names what was asked; at most `abstain`.
        rouge1: Mean ROUGE-1 recall over the replies that have one; None where none has.
    """

    n: int
    abstain: float
    entity_naming: float
    correct: float
    wrong: float
    unscored: float
    rouge1: float | None


def rates(records: Iterable[Record]) -> Rates:
    """Count labels.

    Args:
        records: Records of one set.

    Returns:
        Shares of each label.

    Raises:
        SeatError: There are no records.

    Example:
        >>> replies = si.ask(lm, {"unknown": facts.unknown[:4]}, progress=False)
        >>> si.rates(replies["unknown"]).n
        4
    """
    rows = list(records)
    if not rows:
        raise SeatError("There are no records to take rates of. Check that the set of facts is not empty.")
    share = {kind.value: sum(row.label is kind for row in rows) / len(rows) for kind in Label}
    recalls = [row.rouge1 for row in rows if row.rouge1 is not None]
    return Rates(
        n=len(rows),
        entity_naming=sum(row.entity_naming for row in rows) / len(rows),
        rouge1=sum(recalls) / len(recalls) if recalls else None,
        **share,
    )


def ask(
    lm: LanguageModel,
    sets: Mapping[str, Sequence[Fact]],
    *,
    max_new_tokens: int = 32,
    batch_size: int = 64,
    progress: bool = True,
) -> dict[str, list[Record]]:
    """Ask the model every set in one pass and label its greedy replies.

    Args:
        lm: Model with its tokenizer.
        sets: Facts by name of their set.
        max_new_tokens: Largest number of tokens in a reply.
        batch_size: Number of prompts in a forward pass.
        progress: Whether a progress bar is shown.

    Returns:
        Records by name of the set, in the order of the facts.

    Raises:
        SeatError: There are no questions, or one leaves no room for the reply in the model's context.

    Example:
        >>> replies = si.ask(lm, {"known": facts.known[:2], "unknown": facts.unknown[:2]}, progress=False)
        >>> [record.label.value for record in replies["unknown"]]
        ['abstain', 'abstain']
    """
    require_type("lm", lm, LanguageModel, "a LanguageModel: open_model(...) or wrap_model(...)")
    require_type("sets", sets, Mapping, "a mapping from names of sets to lists of facts")
    require_facts(**{name.replace(" ", "_"): list(facts) for name, facts in sets.items()})
    questions = [fact.question for facts in sets.values() for fact in facts]
    replies = iter(generate(lm, questions, max_new_tokens=max_new_tokens, batch_size=batch_size, progress=progress))
    return {name: records(name, facts, [next(replies) for _ in facts]) for name, facts in sets.items()}
