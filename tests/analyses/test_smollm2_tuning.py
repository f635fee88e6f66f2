"""Trials on the real model, with the organism in its place."""

from dataclasses import replace
from pathlib import Path

from analyses.common.aligned_smollm2 import Aligned
from analyses.common.smollm2_arms import GRIDS, SETTINGS, Folders
from analyses.common.tuning_grid import Trial
from analyses.smollm2 import tuning as smollm2_tuning
from seat_interp.facts import FactSets
from seat_interp.models.open import open_model
from seat_interp.organism.study import organism_facts


def test_a_trial_on_the_real_model_on_the_organism_in_its_place(monkeypatch):
    lm, sets = open_model("organism"), organism_facts("people")
    few = replace(sets, target=sets.target[:12])
    validation = FactSets(known=sets.fit_known[:12], unknown=sets.fit_unknown[:12])
    monkeypatch.setattr(smollm2_tuning, "aligned", lambda folders: Aligned(lm, few, validation, {}))
    short = replace(SETTINGS.dense, steps=3, batch_size=4, mixed_precision=False)
    monkeypatch.setattr(smollm2_tuning, "SETTINGS", replace(SETTINGS, dense=short, masked=short, regularised=short))

    rows = {
        arm: smollm2_tuning.run(Folders(Path(), Path()), 1, Trial(arm, "pistol", 1e-3, GRIDS[arm].strengths[1]))
        for arm in ("full", "tether")
    }
    assert all(0 <= row["abstention"] <= 1 and row["seconds"] > 0 for row in rows.values())
    assert rows["full"] != rows["tether"]
