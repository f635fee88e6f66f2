"""Rates of several models without a study, and the tables that a notebook shows."""

import pytest
from rows import row

from seat_interp.core.errors import SeatError
from seat_interp.evaluation.score import ask, rates
from seat_interp.results.tables import displacement_table, rates_table
from seat_interp.studies.measure import arm_rates


def test_rates_of_models_are_those_of_their_replies(llama, sets):
    asked = sets.evaluation_sets()
    base, again = arm_rates({"base": llama, "full": llama}, asked, max_new_tokens=4)
    found = {name: rates(records) for name, records in ask(llama, asked, max_new_tokens=4).items()}
    assert (base.arm, again.arm) == ("base", "full")
    assert list(base.abstention) == ["unknown", "unverifiable"]
    assert base.known_recall.mean == found["known"].correct
    assert base.abstention["unknown"].mean == found["unknown"].abstain
    assert base.target_recall.kind == "wilson"
    assert base.displacement == {}
    table = rates_table([base, again])
    assert [line[0] for line in table.rows] == ["Base", "Full fine-tuning"]
    assert len(table.heads) == len(base.abstention) + 4


def test_rates_need_target_and_known_facts(llama, sets):
    with pytest.raises(SeatError, match="no set 'target' among"):
        arm_rates({"base": llama}, {"known": sets.known, "unknown": sets.unknown})


def test_displacement_is_written_beside_every_null():
    table = displacement_table(row("full", moved=-0.9)["displacement"])
    assert table.heads[2:5] == ("random null", "shuffled null", "PCA null")
    assert table.rows[0] == (
        "unknown",
        "-0.90 [-0.92, -0.88]",
        "-0.10 to +0.10",
        "-0.20 to +0.20",
        "-0.60 to +0.60",
        "1.50",
    )
