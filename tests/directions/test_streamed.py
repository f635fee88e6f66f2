"""What is summed in one pass against what is computed at once."""

from dataclasses import replace

import pytest
import torch
from tiny_models import NAMES, fact

from seat_interp.core.errors import SeatError
from seat_interp.directions.direction import fit_direction
from seat_interp.directions.nulls import null_directions
from seat_interp.directions.streamed import fit_direction_streamed, moments, null_directions_streamed


def test_moments_add_up():
    values = torch.randn(50, 2, 5, dtype=torch.float64) * 3 + 1
    found = moments(values.split([1, 20, 29]))
    torch.testing.assert_close(found.mean, values.mean(0))
    for layer in range(2):
        torch.testing.assert_close(found.scatter[layer] / 49, torch.cov(values[:, layer].T))
        components = found.components(5)[:, layer]
        oracle = torch.linalg.svd(values[:, layer] - values[:, layer].mean(0)).Vh
        torch.testing.assert_close((components * oracle).sum(-1).abs(), torch.ones(5, dtype=torch.float64))
    with pytest.raises(SeatError, match="the set is empty"):
        moments([])


def test_a_direction_in_one_pass(llama):
    known = [fact(name) for name in NAMES]
    unknown = [replace(fact(name), question=f"Who is {name}?", spans=()) for name in NAMES]
    expected = fit_direction(llama, unknown=unknown, known=known)
    found = fit_direction_streamed(llama, unknown=unknown, known=known, chunk=5)
    torch.testing.assert_close(found.vectors, expected.vectors, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(found.separation, expected.separation, rtol=1e-6, atol=1e-6)
    assert (found.layer, found.position, found.auroc) == (expected.layer, expected.position, expected.auroc)
    assert found.origin["fit_set"] == expected.origin["fit_set"]
    with pytest.raises(SeatError, match="too small"):
        fit_direction_streamed(llama, unknown=unknown[:3], known=known)


def test_nulls_in_one_pass():
    unknown, known = torch.randn(30, 2, 6) + 2, torch.randn(21, 2, 6)
    expected = null_directions(unknown, known, draws=20, components=4, seed=3)
    found = null_directions_streamed(unknown.split(7), known.split(8), (30, 21), draws=20, components=4, seed=3)
    torch.testing.assert_close(found.random, expected.random)
    torch.testing.assert_close(found.shuffled, expected.shuffled)
    along = (found.pca[:4] * expected.pca[:4]).sum(-1).abs()
    torch.testing.assert_close(along, torch.ones_like(along))
    for counts, said in (((30, 20), "more than the 20"), ((31, 21), "30 prompts where 31")):
        with pytest.raises(SeatError, match=said):
            null_directions_streamed(unknown.split(7), known.split(8), counts)
