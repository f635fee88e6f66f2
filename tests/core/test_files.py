"""Files that grow as results come: whole lines stay, a cut-off one goes, whatever it was cut within."""

import pytest

from seat_interp.core.errors import SeatError
from seat_interp.core.files import append_jsonl, read_growing

ROWS = [{"name": "René"}, {"name": "Zoë"}]


def test_what_was_appended_is_read_back(tmp_path):
    path = tmp_path / "rows.jsonl"
    assert read_growing(path) == []
    for row in ROWS:
        append_jsonl(path, [row])
    assert read_growing(path) == ROWS


def test_a_line_that_was_cut_off_is_taken_away_and_can_be_written_again(tmp_path):
    path = tmp_path / "rows.jsonl"
    append_jsonl(path, ROWS)
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for end in range(first, len(whole)):  # one of them lies within a character
        path.write_bytes(whole[:end])
        assert read_growing(path) == ROWS[:1]
        assert path.read_bytes() == whole[:first]
        append_jsonl(path, ROWS[1:])
        assert path.read_bytes() == whole


def test_what_cannot_be_written_is_said(tmp_path):
    with pytest.raises(SeatError, match="Cannot write"):
        append_jsonl(tmp_path / "missing" / "rows.jsonl", ROWS)
