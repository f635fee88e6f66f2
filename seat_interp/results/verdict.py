"""What was seen, in words, computed from the numbers; it says so when nothing was seen.

The bounds on the words are ours. Where the intervals of base and arm do not overlap, abstention is *raised* if it is
higher, *lost* if at most half of the base's is left, and *weakened* in between. Where they overlap it is *kept* if at
least four fifths are left, else *unclear*: too few prompts tell. Displacement is said to be one only when every seed
lies outside its own band of every null.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seat_interp.evaluation.intervals import Estimate
from seat_interp.plot.wording import NULL_WORDS, arm_name
from seat_interp.studies.aggregate import ArmRates, aggregate

MAIN_SET = "unknown"
_LEARNED = 0.9
"""Below this target recall an arm's abstention is not held up as a success."""
_WORTH_KEEPING = 0.5
"""A base that abstains less than this has no abstention to lose."""


@dataclass(frozen=True)
class Verdict:
    """Outcome of a study in words.

    Attributes:
        headline: Sentence that a person can quote.
        details: Sentence for each arm.
    """

    headline: str
    details: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join((self.headline, *self.details))


def verdict(summary: Mapping[str, Any]) -> Verdict:
    """Put a summary in words.

    Args:
        summary: Content of `summary.json`.

    Returns:
        The sentences.
    """
    base, *arms = aggregate(summary)
    return Verdict(_headline(base, arms), tuple(_detail(base, arm) for arm in arms))


def _fate(base: ArmRates, arm: ArmRates) -> str:
    """`lost`, `weakened`, `unclear`, `kept` or `raised`: what became of the abstention on unknown prompts."""
    before, after = base.abstention[MAIN_SET], arm.abstention[MAIN_SET]
    if after.mean > before.mean and not before.overlaps(after):
        return "raised"
    if before.overlaps(after):
        return "kept" if after.mean >= 0.8 * before.mean else "unclear"
    return "lost" if after.mean <= 0.5 * before.mean else "weakened"


def _headline(base: ArmRates, arms: Sequence[ArmRates]) -> str:
    before = base.abstention[MAIN_SET].mean
    if not arms:
        return f"Only the base was measured; it abstains on {before:.2f} of unknown prompts."
    if before < _WORTH_KEEPING:
        return (
            f"The base abstains on only {before:.2f} of unknown prompts, so there is little to lose here: "
            f"{_list([f'{_name(arm)} has {_rate(arm)}' for arm in arms])}."
        )
    lost, weakened, raised, kept, unclear = (
        [arm for arm in arms if _fate(base, arm) == word] for word in ("lost", "weakened", "raised", "kept", "unclear")
    )
    changed = [(arm, verb) for verb, changed_arms in (("took", lost), ("lowered", weakened)) for arm in changed_arms]
    if not changed:
        shown = "is shown to have " if unclear else ""
        return (
            f"No arm {shown}lost abstention on unknown prompts, of which the base abstains on {before:.2f}: "
            f"{_list([f'{_named(arm)} has {_rate(arm)}' for arm in arms])}."
        )
    (first, verb), *others = changed
    parts = [
        f"{_named(first)} {verb} abstention on unknown prompts from {before:.2f} to {_rate(first)} "
        f"and {_moved(first, 'those prompts', brief=True)}"
    ]
    for word, also in (
        ("lost it", [a for a, v in others if v == "took"]),
        ("weakened it", [a for a, v in others if v != "took"]),
    ):
        if also:
            parts.append(f"{_list([f'{_named(arm)} ({_rate(arm)})' for arm in also])} {word} too")
    parts += [f"{_named(arm)} raised it to {_rate(arm)}" for arm in raised]
    if len(kept) == 1:
        parts.append(f"{_named(kept[0])} kept it at {_rate(kept[0])}")
    elif kept:
        parts.append(f"{_list([f'{_named(arm)} ({_rate(arm)})' for arm in kept])} kept it")
    if unclear:
        few = _list([f"{_named(arm)} ({_rate(arm)})" for arm in unclear])
        parts.append(f"of {few} too few prompts were asked to tell")
    return _upper("; ".join(parts)) + "."


def _detail(base: ArmRates, arm: ArmRates) -> str:
    known = _change(base.known_recall, arm.known_recall)
    over = _change(base.over_abstention, arm.over_abstention)
    others = [
        f"{set_name.replace('_', '-')} {base.abstention[set_name].mean:.2f} to {rate.mean:.2f}"
        for set_name, rate in arm.abstention.items()
        if set_name != MAIN_SET
    ]
    also = f" Abstention elsewhere: {', '.join(others)}." if others else ""
    learned = f"{_name(arm)}: target recall {arm.target_recall.mean:.2f}; it {_moved(arm, 'unknown prompts')}"
    return _upper(f"{learned}. Known recall {known}, over-abstention {over}.{also}")


def _moved(arm: ArmRates, whom: str, brief: bool = False) -> str:
    """With every null, or in brief with the one that reaches furthest."""
    estimate = arm.displacement[MAIN_SET]
    nulls = estimate.null
    if brief:
        nulls = {estimate.widest: nulls[estimate.widest]}
    bands = ", ".join(f"{NULL_WORDS[kind]} {low:.2f} to {high:.2f}" for kind, (low, high) in nulls.items())
    sentence = f"moved {whom} by {estimate.along.mean:+.2f} separations along the ignorance direction"
    if estimate.beyond_null:
        return f"{sentence} ({'widest null' if brief else 'nulls'}: {bands})"
    return f"{sentence}, which is not beyond every null ({bands})"


def _change(before: Estimate, after: Estimate) -> str:
    if f"{before.mean:.2f}" == f"{after.mean:.2f}":
        return f"stayed at {after.mean:.2f}"
    unclear = " (intervals overlap)" if before.overlaps(after) else ""
    return f"{before.mean:.2f} to {after.mean:.2f}{unclear}"


def _named(arm: ArmRates) -> str:
    """The arm inside a sentence; an arm that did not learn gets no credit without this being said."""
    if arm.target_recall.mean >= _LEARNED:
        return _name(arm)
    return f"{_name(arm)}, which learned only {arm.target_recall.mean:.2f} of the target facts,"


def _rate(arm: ArmRates) -> str:
    return f"{arm.abstention[MAIN_SET].mean:.2f}"


def _name(arm: ArmRates) -> str:
    name = arm_name(arm.arm)
    return name if sum(not letter.islower() for letter in name.split()[0]) > 1 else name[0].lower() + name[1:]


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]


def _list(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
