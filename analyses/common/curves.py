"""Learning curves: moments of a training with the rates of every set, and what is read off them.

A moment is `{"epoch": number, "rates": {set: {"n", "correct", "abstain"}}, ...}`; a curve begins before training.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Moment = Mapping[str, Any]


def early_stop(curve: Sequence[Moment]) -> Moment:
    """The moment after training began that is best on the set `dev`; the first of equals (2405.05904)."""
    return max(curve[1:], key=lambda moment: moment["rates"]["dev"]["correct"])


def accuracy(moment: Moment, split: str) -> float:
    """Share of right answers over all the sets of a split, whose names begin with its own: "test Unknown" and so on."""
    parts = [found for name, found in moment["rates"].items() if name.startswith(f"{split} ")]
    return sum(part["correct"] * part["n"] for part in parts) / sum(part["n"] for part in parts)


def loss(curve: Sequence[Moment], name: str, what: str = "correct") -> float:
    """Share of right answers in a set, or of abstentions, before training less that at its end."""
    return float(curve[0]["rates"][name][what] - curve[-1]["rates"][name][what])


def middle_drift(moment: Moment) -> float:
    """Its `drift`, one number a layer, at the middle layer: layer 14 of 28 in 2604.15574."""
    return float(moment["drift"][len(moment["drift"]) // 2])
