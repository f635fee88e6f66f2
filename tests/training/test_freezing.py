"""Groups of parameters: every one in its place, and what is not in the group does not move."""

import pytest
import torch
from tiny_models import CORE_FAMILIES

from seat_interp.core.errors import SeatError
from seat_interp.training.config import TrainConfig
from seat_interp.training.freezing import of_layers, parameter_groups
from seat_interp.training.trainer import train

WHOLE = ("attention", "ffn", "embeddings", "head", "norms")


@pytest.mark.parametrize("family", CORE_FAMILIES)
def test_every_parameter_has_one_place(models_by_family, family):
    lm = models_by_family(family)
    groups = parameter_groups(lm)
    placed = [name for group in WHOLE for name in groups.get(group, ())]
    assert sorted(placed) == sorted(name for name, _ in lm.model.named_parameters())
    sizes = dict(lm.model.named_parameters())
    assert all(sizes[name].dim() == 1 for name in groups["norms"])
    assert all("norm" in name or "ln" in name for name in groups["norms"])
    projections = [name for group, names in groups.items() if group not in WHOLE for name in names]
    assert sorted(projections) == sorted([*groups["attention"], *groups["ffn"]])
    for group, names in groups.items():  # none is of both kinds
        assert group in WHOLE or set(names) <= set(groups["attention"]) or set(names) <= set(groups["ffn"]), group
    assert all(name.startswith(lm.sites.blocks[1] + ".") for name in of_layers(lm, [1]))


@pytest.mark.parametrize("group", ["attention", "down_proj", "embeddings", "norms"])
def test_what_is_not_in_the_group_does_not_move(llama, sets, group):
    only = parameter_groups(llama)[group]
    tuned = train(llama, sets.target, only=only, config=TrainConfig(steps=2, batch_size=3, learning_rate=1e-2))
    after = dict(tuned.model.model.named_parameters())
    for name, before in llama.model.named_parameters():
        assert torch.equal(before, after[name]) == (name not in only), name
    assert tuned.trained_weights == sum(after[name].numel() for name in only)
    assert all(parameter.requires_grad for parameter in after.values())


def test_bad_groups_are_refused(llama, sets):
    with pytest.raises(SeatError, match="has no parameter 'x'"):
        train(llama, sets.target, only=["x"])
    with pytest.raises(SeatError, match="no parameter to train"):
        train(llama, sets.target, only=[])
