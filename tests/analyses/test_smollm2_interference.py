"""New facts on the real model, with the organism in its place."""

from dataclasses import replace

import pytest

from analyses.common.interference_runs import Run
from analyses.common.learning_curves import loss
from analyses.smollm2 import interference as smollm2_interference
from seat_interp.facts import Fact
from seat_interp.models.open import open_model
from seat_interp.organism.study import organism_facts


def test_interference_on_the_real_model_on_the_organism_in_its_place(monkeypatch, tmp_path):
    known = [replace(fact, relation="capital") for fact in organism_facts("people").known[:6]]
    monkeypatch.setattr(smollm2_interference, "start", lambda data, real: (open_model("organism"), known))
    names = ("Lisbon", "Madrid", "Warsaw", "Vienna", "Athens")
    countries = [Fact("?", subject=f"{name}land", object=name) for name in names]
    monkeypatch.setattr(smollm2_interference, "read_countries", lambda path: countries)
    monkeypatch.setattr(smollm2_interference, "LOOKED_AT", (1,))
    monkeypatch.setattr(smollm2_interference, "TRAINING", replace(smollm2_interference.TRAINING, mixed_precision=False))
    cells = [Run(keys, values, 6, 0) for keys in ("names", "strings") for values in ("names", "strings")]
    facts = {cell: smollm2_interference.new_facts(cell, tmp_path) for cell in cells}
    assert all(len({fact.subject for fact in each}) == 6 for each in facts.values())
    pieces = {name[:3] for name in names}
    assert all(fact.subject[:3] in pieces for fact in facts[cells[0]])
    rows = [{"arm": cell.arm, "count": 6, **smollm2_interference.run(tmp_path, tmp_path, cell)} for cell in cells[::3]]
    assert all(row["curve"][0]["drift"] == pytest.approx([0.0] * 4, abs=1e-12) for row in rows)
    assert all(min(row["curve"][1]["drift"]) > 0 for row in rows)
    assert loss(rows[0]["curve"], "H_K") == pytest.approx(
        rows[0]["curve"][0]["rates"]["H_K"]["correct"] - rows[0]["curve"][1]["rates"]["H_K"]["correct"]
    )
    (table,) = smollm2_interference.tables(rows)
    assert [row[:2] for row in table.rows] == [("names to countries", "6"), ("strings to strings", "6")]
