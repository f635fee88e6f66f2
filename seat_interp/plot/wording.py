"""Names of arms, evaluation sets and null directions in text, in figures and tables alike."""

from seat_interp.studies.arms import ARMS

NULL_WORDS = {"random": "random", "shuffled": "shuffled", "pca": "PCA"}
"""Kinds of null directions, as they are written."""


def arm_name(arm: str) -> str:
    """Return the label of an arm in text.

    Args:
        arm: Name of an arm, or of a variant with the rest after a comma: "seat, interpolated".

    Returns:
        The registry's label, with the rest behind it.
    """
    first, comma, rest = arm.partition(",")
    if comma:
        return f"{arm_name(first)},{rest}"
    if arm in ARMS:
        return ARMS[arm].label
    return arm.replace("_", " ").capitalize() if arm.islower() else arm


def set_label(name: str) -> str:
    """Return the label of an evaluation set in text.

    Args:
        name: Name of the set, a field of `FactSets`.

    Returns:
        The name with hyphens.
    """
    return name.replace("_", "-")


def label_of(key: str) -> str:
    """Return the label of an arm or of an evaluation set in text.

    Args:
        key: Name of the one or the other.

    Returns:
        What `arm_name` or `set_label` gives.
    """
    first = key.partition(",")[0]
    return arm_name(key) if first in ARMS or first == "base" else set_label(key)
