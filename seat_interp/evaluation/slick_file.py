"""SLiCK into a file, fact by fact: gone on with where it was cut off, and shared out over several processes."""

import glob
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from seat_interp.errors import SeatError
from seat_interp.evaluation.slick import Asked, SlickConfig, slick
from seat_interp.facts import Fact
from seat_interp.files import append_jsonl, read_growing, read_json, text_hash, write_json, write_jsonl
from seat_interp.models.open import LanguageModel
from seat_interp.processes import processes

PART = ".part-"
"""Between the name of the file and the number of the process."""


def slick_to(
    path: str | Path,
    lm: LanguageModel,
    facts: Sequence[Fact],
    dev: Sequence[Fact],
    config: SlickConfig | None = None,
    *,
    batch_size: int = 16,
    progress: bool = True,
) -> list[Asked]:
    """Ask every fact that is not in the file yet; each is written as it comes out.

    Under `accelerate launch` or torchrun the processes share out the batches. Each but the first one writes to a file
    of its own beside `path`, and at the end the first one joins them. What comes out is what one process finds, and a
    run that was cut off may go on with another number of processes.

    Args:
        path: JSON lines, new or begun with the same model, facts, settings and batch size; `about_of(path)`, beside
            it, says with which, and how many seconds it has taken.
        lm, facts, dev, config, batch_size, progress: as `slick` takes them.

    Returns:
        Every fact with what SLiCK found, in the order of the facts, in each process.

    Raises:
        SeatError: as `slick`, or a file that was begun with others or is none of ours.
    """
    path, config, among, began = Path(path), config or SlickConfig(), processes(), time.perf_counter()
    about = about_of(path)
    settings = _settings(lm, facts, dev, config, batch_size)
    before = read_json(about) if about.exists() else {}
    if before.get("config") != settings:
        if there := [each for each in (path, *_parts(path)) if each.exists()]:
            raise SeatError(f"{there[0]} was made with other settings, or is none of ours. Name another file.")
        before = {"config": settings, "seconds": 0.0}
    done = {each.fact: each for each in _read(path)}
    among.wait()  # nobody writes before all have read
    mine = path if among.rank == 0 else path.with_name(f"{path.name}{PART}{among.rank}")
    if any(fact not in done for fact in facts):
        shown = progress and among.rank == 0
        if among.rank == 0:
            write_json(about, before)
        for each in slick(lm, facts, dev, config, done=set(done), among=among, batch_size=batch_size, progress=shown):
            if each.fact not in done:
                append_jsonl(mine, [each.to_json()])
            if among.rank == 0:
                write_json(about, before | {"seconds": round(before["seconds"] + time.perf_counter() - began, 1)})
    among.wait()
    done = {each.fact: each for each in _read(path)}
    among.wait()
    found = [done[fact] for fact in facts]
    if among.rank == 0:
        write_jsonl(path, [each.to_json() for each in found])
        for part in _parts(path):
            part.unlink()
    among.wait()
    return found


def about_of(path: Path) -> Path:
    """Where it stands what a file was made with."""
    return path.with_name(f"{path.name}.json")


def _settings(
    lm: LanguageModel, facts: Sequence[Fact], dev: Sequence[Fact], config: SlickConfig, batch_size: int
) -> dict[str, Any]:
    texts = {name: text_hash([repr(fact) for fact in each]) for name, each in (("facts", facts), ("dev", dev))}
    return {"model": lm.fingerprint, "settings": asdict(config), **texts, "batch_size": batch_size}


def _parts(path: Path) -> list[Path]:
    """What processes other than the first have written towards this file, if they were cut off."""
    return sorted(path.parent.glob(f"{glob.escape(path.name)}{PART}*"))


def _read(path: Path) -> list[Asked]:
    return [Asked.from_json(row) for each in (path, *_parts(path)) for row in read_growing(each)]
