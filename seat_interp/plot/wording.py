"""How arms, probe sets and null directions are called in text, in figures and tables alike."""

_ARM_NAMES = {
    "base": "Base",
    "full": "Full fine-tuning",
    "full_kl": "Full + KL",
    "full_ep_kl": "Full + EP-KL",
    "tether": "Tether",
    "sparse": "Sparse",
    "seat": "SEAT",
    "seat_selfdistill": "SEAT + own answers",
    "lora": "LoRA",
    "ewc": "EWC",
    "l2sp": "L2 pull",
    "replay": "Replay",
    "replay_0.1": "Replay at 0.1",
    "replay_0.3": "Replay at 0.3",
}
NULL_WORDS = {"random": "random", "shuffled": "shuffled", "pca": "PCA"}
"""Kinds of null directions, as they are written."""


def arm_name(arm: str) -> str:
    """How an arm is called in text; a variant, "seat, interpolated", by the name of its arm with the rest behind."""
    first, comma, rest = arm.partition(",")
    if comma:
        return f"{arm_name(first)},{rest}"
    return _ARM_NAMES.get(arm, arm.replace("_", " ").capitalize() if arm.islower() else arm)


def set_name(probe: str) -> str:
    """How a probe set is called in text."""
    return probe.replace("_", "-")


def name_of(key: str) -> str:
    """How an arm or a probe set is called in text, whichever it is."""
    return arm_name(key) if key.partition(",")[0] in _ARM_NAMES else set_name(key)
