"""Rows of a data file: a JSON list, JSON lines or one JSON object, with errors a person can act on."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from seat_interp.core.errors import SeatError
from seat_interp.core.files import read_jsonl, read_text


def load_rows(path: str | Path) -> list[dict[str, Any]]:
    """The objects of a JSON list or of JSON lines; a file that is one JSON object is one row.

    Raises:
        SeatError: missing or empty file, or not JSON objects.
    """
    text = read_text(path)
    if not text.strip():
        raise SeatError(f"{path} is empty. Give a file with at least one fact.")
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        if text.lstrip().startswith("{"):
            return read_jsonl(path)
        raise SeatError(
            f"{path} is neither JSON nor JSON lines of objects, which are accepted: "
            f"{error.msg} at line {error.lineno}, column {error.colno}."
        ) from error
    rows = content if isinstance(content, list) else [content]
    if not rows:
        raise SeatError(f"{path} holds an empty list. Give a file with at least one fact.")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise SeatError(f"{path}, row {number}, is not a JSON object but a {type(row).__name__}.")
    return rows


def columns(path: str | Path, rows: Sequence[dict[str, Any]], *keys: str) -> Iterator[tuple[str, ...]]:
    """The texts under `keys`, row by row.

    Raises:
        SeatError: a row without one of the keys, or with something else than text, or a blank first column.
    """
    for number, row in enumerate(rows, 1):
        for key in keys:
            if not isinstance(row.get(key), str):
                problem = f"{row[key]!r}, which is not text" if key in row else f"missing; the row has {sorted(row)}"
                raise SeatError(f"{path}, row {number}: {key!r} is {problem}.")
        if not row[keys[0]].strip():
            raise SeatError(f"{path}, row {number}: {keys[0]!r} is blank.")
        yield tuple(row[key] for key in keys)
