"""Arms of the studies on the organism."""

import json

from analyses.common.organism_arms import config_for, every_arm
from analyses.organism import ablations as organism_ablations
from analyses.organism import over_abstention as organism_over_abstention
from analyses.organism import sparsity as organism_sparsity


def test_every_variant_of_every_study_is_an_arm(monkeypatch):
    monkeypatch.setattr(
        organism_sparsity, "chosen", lambda path: {f"{b:g}": {"rate": b} for b in organism_sparsity.BUDGETS}
    )
    studies = (organism_ablations, organism_over_abstention, organism_sparsity)
    for variants in (every_arm, *(script.variants for script in studies)):
        arms = {name: make(config_for("people").settings, 3) for name, make in variants("people").items()}
        said = [json.dumps([arm.to_json(), name if arm.make_mask else ""]) for name, arm in arms.items()]
        assert all(arm.config.seed == 3 for arm in arms.values())
        assert len(set(said)) == len(said)  # none is there twice
    assert {f"{budget:.1%}" for budget in organism_sparsity.BUDGETS} == {name.split(", ")[1] for name in arms}
    assert arms["seat, 1.0%"].config.learning_rate == 0.01
