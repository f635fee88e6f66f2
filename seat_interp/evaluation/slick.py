"""SLiCK: what a model knows, by how often it answers right under few-shot prompts (arXiv 2405.05904, section 3)."""

import itertools
import time
import zlib
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import torch

from seat_interp.core.errors import SeatError, require_within
from seat_interp.core.files import text_hash, write_json
from seat_interp.core.ledger import Rows, claim
from seat_interp.core.processes import Processes, processes
from seat_interp.core.progress import progress_bar
from seat_interp.evaluation._few_shot import draw_exemplars, few_shot_ids
from seat_interp.evaluation._sampling import Answers, Sampling, SharedPrefix, answers
from seat_interp.evaluation.score import Label, exact_match, label
from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel


class Category(StrEnum):
    """How well a fact is known."""

    HIGHLY_KNOWN = "HighlyKnown"
    """Every greedy answer is right."""
    MAYBE_KNOWN = "MaybeKnown"
    """Some greedy answers are right."""
    WEAKLY_KNOWN = "WeaklyKnown"
    """No greedy answer is right, but some sampled one is."""
    UNKNOWN = "Unknown"
    """No answer is right."""

    @property
    def known(self) -> bool:
        """Any category but Unknown."""
        return self is not Category.UNKNOWN


def category(greedy: float, sampled: float) -> Category:
    """Return the category for the shares of right answers (arXiv 2405.05904, Fig. 2).

    Args:
        greedy: Share of right greedy answers, 0 to 1.
        sampled: Share of right sampled answers, 0 to 1.

    Returns:
        The category.
    """
    if greedy == 1:
        return Category.HIGHLY_KNOWN
    if greedy > 0:
        return Category.MAYBE_KNOWN
    return Category.WEAKLY_KNOWN if sampled > 0 else Category.UNKNOWN


@dataclass(frozen=True)
class SlickConfig(Sampling):
    """Settings of SLiCK: the paper's, those of the samples among them; what it does not give is ours.

    Attributes:
        samples: Number of sampled answers to each prompt, beside the greedy one.
        temperature: Divisor of the samples' logits.
        top_k: Number of likeliest tokens that a sample can take.
        max_new_tokens: Largest number of tokens in an answer (ours).
        prompts: Number of few-shot prompts for each fact, which are the same for all facts of a relation.
        exemplars: Number of solved questions in each prompt, from the dev split.
        chat: Whether exemplars are turns of a conversation in the chat template; else lines of "Q:" and "A:".
        exact: Whether an answer must be an accepted form and nothing else; else it is enough that it holds one.
        seed: Seed of exemplars and samples.

    Example:
        >>> si.SlickConfig().prompts, si.SlickConfig().samples, si.SlickConfig().temperature
        (10, 16, 0.5)
    """

    prompts: int = 10
    exemplars: int = 4
    chat: bool = False
    exact: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        require_within(self, "prompts", 1)
        require_within(self, "exemplars", 0)


@dataclass(frozen=True)
class SlickResult:
    """Fact with the outcome of SLiCK.

    Attributes:
        fact: Fact that was asked.
        greedy: Share of the prompts whose greedy answer is right, P(T=0).
        sampled: Share of all samples that are right, P(T>0).
        tokens: Number of tokens of all answers, as if each had been made by itself.
    """

    fact: Fact
    greedy: float
    sampled: float
    tokens: int = 0

    @property
    def category(self) -> Category:
        """How well the fact is known."""
        return category(self.greedy, self.sampled)

    def to_json(self) -> dict[str, Any]:
        """Return the fact with its outcome: a line of `slick.jsonl`.

        Returns:
            JSON object.
        """
        outcome = {
            "category": self.category.value,
            "greedy": self.greedy,
            "sampled": self.sampled,
            "tokens": self.tokens,
        }
        return {**self.fact.to_json(), "slick": outcome}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "SlickResult":
        """Make a result from what `to_json` gave.

        Args:
            row: JSON object.

        Returns:
            The result.
        """
        outcome = row["slick"]
        fact = Fact.from_json({name: value for name, value in row.items() if name != "slick"})
        return cls(fact, outcome["greedy"], outcome["sampled"], outcome["tokens"])


