"""Files written whole or not at all, JSON and JSONL read with errors a person can act on, safetensors."""

import contextlib
import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from seat_interp.core.errors import SeatError, see

if TYPE_CHECKING:
    import torch


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, which is moved over it only if the block ends well.

    Args:
        path: Path of the file to write.

    Yields:
        The temporary path.

    Raises:
        SeatError: The folder cannot be written or the disk is full; `path` is then as it was.
    """
    path = Path(path)
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        os.close(handle)
        temporary = Path(name)
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise SeatError(
            f"Cannot write {path}: {error.strerror or error}. Free some space or choose another folder."
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path, *names: str) -> None:
    """Remove temporary files whose writers were killed: those of `atomic_path`, and safetensors' own beside them.

    Args:
        folder: Folder where nobody is writing now.
        names: Names of the files that they were to become; `*` stands for anything.
    """
    for pattern in (".tmp??????", *(f".{name}.????????" for name in names)):
        for leftover in folder.glob(pattern):
            leftover.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> Path:
    """Write UTF-8 text atomically.

    Args:
        path: Path of the file; its folder is made.
        text: Content.

    Returns:
        The path.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Path(path)


def write_json(path: str | Path, value: Any) -> Path:
    """Write JSON atomically; NaN is refused, since no other reader would take it.

    Args:
        path: Path of the file; its folder is made.
        value: Content.

    Returns:
        The path.
    """
    return write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def write_jsonl(path: str | Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write JSON lines atomically.

    Args:
        path: Path of the file; its folder is made.
        rows: JSON objects, one for each line.

    Returns:
        The path.
    """
    return write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def append_jsonl(path: str | Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add JSON lines to a file that grows as results come; `read_growing` reads it.

    Args:
        path: Path of the file.
        rows: JSON objects, one for each line.

    Raises:
        SeatError: The disk is full; what was there before stays.
    """
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise SeatError(f"Cannot write {path}: {error.strerror or error}. Free some space, then go on.") from error


def read_growing(path: str | Path) -> list[dict[str, Any]]:
    """Read a file that `append_jsonl` wrote, and take a last line that was cut off out of it.

    Args:
        path: Path of the file, which need not be there.

    Returns:
        The whole rows.

    Raises:
        SeatError: The file cannot be read, or a line is not a JSON object.
    """
    path = Path(path)
    if not path.exists():
        return []
    try:
        content = path.read_bytes()  # it may have been cut off within a character
    except OSError as error:
        raise SeatError(f"Cannot read {path}: {error.strerror}. Check the path.") from error
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        with atomic_path(path) as temporary:
            temporary.write_bytes(whole)
    return read_jsonl(path)


def read_text(path: str | Path) -> str:
    """Read UTF-8 text.

    Args:
        path: Path of the file.

    Returns:
        The content.

    Raises:
        SeatError: The file is missing, not readable or not UTF-8.
    """
    path = Path(path)
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise SeatError(f"{path} is not UTF-8 text (byte {error.start}). Convert it to UTF-8 first.") from error
    except OSError as error:
        raise SeatError(f"Cannot read {path}: {error.strerror}. Check the path.") from error


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Args:
        path: Path of the file.

    Returns:
        The content.

    Raises:
        SeatError: The file is missing or not JSON; the message has line and column.
    """
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise SeatError(
            f"{path} is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from error


def read_jsonl(path: str | Path) -> list[dict[str, Any]]:
    """Read JSON lines; blank lines are skipped.

    Args:
        path: Path of the file.

    Returns:
        The objects.

    Raises:
        SeatError: The file is missing, or a line is not a JSON object; the message has its number.
    """
    rows = []
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise SeatError(f"{path}, line {number}, is not valid JSON: {error.msg}.") from error
        if not isinstance(row, dict):
            raise SeatError(f"{path}, line {number}, is not a JSON object but a {type(row).__name__}.")
        rows.append(row)
    return rows


def save_tensors(path: str | Path, tensors: Mapping[str, "torch.Tensor"], header: Mapping[str, Any]) -> Path:
    """Write tensors atomically as safetensors with a JSON header, the metadata entry `seat_interp`.

    Args:
        path: Path of the file; its folder is made.
        tensors: Tensors by name.
        header: JSON object with `format` and `version`.

    Returns:
        The path.

    Raises:
        SeatError: The folder cannot be written or the disk is full.
    """
    from safetensors.torch import save_file

    payload = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_path(path) as temporary:
        try:
            save_file(payload, temporary, metadata={"seat_interp": json.dumps(header, ensure_ascii=False)})
        except SafetensorError as error:  # its word for a full disk
            raise OSError(errno.EIO, str(error)) from error
    return Path(path)


def load_tensors(path: str | Path, expected: str, version: int = 1) -> "tuple[dict[str, torch.Tensor], dict[str, Any]]":
    """Read tensors and header of a safetensors file written by `save_tensors`.

    Args:
        path: Path of the file.
        expected: Format that the header must name, such as `"seat_interp.mask"`.
        version: Version of the format that the header must name.

    Returns:
        Tensors by name, and the header.

    Raises:
        SeatError: The file is missing, truncated, of another kind or version, or holds NaN.
    """
    import torch

    path = Path(path)
    if not path.is_file():
        raise SeatError(f"{path} does not exist. Check the path.")
    try:
        with safe_open(str(path), framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("seat_interp", "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise SeatError(
            f"{path} is not a whole safetensors file ({error}). It may be truncated: make or fetch it again."
        ) from error
    if header.get("format") != expected:
        kind = header.get("format") or "plain tensors"
        raise SeatError(f"{path} holds {kind}, not {expected}. {see('file_formats')}")
    if (written := header.get("version", 1)) != version:
        remedy = "Update seat_interp." if written > version else "Make the file again with this release."
        raise SeatError(f"{path} is of version {written} of {expected}; this release reads version {version}. {remedy}")
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise SeatError(f"{path} holds NaN or infinity in {name!r}. Make it again from finite values.")
    return tensors, header


def sha256(path: str | Path) -> str:
    """Hash a file.

    Args:
        path: Path of the file.

    Returns:
        Hex digest of its bytes.
    """
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def short_names(paths: Sequence[Path]) -> list[str]:
    """Name files or folders with as many of the folders above them as it takes to tell them apart.

    Args:
        paths: Paths, each once.

    Returns:
        One name for each path.

    Raises:
        SeatError: A path is given twice.
    """
    parts = [path.parts for path in paths]
    for count in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-count:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    raise SeatError(f"A path is given twice: {', '.join(map(str, paths))}. Name each once.")


@cache
def versions() -> dict[str, str]:
    """Return the versions of the packages that decide an activation; every artefact's header carries them.

    Returns:
        Versions by package.
    """
    return {package: version(package) for package in ("torch", "transformers", "seat_interp")}


def text_hash(texts: Iterable[str]) -> str:
    """Hash texts in their order.

    Args:
        texts: Texts.

    Returns:
        Sixteen hex digits.
    """
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def require_entries(path: str | Path, header: Mapping[str, Any], names: Iterable[str]) -> None:
    """Check that a header has the entries that a reader needs: another program may have written the file.

    Args:
        path: Path of the file, for the message.
        header: Header of the file.
        names: Names of the entries.

    Raises:
        SeatError: An entry is missing.
    """
    if missing := [name for name in names if name not in header]:
        raise SeatError(f"The header of {path} has no entry {missing[0]!r}. Write the file anew, with this package.")
