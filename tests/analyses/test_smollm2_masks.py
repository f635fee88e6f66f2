"""Masks on the real model, with the organism in its place."""

from dataclasses import replace

import pytest
import torch

from analyses.common.aligned_smollm2 import Aligned
from analyses.common.mask_runs import Cell
from analyses.smollm2 import masks as smollm2_masks
from seat_interp.models.open import open_model
from seat_interp.organism.study import organism_facts
from seat_interp.training.config import TrainConfig


@pytest.mark.slow
def test_masks_of_the_real_model_on_the_organism_in_its_place(tmp_path, monkeypatch):
    """The stages of smollm2_masks.py, which has a large model otherwise: kept, taken up, and what the rule says."""
    lm, sets = open_model("organism"), organism_facts("people")
    few = replace(sets, **{name: getattr(sets, name)[:12] for name in ("target", "known", "unknown", "neighbour")})
    monkeypatch.setattr(smollm2_masks, "base", lambda data, real: Aligned(lm, few, few, {"after": {}}))
    short = TrainConfig(steps=3, batch_size=4, learning_rate=2e-3)
    monkeypatch.setattr(smollm2_masks, "BY_HAND", replace(smollm2_masks.BY_HAND, dense=short, masked=short))
    monkeypatch.setattr(smollm2_masks, "TRAINING", short)
    # All that the organism asks by itself is about people whom it knows, and who are avoided.
    questions = [fact.question for fact in sets.known[12:28]]
    monkeypatch.setattr(smollm2_masks, "self_questions", lambda lm, count, avoid: questions)
    options = smollm2_masks.Options(work=tmp_path)

    found = {}
    for scheme, loss in (("random", "ce"), ("update_exclude", "ce"), ("update_exclude_matched", "seat")):
        cell = Cell(scheme, "coordinate", loss, "pistol", 0.1, 0)
        found[scheme, loss] = smollm2_masks.run(options, cell)
        assert 0 <= found[scheme, loss]["target_recall"] <= 1
    assert found["random", "ce"]["loss_at_end"] != found["update_exclude", "ce"]["loss_at_end"]
    assert {path.name for path in tmp_path.iterdir()} == {"useful.safetensors", "harm.safetensors"}

    useful, harm = smollm2_masks.scores(options)
    mask = smollm2_masks.make_mask(options, Cell("update_exclude", "coordinate", "ce", "pistol", 0.1, 0))
    chosen = torch.cat([mask.dense(name).flatten() for name in harm.values])
    assert chosen.float().mean().item() == pytest.approx(0.1, abs=1e-4)
    worst = harm.flat() > harm.flat().kthvalue(round(0.4 * harm.flat().numel())).values
    assert not bool((chosen & worst).any())  # the 0.6 by harm are never taken
    left = ~worst & ~chosen
    assert useful.flat()[chosen].min() >= useful.flat()[left].max()