def counts(results: Iterable[SlickResult]) -> dict[str, int]:
    """Count facts of each category.

    Args:
        results: Results of SLiCK.

    Returns:
        Number of facts by name of the category.
    """
    numbers = Counter(result.category for result in results)
    return {kind.value: numbers[kind] for kind in Category}


def slick(
    lm: LanguageModel,
    *,
    facts: Sequence[Fact],
    dev: Sequence[Fact],
    config: SlickConfig | None = None,
    done: Container[Fact] = (),
    among: Processes | None = None,
    batch_size: int = 16,
    progress: bool = True,
) -> Iterator[SlickResult]:
    """Yield every fact with the shares of right answers, in batches of one relation, to be kept as they come.

    A fact's outcome depends on the facts of its batch only through what is drawn by chance.

    Args:
        lm: Model with its tokenizer.
        facts: Facts with relations and answers.
        dev: Facts of the same relations, about other subjects, for exemplars.
        config: Settings; the paper's if None.
        done: Facts with an outcome from a run that was cut off: a batch of such facts alone is passed over. Given the
            same facts, settings and batch size, the others come out as if it had not been cut off.
        among: Processes that share out the batches; this one yields its own share. `slick_to` joins them.
        batch_size: Number of facts in a batch.
        progress: Whether a bar is shown, with the time left.

    Yields:
        Results of SLiCK.

    Raises:
        SeatError: There are no facts, one has no answer or relation, exemplars are too few, or prompts are too long for
        the model.
    """
    config = config or SlickConfig()
    if not facts:
        raise SeatError("There are no facts to ask: the set is empty.")
    if bare := next((fact for fact in facts if not fact.accepted()), None):
        raise SeatError(f"The fact {bare.question!r} has no answer, so nobody can tell whether the model knows it.")
    drawn = draw_exemplars(facts, dev, prompts=config.prompts, exemplars=config.exemplars, seed=config.seed)
    by_relation = {relation: [fact for fact in facts if fact.relation == relation] for relation in drawn}
    starts = {relation: range(0, len(same), batch_size) for relation, same in by_relation.items()}
    batches = [(relation, slice(at, at + batch_size)) for relation in by_relation for at in starts[relation]]
    todo = [
        (relation, batch) for relation, batch in batches if any(f not in done for f in by_relation[relation][batch])
    ]
    share = (among or Processes()).shard(todo)
    to_ask = sum(len(by_relation[relation][batch]) for relation, batch in share)
    before = len(facts) - sum(len(by_relation[relation][batch]) for relation, batch in todo)
    with progress_bar(total=before + to_ask, initial=before, desc="SLiCK", unit="fact", show=progress) as bar:
        for relation, of_relation in itertools.groupby(share, key=lambda exemplars: exemplars[0]):
            same, prompts = by_relation[relation], drawn[relation]
            options = {"chat": config.chat, "room": config.max_new_tokens}
            ids = [[few_shot_ids(lm, fact.question, exemplars, **options) for fact in same] for exemplars in prompts]  # type: ignore[arg-type]
            prefixes = [SharedPrefix(lm, column) for column in ids]
            for _, batch in of_relation:
                # A seed for each batch, so that samples do not depend on what was asked before a run was cut off.
                generator = torch.Generator().manual_seed(_seed(config.seed, relation, same[batch][0].question))
                columns = [
                    answers(lm, column[batch], config, generator, prefix) for column, prefix in zip(ids, prefixes)
                ]
                for fact, exemplars in zip(same[batch], zip(*columns)):
                    yield _score(fact, exemplars, config)
                bar.update(len(same[batch]))


