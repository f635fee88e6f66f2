"""Calling commands in tests, and what a refusal looks like."""

from seat_interp.commands.cli import main

QUICK = {
    "settings": {"dense": {"steps": 2, "batch_size": 3}, "masked": {"steps": 2, "batch_size": 3}},
    "steering_prompts": 0,
    "max_new_tokens": 4,
    "null_draws": 20,
}


def call(*more, model="model", target="target.jsonl", known="known.jsonl", unknown="unknown.jsonl", out="run"):
    facts = ["--target", target, "--known", known, "--unknown", unknown, "--trust-known"]
    return main(["run", "--model", model, *facts, "--out", out, "--config", "quick.json", *more])


def refused(capsys, status: int, *expected: str, code: int = 2) -> None:
    """One line on stderr that says all of `expected`, and the exit status."""
    error = capsys.readouterr().err
    lines = [line for line in error.replace("\r", "\n").split("\n") if line.startswith("seat-interp:")]
    assert status == code, error
    assert len(lines) == 1, error
    assert "Traceback" not in error
    for text in expected:
        assert text in lines[0], lines[0]
