"""The ledger: claims, rows of several processes, checkpoints, and cells in processes or as jobs."""

import os
import stat
import time
from pathlib import Path

import pytest
import torch
from jobs import failing, slow

from seat_interp.core.errors import SeatError
from seat_interp.core.files import read_json
from seat_interp.core.ledger import Checkpoint, Jobs, Rows, Workers, claim, once, run_cells


def test_a_claim_is_kept_and_refused_once_there_are_results(tmp_path):
    path, results = tmp_path / "settings.json", []
    first = claim(path, {"rates": (1, 2)}, begun=lambda: bool(results), refusal="Other settings.")
    assert first == read_json(path) == {"rates": [1, 2]}
    assert claim(path, {"rates": (3,)}, begun=lambda: bool(results), refusal="Other settings.") == {"rates": [3]}
    results.append("one")
    assert claim(path, {"rates": (3,)}, begun=lambda: bool(results), refusal="Other settings.") == {"rates": [3]}
    with pytest.raises(SeatError, match="Other settings"):
        claim(path, {"rates": (1, 2)}, begun=lambda: bool(results), refusal="Other settings.")
    assert read_json(path) == {"rates": [3]}


def test_notes_of_a_claim_outlive_it_and_are_not_compared(tmp_path):
    path = tmp_path / "about.json"
    claim(path, {"seed": 0}, begun=path.exists, refusal="", notes={"seconds": 3.5})
    again = claim(path, {"seed": 0}, begun=path.exists, refusal="", notes={"seconds": 0.0})
    assert again == {"config": {"seed": 0}, "seconds": 3.5}
    with pytest.raises(SeatError, match="no"):
        claim(path, {"seed": 1}, begun=path.exists, refusal="no", notes={"seconds": 0.0})


def test_a_claim_that_is_only_checked_writes_nothing(tmp_path):
    claim(tmp_path / "about.json", {"seed": 0}, begun=lambda: False, refusal="", write=False)
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_not_made_again(tmp_path):
    assert once(tmp_path / "a", lambda path: path.write_text("first"))
    assert not once(tmp_path / "a", lambda path: path.write_text("second"))
    assert (tmp_path / "a").read_text() == "first"


def test_rows_of_several_processes_are_read_together_and_joined(tmp_path):
    rows = Rows(tmp_path / "found[1].jsonl", "found[1].jsonl.part-{}")
    assert not rows.exist()
    for rank in (2, 0, 1, 0):
        rows.append({"rank": rank}, rank)
    (tmp_path / "found1.jsonl.part-3").write_text("another file\n")
    with rows.path.open("a") as file:
        file.write('{"cut o')
    assert [row["rank"] for row in rows.read()] == [0, 0, 1, 2]
    rows.join([{"rank": 7}])
    assert rows.read() == [{"rank": 7}]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["found1.jsonl.part-3", "found[1].jsonl"]


def test_a_checkpoint_is_of_its_settings_alone(tmp_path):
    mine = Checkpoint(tmp_path / "sums.safetensors", "seat_interp.sums", "a")
    assert mine.load() is None
    mine.save({"x": torch.tensor([1.5])}, done=3)
    tensors, header = mine.load()
    assert (tensors["x"].item(), header["done"]) == (1.5, 3)
    with pytest.raises(SeatError, match="other settings"):
        Checkpoint(mine.path, mine.format, "b").load()
    mine.remove()
    assert mine.load() is None
    absent = Checkpoint(None, "seat_interp.sums", "a")
    absent.save({"x": torch.tensor([1.5])})
    assert absent.load() is None


def test_processes_keep_each_result_and_name_what_failed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    kept, cells = [], [("full", seed) for seed in (0, 1, 2)]
    with pytest.raises(SeatError, match=r"1 of 3 runs failed; the first is \('full', 1\): This one cannot be done"):
        run_cells(failing, cells, Workers(2), tmp_path, keep=lambda *pair: kept.append(pair))
    assert sorted(cell for cell, _ in kept) == [("full", 0), ("full", 2)]
    assert all(Path(f"done-{seed}").exists() for seed in (0, 2))


def test_a_job_that_fails_stops_no_other_and_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    cells = [("full", seed) for seed in (0, 1, 2, 3)]
    with pytest.raises(SeatError, match=r"1 of 4 jobs failed.*full, seed 1: This one cannot be done") as error:
        run_cells(failing, cells, Jobs(), tmp_path / "jobs", name=lambda cell: f"{cell[0]}, seed {cell[1]}", unit="job")
    assert all(Path(f"done-{seed}").exists() for seed in (0, 2, 3))
    log = Path(str(error.value).split("Its log is ")[1].split(". ")[0])
    assert "This one cannot be done" in log.read_text()


def test_jobs_at_the_same_time_have_gpus_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    run_cells(failing, [("full", 0), ("full", 2)], Jobs(gpus=1), tmp_path / "jobs")
    assert {Path(f"done-{seed}").read_text() for seed in (0, 2)} == {"0", "1"}


def test_a_caller_that_is_cut_off_cancels_its_jobs(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    made = []

    def submit(self, executor, place, run, cell):
        made.append(executor.submit(run, cell))
        if len(made) == 2:
            raise KeyboardInterrupt
        return made[-1]

    monkeypatch.setattr(Jobs, "_submit", submit)
    with pytest.raises(KeyboardInterrupt):
        run_cells(slow, [("full", 0), ("full", 2)], Jobs(), tmp_path / "jobs")
    for _ in range(100):
        if made[0].done(force_check=True):
            break
        time.sleep(0.1)
    assert made[0].done(force_check=True)
    made[1].cancel()


def test_what_slurm_is_asked_for(tmp_path, monkeypatch):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, text in {
        "sbatch": f'#!/bin/sh\ncp "$1" {tmp_path}/asked.sh\necho "Submitted batch job 17"\n', "srun": "#!/bin/sh\n",
    }.items():  # fmt: skip
        (tools / name).write_text(text)
        (tools / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    jobs = Jobs("slurm", cpus=8, gpus=1, memory_gb=64, hours=2.5, partition="long")
    job = jobs._executor(tmp_path / "jobs").submit(failing, ("full", 0))
    assert job.job_id == "17"
    asked = (tmp_path / "asked.sh").read_text()
    for line in (
        "cpus-per-task=8",
        "gpus-per-node=1",
        "mem=64GB",
        "time=150",
        "partition=long",
        "job-name=seat_interp",
    ):
        assert f"#SBATCH --{line}" in asked
