"""What studies say of the facts that SLiCK sorted."""

from collections.abc import Sequence
from typing import Any

from seat_interp.evaluation.slick import Category, SlickResult
from seat_interp.facts import Fact

KNOWN = tuple(kind for kind in Category if kind.known)
"""Every category but Unknown, best first."""


def agreement(first: Sequence[SlickResult], second: Sequence[SlickResult]) -> dict[str, Any]:
    """Shares of facts of the same category under other prompts and samples, and of those known in both or in none."""
    pairs = [(a.category, b.category) for a, b in zip(first, second)]
    same, known = sum(a is b for a, b in pairs), sum(a.known == b.known for a, b in pairs)
    return {"facts": len(pairs), "same": same / len(pairs), "same_known": known / len(pairs)}


def by_category(found: Sequence[SlickResult]) -> dict[Category, list[Fact]]:
    """The facts of each category."""
    return {kind: [each.fact for each in found if each.category is kind] for kind in Category}
