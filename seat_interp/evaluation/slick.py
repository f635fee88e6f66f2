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
    """From the shares of right answers, greedy and sampled (Fig. 2 of the paper)."""
    if greedy == 1:
        return Category.HIGHLY_KNOWN
    if greedy > 0:
        return Category.MAYBE_KNOWN
    return Category.WEAKLY_KNOWN if sampled > 0 else Category.UNKNOWN


@dataclass(frozen=True)
class SlickConfig(Sampling):
    """The paper's settings, those of the samples among them; what it does not give is ours.

    Attributes:
        samples: sampled answers to each prompt, beside the greedy one.
        temperature: of the samples.
        top_k: of the samples.
        max_new_tokens: of an answer (ours).
        prompts: few-shot prompts a fact: draws of exemplars, the same for all facts of a relation.
        exemplars: solved questions in each prompt, from the dev split.
        chat: exemplars as turns of a conversation, in the chat template; else lines of "Q:" and "A:".
        exact: an answer is right if it is an accepted form and nothing else; else it is enough that it holds one.
        seed: of exemplars and samples.
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
    """A fact that was asked, and what came out.

    Attributes:
        fact: as asked.
        greedy: share of the prompts whose greedy answer is right, P(T=0).
        sampled: share of all samples that are right, P(T>0).
        tokens: of all answers, as if each had been made by itself.
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
        """The fact with what came out beside it: a line of `slick.jsonl`."""
        found = {"category": self.category.value, "greedy": self.greedy, "sampled": self.sampled, "tokens": self.tokens}
        return {**self.fact.to_json(), "slick": found}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "SlickResult":
        """Inverse of `to_json`."""
        found = row["slick"]
        fact = Fact.from_json({name: value for name, value in row.items() if name != "slick"})
        return cls(fact, found["greedy"], found["sampled"], found["tokens"])


def counts(found: Iterable[SlickResult]) -> dict[str, int]:
    """Facts of each category, by its name."""
    there = Counter(each.category for each in found)
    return {kind.value: there[kind] for kind in Category}


def slick(
    lm: LanguageModel,
    facts: Sequence[Fact],
    dev: Sequence[Fact],
    config: SlickConfig | None = None,
    *,
    done: Container[Fact] = (),
    among: Processes | None = None,
    batch_size: int = 16,
    progress: bool = True,
) -> Iterator[SlickResult]:
    """Every fact with how often it is answered right, in batches of one relation: an iterator, to be kept as it comes.

    What comes out of a fact depends on the facts of its batch only through what is drawn by chance.

    Args:
        lm: the model.
        facts: with relations and answers.
        dev: facts of the same relations, about other subjects, for exemplars.
        config: the paper's settings if not given.
        done: facts that came out before a run was cut off: a batch of such facts alone is passed over. Given the same
            facts, settings and batch size, the others come out as if it had not been cut off.
        among: processes that share out the batches; what this one asks comes out here. `slick_to` joins them.
        batch_size: facts at a time.
        progress: show a bar, with the time that is left.

    Raises:
        SeatError: no facts, one without an answer or a relation, too few exemplars, or prompts too long for the model.
    """
    config = config or SlickConfig()
    if not facts:
        raise SeatError("There are no facts to ask: the set is empty.")
    if bare := next((fact for fact in facts if not fact.accepted()), None):
        raise SeatError(f"The fact {bare.question!r} has no answer, so nobody can tell whether the model knows it.")
    drawn = draw_exemplars(facts, dev, prompts=config.prompts, exemplars=config.exemplars, seed=config.seed)
    by_relation = {relation: [fact for fact in facts if fact.relation == relation] for relation in drawn}
    starts = {relation: range(0, len(same), batch_size) for relation, same in by_relation.items()}
    every = [(relation, slice(at, at + batch_size)) for relation in by_relation for at in starts[relation]]
    todo = [(relation, batch) for relation, batch in every if any(f not in done for f in by_relation[relation][batch])]
    mine = (among or Processes()).shard(todo)
    to_ask = sum(len(by_relation[relation][batch]) for relation, batch in mine)
    before = len(facts) - sum(len(by_relation[relation][batch]) for relation, batch in todo)
    with progress_bar(total=before + to_ask, initial=before, desc="SLiCK", unit="fact", show=progress) as bar:
        for relation, some in itertools.groupby(mine, key=lambda each: each[0]):
            same, prompts = by_relation[relation], drawn[relation]
            how = {"chat": config.chat, "room": config.max_new_tokens}
            ids = [[few_shot_ids(lm, fact.question, each, **how) for fact in same] for each in prompts]  # type: ignore[arg-type]
            prefixes = [SharedPrefix(lm, column) for column in ids]
            for _, batch in some:
                # A seed for each batch, so that samples do not depend on what was asked before a run was cut off.
                generator = torch.Generator().manual_seed(_seed(config.seed, relation, same[batch][0].question))
                found = [answers(lm, column[batch], config, generator, prefix) for column, prefix in zip(ids, prefixes)]
                for fact, each in zip(same[batch], zip(*found)):
                    yield _score(fact, each, config)
                bar.update(len(same[batch]))


def _score(fact: Fact, found: Sequence[Answers], config: SlickConfig) -> SlickResult:
    def right(text: str) -> bool:
        return exact_match(text, fact) if config.exact else label(text, fact) is Label.CORRECT

    greedy = sum(right(each.greedy) for each in found) / len(found)
    hits = sum(count for each in found for text, count in each.sampled.items() if right(text))
    sampled = hits / max(1, sum(sum(each.sampled.values()) for each in found))
    return SlickResult(fact, greedy, sampled, sum(each.tokens for each in found))


def _seed(seed: int, *texts: str) -> int:
    return zlib.crc32("\n".join([str(seed), *texts]).encode())


def slick_to(
    lm: LanguageModel,
    facts: Sequence[Fact],
    dev: Sequence[Fact],
    path: str | Path,
    config: SlickConfig | None = None,
    *,
    batch_size: int = 16,
    progress: bool = True,
) -> list[SlickResult]:
    """Ask every fact that is not in the file yet; each is written as it comes out.

    Under `accelerate launch` or torchrun the processes share out the batches. Each but the first one writes to a file
    of its own beside `path`, and at the end the first one joins them. What comes out is what one process finds, and a
    run that was cut off may go on with another number of processes.

    Args:
        lm, facts, dev: as `slick` takes them.
        path: JSON lines, new or begun with the same model, facts, settings and batch size; `about_of(path)`, beside
            it, says with which, and how many seconds it has taken.
        config, batch_size, progress: as `slick` takes them.

    Returns:
        Every fact with what SLiCK found, in the order of the facts, in each process.

    Raises:
        SeatError: as `slick`, or a file that was begun with others or is none of ours.
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
        for each in slick(lm, facts, dev, config, done=set(done), among=among, batch_size=batch_size, progress=shown):
            if each.fact not in done:
                rows.append(each.to_json(), among.rank)
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
    """Where it stands what a file was made with."""
    return path.with_name(f"{path.name}.json")


def _settings(
    lm: LanguageModel, facts: Sequence[Fact], dev: Sequence[Fact], config: SlickConfig, batch_size: int
) -> dict[str, Any]:
    texts = {name: text_hash([repr(fact) for fact in each]) for name, each in (("facts", facts), ("dev", dev))}
    return {"model": lm.fingerprint, "settings": asdict(config), **texts, "batch_size": batch_size}


def _results(rows: Rows) -> dict[Fact, SlickResult]:
    return {result.fact: result for result in map(SlickResult.from_json, rows.read())}