def _score(fact: Fact, per_prompt: Sequence[Answers], config: SlickConfig) -> SlickResult:
    def right(text: str) -> bool:
        return exact_match(text, fact) if config.exact else label(text, fact) is Label.CORRECT

    greedy = sum(right(answer.greedy) for answer in per_prompt) / len(per_prompt)
    hits = sum(count for answer in per_prompt for text, count in answer.sampled.items() if right(text))
    sampled = hits / max(1, sum(sum(answer.sampled.values()) for answer in per_prompt))
    return SlickResult(fact, greedy, sampled, sum(answer.tokens for answer in per_prompt))


def _seed(seed: int, *texts: str) -> int:
    return zlib.crc32("\n".join([str(seed), *texts]).encode())


def slick_to(
    lm: LanguageModel,
    *,
    facts: Sequence[Fact],
    dev: Sequence[Fact],
    path: str | Path,
    config: SlickConfig | None = None,
    batch_size: int = 16,
    progress: bool = True,
) -> list[SlickResult]:
    """Ask every fact that is not in a file yet, and write each as it comes out.

    Under `accelerate launch` or torchrun the processes share out the batches. Each but the first one writes to a file
    of its own beside `path`, and at the end the first one joins them. The outcome is that of one process, and a run
    that was cut off may resume with another number of processes.

    Args:
        lm: Model with its tokenizer.
        facts: Facts with relations and answers.
        dev: Facts of the same relations, about other subjects, for exemplars.
        path: JSON lines, new or begun with the same model, facts, settings and batch size; `about_of(path)`, beside it,
            holds these and the seconds it has taken.
        config: Settings; the paper's if None.
        batch_size: Number of facts in a batch.
        progress: Whether a bar is shown, with the time left.

    Returns:
        Every fact with its outcome, in the order of the facts, in each process.

    Raises:
        SeatError: As `slick`, or a file that was begun with other settings or written by another program.

    Example:
        >>> config = si.SlickConfig(chat=True, exact=False, prompts=1, exemplars=1, samples=2)
        >>> results = si.slick_to(
        ...     lm, facts=facts.known[:2], dev=facts.known[20:], path="slick.jsonl", config=config, progress=False
        ... )
        >>> len(results)
        2
    """
    path, began = Path(path), time.perf_counter()
    config, among, about = config or SlickConfig(), processes(), about_of(path)
    rows, settings = Rows(path, f"{path.name}.part-{{}}"), _settings(lm, facts, dev, config, batch_size)
    refusal = f"{path} was made with other settings, or by another program. Name another file."
    before = claim(about, settings, begun=rows.exist, refusal=refusal, notes={"seconds": 0.0}, write=False)
    done = _results(rows)
    among.barrier()  # nobody writes before all have read
    if any(fact not in done for fact in facts):
        shown = progress and among.rank == 0
        if among.rank == 0:
            write_json(about, before)
        for result in slick(
            lm, facts=facts, dev=dev, config=config, done=set(done), among=among, batch_size=batch_size, progress=shown
        ):
            if result.fact not in done:
                rows.append(result.to_json(), among.rank)
            if among.rank == 0:
                write_json(about, before | {"seconds": round(before["seconds"] + time.perf_counter() - began, 1)})
    among.barrier()
    done = _results(rows)
    among.barrier()
    results = [done[fact] for fact in facts]
    if among.rank == 0:
        rows.join([result.to_json() for result in results])
    among.barrier()
    return results


def about_of(path: Path) -> Path:
    """Return the path of the settings that a file of SLiCK was made with.

    Args:
        path: Path of the file.

    Returns:
        The path with `.json` behind it.
    """
    return path.with_name(f"{path.name}.json")


def _settings(
    lm: LanguageModel, facts: Sequence[Fact], dev: Sequence[Fact], config: SlickConfig, batch_size: int
) -> dict[str, Any]:
    texts = {name: text_hash([repr(fact) for fact in part]) for name, part in (("facts", facts), ("dev", dev))}
    return {"model": lm.fingerprint, "settings": asdict(config), **texts, "batch_size": batch_size}


def _results(rows: Rows) -> dict[Fact, SlickResult]:
    return {result.fact: result for result in map(SlickResult.from_json, rows.read())}
