"""Directions on activations whose answer is known, and the file and algebra contracts."""

import numpy as np
import pytest
import torch
from tiny_models import fact

from seat_interp.capture import AtToken, capture
from seat_interp.core.errors import SeatError
from seat_interp.core.files import save_tensors
from seat_interp.directions.direction import (
    IgnoranceDirection,
    first_component,
    fit_direction,
    logistic_probe,
    mean_difference,
)
from seat_interp.facts.records import split_by_group


@pytest.fixture
def direction(llama, sets):
    return fit_direction(llama, unknown=sets.unknown, known=sets.known, positions=(-1, -2, -4))


@pytest.mark.parametrize("method", [mean_difference, first_component, logistic_probe])
def test_methods_find_a_planted_direction(method):
    rng = np.random.default_rng(0)
    planted = np.zeros(20)
    planted[3] = 1.0
    noise = rng.standard_normal((4000, 20))
    unknown, known = noise[:2000] + 1.5 * planted, noise[2000:] - 1.5 * planted
    found = method(unknown, known)
    assert found @ planted / np.linalg.norm(found) > 0.9


def test_mean_difference_is_that_of_the_fit_part_in_float64(llama, sets, direction):
    fit_unknown, _ = split_by_group(sets.unknown, 0.4, 0)
    fit_known, _ = split_by_group(sets.known, 0.4, 0)
    reduce = AtToken(direction.position)
    unknown, known = (
        capture(llama, [f.question for f in facts], reduce=reduce).values.double() for facts in (fit_unknown, fit_known)
    )
    raw = unknown.mean(0) - known.mean(0)
    torch.testing.assert_close(direction.raw, raw, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(direction.vectors.norm(dim=-1), torch.ones(3, dtype=torch.float64))
    assert direction.vectors.dtype == torch.float64


def test_layer_and_position_are_the_best_of_the_scan(direction):
    assert set(direction.scan) == {-1, -2, -4}
    best = max(max(values) for values in direction.scan.values())
    assert direction.scan[direction.position][direction.layer] == pytest.approx(best, abs=1e-4)


def test_the_split_keeps_groups_whole_and_is_seeded():
    facts = [fact(f"Ada N{i // 3}") for i in range(30)]
    fit, held_out = split_by_group(facts, 0.4, 1)
    assert not {f.group for f in fit} & {f.group for f in held_out}
    assert len(fit) + len(held_out) == 30
    assert len({f.group for f in held_out}) == 4
    assert split_by_group(facts, 0.4, 1) == (fit, held_out)


def test_the_algebra_is_that_of_the_raw_vectors(llama, sets, direction):
    other = fit_direction(llama, unknown=sets.unknown, known=sets.known, seed=3)
    torch.testing.assert_close((direction + other).raw, direction.raw + other.raw)
    torch.testing.assert_close((direction - other).raw, direction.raw - other.raw)
    torch.testing.assert_close((3 * direction).raw, 3 * direction.raw)
    torch.testing.assert_close((-direction).raw, -direction.raw)
    torch.testing.assert_close((direction - direction).raw, torch.zeros_like(direction.raw))
    torch.testing.assert_close(direction.cosine(2 * direction), torch.ones(3, dtype=torch.float64))
    torch.testing.assert_close(direction.cosine(-direction), -torch.ones(3, dtype=torch.float64))


def test_files_read_back_and_refuse_another_architecture(llama, models_by_family, direction, tmp_path):
    path = direction.save(tmp_path / "direction.safetensors")
    again = IgnoranceDirection.load(path)
    assert torch.equal(again.vectors, direction.vectors)
    assert (again.layer, again.position, again.scan) == (direction.layer, direction.position, direction.scan)
    assert again.require_fits(llama)
    changed = llama.copy()
    torch.nn.init.normal_(changed.model.get_parameter("model.norm.weight"))
    assert not again.require_fits(changed)  # other weights of this architecture: that is the point
    with pytest.raises(SeatError, match=r"llama model.*gpt2 model"):
        again.require_fits(models_by_family("gpt2"))
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(SeatError, match="truncated"):
        IgnoranceDirection.load(path)


def test_a_direction_of_processed_activations_is_refused(llama, direction):
    direction.origin["processing"] = "folded norms"
    with pytest.raises(SeatError, match="folded norms"):
        direction.require_fits(llama)


def test_a_file_with_nan_or_of_another_kind_is_refused(direction, tmp_path, llama):
    broken = IgnoranceDirection(direction.vectors * float("nan"), direction.separation, 0)
    with pytest.raises(SeatError, match="NaN"):
        IgnoranceDirection.load(broken.save(tmp_path / "nan.safetensors"))
    path = capture(llama, ["Who?"]).save(tmp_path / "capture.safetensors")
    with pytest.raises(SeatError, match=r"seat_interp.capture, not seat_interp.direction"):
        IgnoranceDirection.load(path)


def test_small_or_equal_sets_are_refused(llama, sets):
    with pytest.raises(SeatError, match="too small"):
        fit_direction(llama, unknown=sets.unknown[:2], known=sets.known)
    same = [fact("Ada Moran") for _ in range(8)]
    grouped = [type(f)(f.question, group=str(i)) for i, f in enumerate(same)]
    with pytest.raises(SeatError, match="equal activations"):
        fit_direction(llama, unknown=grouped, known=grouped)


def test_a_file_of_the_first_version_is_refused_with_the_remedy(tmp_path):
    header = {"format": "seat_interp.direction", "version": 1, "layer": 0}
    path = save_tensors(tmp_path / "old.safetensors", {"vectors": torch.ones(2, 3), "gap": torch.ones(2)}, header)
    with pytest.raises(SeatError, match=r"old\.safetensors is of version 1 .*reads version 2\. Make the file again"):
        IgnoranceDirection.load(path)
