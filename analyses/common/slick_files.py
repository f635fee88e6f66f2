"""SLiCK over many facts, each kept as it comes, so that it goes on where it was cut off."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seat_interp.evaluation.slick import Asked, Category, SlickConfig, slick
from seat_interp.facts import Fact
from seat_interp.files import append_jsonl, read_growing
from seat_interp.models.open import LanguageModel


def sorted_by_slick(
    lm: LanguageModel, facts: Sequence[Fact], dev: Sequence[Fact], config: SlickConfig, kept: Path, batch_size: int = 32
) -> list[Asked]:
    """Every fact with what SLiCK found, in the order of the facts.

    Args:
        lm: the model.
        facts: to sort.
        dev: for exemplars.
        config: of SLiCK.
        kept: JSON lines of this model, these facts and this config; gone on with.
        batch_size: facts at a time.
    """
    done = {each.fact: each for each in map(Asked.from_json, read_growing(kept))}
    if any(fact not in done for fact in facts):
        for each in slick(lm, facts, dev, config, done=set(done), batch_size=batch_size):
            if each.fact not in done:
                append_jsonl(kept, [each.to_json()])
            done[each.fact] = each
    return [done[fact] for fact in facts]


def agreement(first: Sequence[Asked], second: Sequence[Asked]) -> dict[str, Any]:
    """Shares of facts of the same category under other prompts and samples, and of those known in both or in none."""
    pairs = [(a.category, b.category) for a, b in zip(first, second)]
    same, known = sum(a is b for a, b in pairs), sum(a.known == b.known for a, b in pairs)
    return {"facts": len(pairs), "same": same / len(pairs), "same_known": known / len(pairs)}


def counts(found: Sequence[Asked]) -> dict[str, int]:
    """Facts of each category."""
    there = Counter(each.category for each in found)
    return {kind.value: there[kind] for kind in Category}


def by_category(found: Sequence[Asked]) -> dict[Category, list[Fact]]:
    """The facts of each category."""
    return {kind: [each.fact for each in found if each.category is kind] for kind in Category}
