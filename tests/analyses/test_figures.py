"""Every result is drawn: `RESULTS` knows all that is committed."""

import json
from pathlib import Path

import pytest

from analyses.figures import shown, tables_of
from seat_interp.core.errors import SeatError

ANALYSES = Path(__file__).parents[2] / "analyses"


def test_every_committed_result_gives_its_tables():
    saved = {path.stem: json.loads(path.read_text()) for path in (ANALYSES / "results").glob("*.json")}
    found = {name: tables_of(shown(Path(name)), summary) for name, summary in saved.items()}
    assert all(table.rows for tables in found.values() for table in tables)
    rows = [row for row in saved["smollm2_masks"]["rows"] if row["scheme"] == "random"]
    known = sum(row["known_recall"] for row in rows) / len(rows)
    (line,) = [line for line in found["smollm2_masks"][0].rows if line[0] == "random"]
    assert line[1] == str(len(rows))
    assert line[4].startswith(f"{known:.2f}")


def test_a_result_that_nobody_draws_is_refused(tmp_path):
    with pytest.raises(SeatError, match=r"new\.json is a result that no figure or table is known for"):
        shown(tmp_path / "new.json")
