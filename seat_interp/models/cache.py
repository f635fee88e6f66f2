"""Where fetched models lie, and which are there."""

import os
from pathlib import Path

from seat_interp.models.catalogue import lookup

PROVENANCE = "seat_interp.json"
"""In a model's folder: where it came from. Folders appear by one rename with it inside, so it means whole."""


def cache_folder() -> Path:
    """`SEAT_INTERP_CACHE`, else `seat_interp` in `XDG_CACHE_HOME`, else `~/.cache/seat_interp`."""
    if chosen := os.environ.get("SEAT_INTERP_CACHE"):
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "seat_interp"


def model_folder(name: str) -> Path:
    """The Hugging Face folder of a catalogue model, whether it is there yet or not.

    Raises:
        SeatError: unknown name.
    """
    return cache_folder() / lookup(name).name


def is_fetched(name: str) -> bool:
    """Whether the model is there and whole."""
    return (model_folder(name) / PROVENANCE).is_file()
