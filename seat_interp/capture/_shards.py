"""Captures larger than memory: shards on disk, written one by one, gone on with after a kill, mapped when read."""

from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors import safe_open
from torch import Tensor

from seat_interp.capture._capture import Capture, CaptureConfig, chunks
from seat_interp.core.errors import SeatError
from seat_interp.core.files import read_json, remove_leftovers, save_tensors, sha256, text_hash
from seat_interp.core.ledger import Rows, claim
from seat_interp.core.processes import processes
from seat_interp.core.progress import progress_bar

FORMAT = "seat_interp.shards"
ABOUT, MANIFEST = "about.json", "manifest-{}.jsonl"


@dataclass(frozen=True)
class Shards:
    """Capture in a folder: `about.json` has its settings, each `manifest-*.jsonl` (one of each process) a line for each
    shard.

    Attributes:
        folder: Folder of the shards.
        about: Origin, layers and number of prompts in a shard.
        shards: File, number of prompts, sha256 of the file and hash of its questions, in order.

    Example:
        >>> shards = si.capture_to(lm, [fact.question for fact in facts.known[:5]], "shards", shard=2, progress=False)
        >>> [len(part) for part in shards]
        [2, 2, 1]
    """

    folder: Path
    about: dict[str, Any]
    shards: tuple[dict[str, Any], ...]

    @classmethod
    def open(cls, folder: str | Path) -> "Shards":
        """Open the capture in a folder; of one that was cut off, its whole shards.

        Args:
            folder: Path of the folder.

        Returns:
            The capture, of which nothing is read yet.

        Raises:
            SeatError: There is no capture in the folder, or a shard is missing.
        """
        folder = Path(folder)
        about = read_json(folder / ABOUT)
        if about.get("format") != FORMAT:
            raise SeatError(f"{folder} holds {about.get('format') or 'something else'}, not {FORMAT}.")
        rows = _written(folder)
        shards = tuple(rows[name] for name in sorted(rows))
        if missing := next((shard for shard in shards if not (folder / shard["file"]).is_file()), None):
            raise SeatError(
                f"{folder / missing['file']} is missing. Capture into that folder again: it fills the separation."
            )
        return cls(folder, about, shards)

    def __len__(self) -> int:
        """Prompts."""
        return sum(shard["prompts"] for shard in self.shards)

    def load(self) -> Capture:
        """Read the whole capture into memory.

        Returns:
            What `capture` gives, without a hash of all prompts.
        """
        return Capture(self[:], tuple(self.about["layers"]), self.about["origin"])

    def __iter__(self) -> Iterator[Float[Tensor, "chunk layers width"]]:
        """Shard by shard, each mapped from its file."""
        for shard in self.shards:
            yield self._mapped(shard, slice(None))

    def __getitem__(self, wanted: int | slice) -> Float[Tensor, "prompts layers width"]:
        """Some prompts, of which only the shards that hold them are read; an index gives one row.

        Raises:
            SeatError: out of range, or a slice with a step.
        """
        try:
            rows = range(len(self))[wanted]
        except IndexError:
            rows = range(0)
        rows = range(rows, rows + 1) if isinstance(rows, int) else rows
        if not rows or rows.step != 1:
            raise SeatError(
                f"There are no prompts {wanted} among {len(self)}. Give an index or a slice without a step."
            )
        parts, at = [], 0
        for shard in self.shards:
            part = slice(max(0, rows.start - at), min(shard["prompts"], rows.stop - at))
            if part.start < part.stop:
                parts.append(self._mapped(shard, part))
            at += shard["prompts"]
        return torch.cat(parts)

    def verify(self) -> None:
        """Read every byte and compare with the manifest.

        Raises:
            SeatError: a shard is not as it was written.
        """
        for shard in progress_bar(self.shards, desc="Verifying", unit="shard", leave=False, show=len(self.shards) >= 8):
            if sha256(self.folder / shard["file"]) != shard["sha256"]:
                raise SeatError(
                    f"{self.folder / shard['file']} is not as it was written. Remove it, and capture into that folder "
                    "again: it fills the separation."
                )

    def _mapped(self, shard: dict[str, Any], rows: slice) -> Tensor:
        with safe_open(str(self.folder / shard["file"]), framework="pt") as file:
            return file.get_slice("values")[rows]


def capture_to(
    lm: Any, questions: Iterable[str], folder: str | Path, *, shard: int = 512, progress: bool = True, **options: Any
) -> Shards:
    """Capture into a folder; a call that was killed at any moment resumes, to the same bytes on the same machine and
    threads.

    Each shard is written whole or not at all, then stands in the manifest. Memory is that of one shard. Under
    `accelerate launch` or torchrun the processes share the shards out.

    Args:
        lm: Model in any form that `capture` takes.
        questions: Questions in the same order in every call; read as they are needed.
        folder: New folder, or one that this capture began.
        shard: Number of prompts in a file.
        progress: Whether a bar is shown, with the time left where the number of questions is known.
        options: Other arguments of `capture`.

    Returns:
        The capture, which is read as it is needed.

    Raises:
        SeatError: The folder holds another capture, other questions, or shards that are not as they were written; there
        are no questions or no space; or as `capture`.

    Example:
        >>> shards = si.capture_to(lm, [fact.question for fact in facts.known[:5]], "folder", shard=2, progress=False)
        >>> len(shards), shards[3:].shape
        (5, torch.Size([2, 4, 128]))
    """
    folder, config = Path(folder), CaptureConfig.of(lm, **options)
    among = processes()
    about = {"format": FORMAT, "version": 1, "layers": list(config.layers), "shard": shard}
    about |= {"batch_size": config.batch_size, "pad_left": config.pad_left, "origin": config.origin()}
    if among.rank > 0:
        among.barrier()  # the first one claims the folder
    else:
        remove_leftovers(folder, ABOUT, "*.safetensors")
    kind = "a capture with other settings" if (folder / ABOUT).exists() else "something that is no capture"
    refusal = f"{folder} holds {kind}. Name another folder, or remove that one."
    claim(folder / ABOUT, about, begun=lambda: folder.exists() and any(folder.iterdir()), refusal=refusal)
    if among.rank == 0:
        among.barrier()
    done, manifest = _written(folder), _manifest(folder)
    total = len(questions) if isinstance(questions, Sized) else None
    with progress_bar(total=total, desc="Capturing", unit="prompt", show=progress) as bar:
        for number, part in enumerate(chunks(questions, shard)):
            if number % among.count != among.rank:
                bar.update(len(part))
                continue
            name, digest = f"{number:06d}.safetensors", text_hash(part)
            if (row := done.get(name)) is not None:
                if row["questions"] != digest:
                    raise SeatError(
                        f"{folder / name} was made of other questions. Name another folder, or remove that one."
                    )
                if (folder / name).is_file() and sha256(folder / name) == row["sha256"]:
                    bar.update(len(part))
                    continue
            save_tensors(folder / name, {"values": config.values(part, progress=False)}, about)
            row = {"file": name, "prompts": len(part), "sha256": sha256(folder / name), "questions": digest}
            if done.get(name) != row:
                manifest.append(row, among.rank)
            bar.update(len(part))
    among.barrier()
    shards = Shards.open(folder)
    if not shards.shards:
        raise SeatError("There are no prompts to capture: the set is empty.")
    return shards


def _written(folder: Path) -> dict[str, dict[str, Any]]:
    """The rows of all processes' manifests by file; of one that was made anew the last counts."""
    return {row["file"]: row for row in _manifest(folder).read()}


def _manifest(folder: Path) -> Rows:
    return Rows(folder / MANIFEST.format(0), MANIFEST)
