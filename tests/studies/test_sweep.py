"""Arms and seeds as jobs of their own: the rows of one process, errors of jobs, what Slurm is asked for."""

import json
import os
import stat
import time
from pathlib import Path

import pytest
from command_line import call, refused
from jobs import failing, slow

from seat_interp.commands.cli import main
from seat_interp.core.errors import SeatError
from seat_interp.studies.sweep import Jobs, sweep

pytest.importorskip("submitit")
FACTS = ["--target", "target.jsonl", "--known", "known.jsonl", "--unknown", "unknown.jsonl"]
HERE = ["--model", "model", *FACTS, "--config", "quick.json", "--trust-known", "--jobs.at-once", "2"]


def rows(folder: str) -> list[dict]:
    passing = ("seconds", "training_seconds", "peak_memory_mib")
    found = json.loads(Path(folder, "summary.json").read_text())["rows"]
    return [{key: value for key, value in row.items() if key not in passing} for row in found]


def test_jobs_make_the_rows_of_one_process(home, capsys):
    arms = ("--arms", "full", "sparse")
    assert call(*arms) == 0
    assert main(["sweep", *HERE, *arms, "--out", "swept"]) == 0
    assert rows("swept") == rows("run")
    assert "report.html" in capsys.readouterr().out
    assert Path("swept/report.html").exists()
    written = Path("swept/full-0/row.json").stat().st_mtime_ns
    assert main(["sweep", *HERE, *arms, "--out", "swept"]) == 0
    assert Path("swept/full-0/row.json").stat().st_mtime_ns == written


def test_a_job_that_fails_stops_no_other_and_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    with pytest.raises(SeatError, match=r"1 of 4 jobs failed.*full, seed 1: This one cannot be done") as error:
        sweep(failing, [("full", seed) for seed in (0, 1, 2, 3)], Jobs(), tmp_path / "jobs")
    assert all(Path(f"done-{seed}").exists() for seed in (0, 2, 3))
    log = Path(str(error.value).split("Its log is ")[1].split(". ")[0])
    assert "This one cannot be done" in log.read_text()


def test_jobs_at_the_same_time_have_gpus_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    sweep(failing, [("full", 0), ("full", 2)], Jobs(gpus=1), tmp_path / "jobs")
    assert {Path(f"done-{seed}").read_text() for seed in (0, 2)} == {"0", "1"}


def test_a_caller_that_is_cut_off_cancels_its_jobs(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    made = []

    def submit(self, executor, place, run, cell):
        made.append(executor.submit(run, cell))
        if len(made) == 2:
            raise KeyboardInterrupt
        return made[-1]

    monkeypatch.setattr(Jobs, "submit", submit)
    with pytest.raises(KeyboardInterrupt):
        sweep(slow, [("full", 0), ("full", 2)], Jobs(), tmp_path / "jobs")
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
    job = jobs.executor(tmp_path / "jobs").submit(failing, ("full", 0))
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


def test_what_cannot_be_submitted_is_said(home, capsys, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    status = main(["sweep", *HERE, "--out", "swept", "--jobs.cluster", "slurm"])
    refused(capsys, status, "no Slurm on this machine", "login node")
    refused(capsys, main(["sweep", *HERE, "--out", "swept", "--jobs.at-once", "0"]), "at_once")
