"""The hash of a model's weights is that of the weights as they are now, though it is remembered."""

import copy

import pytest
import torch

from seat_interp.models import fingerprint
from seat_interp.models.fingerprint import weights_hash


@pytest.fixture
def model(models_by_family):
    return copy.deepcopy(models_by_family("gpt2").model)


def changed_in_place(weight):
    with torch.no_grad():
        weight[0, 0] += 1


def changed_behind(weight):
    weight.data[0, 0] += 1


def swapped(weight):
    """The same numbers in another order."""
    with torch.no_grad():
        weight[[0, 1]] = weight[[1, 0]]


def replaced(weight):
    weight.data = weight.data.clone() * 2


@pytest.mark.parametrize("change", [changed_in_place, changed_behind, swapped, replaced])
def test_every_change_is_seen(model, change):
    before = weights_hash(model)
    assert weights_hash(model) == before
    change(next(parameter for parameter in model.parameters() if parameter.dim() == 2))
    after = weights_hash(model)
    assert after != before
    assert after == weights_hash(copy.deepcopy(model))  # one that nothing is remembered of


def test_same_weights_are_hashed_once(model, monkeypatch):
    before = weights_hash(model)
    monkeypatch.setattr(fingerprint, "_hash", lambda running: "again")
    assert weights_hash(model) == before


def test_bytes_that_fill_no_whole_number_count_too():
    model = torch.nn.Linear(3, 1).half()  # 6 bytes and 2
    before = weights_hash(model)
    model.weight.data[0, 2] = 9
    assert weights_hash(model) != before
