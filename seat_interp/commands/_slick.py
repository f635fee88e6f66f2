"""`slick`: how well a model knows facts."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seat_interp.core.errors import require_within
from seat_interp.evaluation.slick import SlickConfig

if TYPE_CHECKING:
    from seat_interp.evaluation.slick import SlickResult


@dataclass(frozen=True)
class Slick:
    """How well a model knows facts: HighlyKnown, MaybeKnown, WeaklyKnown or Unknown, by SLiCK (arXiv 2405.05904).

    Every fact is asked under few-shot prompts of its relation, greedily and with samples. The file takes its place
    among the fact files of all commands: FILE#Unknown, or FILE#HighlyKnown,MaybeKnown, names a part of it. A call that
    was cut off goes on where it was. `torchrun -m seat_interp slick ...` shares the facts out.

    Example: seat-interp slick --model ./my-model --facts test.jsonl --dev dev.jsonl --out slick.jsonl
    """

    model: str
    """A Hugging Face folder, a hub id, or a catalogue name: organism, smollm2-135m-instruct."""
    facts: tuple[str, ...]
    """Facts with answers and relations: files as for `run`."""
    dev: tuple[str, ...]
    """Facts of the same relations about other subjects, for the exemplars of the prompts."""
    out: Path
    """The JSON lines: every fact with its category; settings and shares lie beside them as FILE.json."""
    settings: SlickConfig = field(default_factory=SlickConfig)
    """Those of the paper."""
    most: int | None = None
    """At most so many facts, evenly spaced."""
    batch_size: int = 16
    """Facts at a time; each is asked under all prompts, with all samples."""

    def run(self) -> None:
        """Ask, keep each fact as it comes, print the shares."""
        from seat_interp.core.environment import environment
        from seat_interp.core.files import read_json, write_json
        from seat_interp.core.processes import processes
        from seat_interp.evaluation.slick import about_of, slick_to
        from seat_interp.facts.sources import read_sources, thinned_facts
        from seat_interp.models.open import open_model

        for name in ("most", "batch_size"):
            require_within(self, name, 1)
        facts, dev = list(dict.fromkeys(read_sources(self.facts))), read_sources(self.dev)
        if self.most is not None:
            facts = thinned_facts(facts, self.most)
        lm = open_model(self.model)
        results = slick_to(lm, facts=facts, dev=dev, path=self.out, config=self.settings, batch_size=self.batch_size)
        rows, about = shares(results), read_json(about_of(self.out))
        if processes().rank == 0:
            write_json(about_of(self.out), about | {"rows": rows, "environment": environment()})
            print_shares(rows)
            tokens, seconds = sum(result.tokens for result in results), about["seconds"]
            print(f"{len(facts)} facts, {tokens:,} answered tokens in {seconds:.0f} s. {self.out}")


def shares(results: "list[SlickResult]") -> list[dict[str, Any]]:
    """Counts of the categories by relation, and of all."""
    from seat_interp.evaluation.slick import counts

    relations = [*dict.fromkeys(result.fact.relation for result in results), None]
    return [
        {
            "relation": relation or "all",
            **counts(result for result in results if relation in (None, result.fact.relation)),
        }
        for relation in relations
    ]


def print_shares(rows: list[dict[str, Any]]) -> None:
    """As a table."""
    from seat_interp.evaluation.slick import Category
    from seat_interp.results.table import Table

    names = [name.value for name in Category]
    lines = [
        (row["relation"], sum(row[n] for n in names), *(f"{row[n] / sum(row[m] for m in names):.2f}" for n in names))
        for row in rows
    ]
    Table.of(("relation", "facts", *names), lines, "Shares of the facts.").print()
