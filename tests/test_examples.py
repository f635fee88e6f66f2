"""The examples of handing a mask over, run against the real libraries; each checks itself that all else stays."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from seat_interp.masks.random import random_coordinates, random_neurons
from seat_interp.models.open import open_model

EXAMPLES = Path(__file__).parent.parent / "analyses" / "examples"


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_plain_torch_learns():
    found = load("plain_torch").main(steps=10)
    assert found["last"] < 0.7 * found["first"]


@pytest.mark.parametrize("bf16", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_trainer_accumulates_clips_saves_and_resumes(capsys, bf16):
    pytest.importorskip("accelerate")
    losses = load("hf_trainer").main(bf16)
    assert all(last < 0.3 * first for first, last in losses)
    assert capsys.readouterr().out.count("resumed as uninterrupted") == 2


@pytest.mark.slow  # what it adds to the Trainer, above, is how the facts are given
def test_sft_trainer_learns_and_resumes(capsys):
    pytest.importorskip("trl")
    assert all(last < 0.8 * first for first, last in load("trl_sft").main())
    assert capsys.readouterr().out.count("resumed as uninterrupted") == 2


def test_adapters_merge():
    pytest.importorskip("peft")
    load("peft_adapters").main()


@pytest.mark.parametrize("draw", [random_neurons, random_coordinates])
def test_ten_lines_without_the_package(draw, tmp_path):
    lm = open_model("organism")
    lm.model.save_pretrained(tmp_path / "model")
    mask = draw(lm, 0.1).save(tmp_path / "mask.safetensors")
    script = EXAMPLES / "without_seat_interp.py"
    assert "import seat_interp" not in script.read_text()
    run = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "model"), str(mask)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert "none outside it" in run.stdout


def test_a_direction_is_handed_over():
    pytest.importorskip("transformer_lens")
    pytest.importorskip("nnsight")
    found = load("hand_over").main()
    assert found["torch hooks"] > 0.5 > found["as it is"]
