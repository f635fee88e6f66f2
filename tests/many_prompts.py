"""Prompts for captures in parts, and what those write."""

from pathlib import Path

from tiny_models import CITIES, QUESTIONS

MANY = [f"{question} {city}" for question in QUESTIONS for city in CITIES]


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
