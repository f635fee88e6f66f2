"""Masks: algebra by hypothesis, files, and refusals that name what is wrong."""

import json
import textwrap
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from tiny_models import CORE_FAMILIES

from seat_interp.core.errors import SeatError
from seat_interp.core.files import load_tensors, save_tensors
from seat_interp.masks.mask import FORMAT, Mask
from seat_interp.masks.random import random_coordinates, random_neurons
from seat_interp.models.axes import TrainableAxis

SIZE = 12
EXTENTS = {
    "a.weight": TrainableAxis((SIZE, 5), 0),
    "b.weight": TrainableAxis((4, SIZE), 1),
    "c.weight": TrainableAxis((3, 4), None),
}


def masks():
    indices = st.sets(st.integers(0, SIZE - 1)).map(lambda s: torch.tensor(sorted(s), dtype=torch.int32))
    return st.fixed_dictionaries(dict.fromkeys(EXTENTS, indices)).map(lambda i: Mask("neuron", i, EXTENTS))


@given(masks(), masks(), masks())
def test_the_algebra_is_that_of_sets(a, b, c):
    assert a & b == b & a
    assert a | (b & c) == (a | b) & (a | c)
    assert ~~a == a
    assert ~(a | b) == ~a & ~b
    assert a - b == a & ~b
    assert a ^ b == (a | b) - (a & b)
    assert len(a) + len(b) == len(a | b) + len(a & b)
    assert len(a) + len(~a) == 12 * 5 + 4 * 12 + 12


@given(masks())
def test_the_dense_form_counts_the_same_weights(a):
    assert sum(int(a.dense(name).sum()) for name in EXTENTS) == len(a)


@given(masks())
def test_files_read_back_equal(tmp_path_factory, a):
    path = tmp_path_factory.mktemp("mask") / "mask.safetensors"
    assert Mask.load(a.save(path)) == a


@pytest.mark.parametrize("family", CORE_FAMILIES)
def test_a_random_neuron_mask_holds_whole_neurons(models_by_family, family):
    lm = models_by_family(family)
    mask = random_neurons(lm, 0.25, seed=3)
    assert mask.budget == pytest.approx(0.25)
    for mlp in lm.sites.mlps:
        chosen = [mask.indices[f"{path}.weight"] for path in (*mlp.ups, mlp.down)]
        assert all(torch.equal(chosen[0], other) for other in chosen)
        assert len(chosen[0]) == 12
    assert random_neurons(lm, 0.25, seed=3) == mask
    assert random_neurons(lm, 0.25, seed=4) != mask


def test_a_fused_projection_holds_both_halves_of_a_neuron(models_by_family):
    mask = random_neurons(models_by_family("phi3"), 0.25)
    down = mask.indices["model.layers.0.mlp.down_proj.weight"]
    fused = mask.indices["model.layers.0.mlp.gate_up_proj.weight"]
    assert torch.equal(fused, torch.cat([down, down + 48]))


def test_a_random_coordinate_mask_covers_mlp_and_attention(llama):
    mask = random_coordinates(llama, 0.1)
    assert mask.budget == pytest.approx(0.1, abs=0.001)
    assert len(mask.indices) == 3 * 7
    assert all(name.removesuffix(".weight").split(".")[-2] in ("mlp", "self_attn") for name in mask.indices)


@pytest.mark.parametrize("draw", [random_neurons, random_coordinates])
def test_ten_lines_read_the_file_without_seat_interp(llama, tmp_path, draw):
    """The contract: safetensors and a JSON header are enough to see what the mask leaves out."""
    mask = draw(llama, 0.25)
    path = str(mask.save(tmp_path / "mask.safetensors"))
    model = llama.copy().model

    may_change = {}
    with safe_open(path, "pt") as file:
        axes = json.loads(file.metadata()["seat_interp"])["axes"]
        for name, axis in axes.items():
            chosen = file.get_tensor(name).long()
            keep = torch.zeros_like(model.get_parameter(name), dtype=torch.bool)
            if axis is None:  # single weights: flat positions
                keep.view(-1)[chosen] = True
            else:  # whole neurons: rows (0) or columns (1)
                keep.index_fill_(axis, chosen, True)
            may_change[name] = keep

    assert set(may_change) == set(mask.indices)
    assert all(torch.equal(may_change[name], mask.dense(name)) for name in may_change)


def test_refusals(llama, models_by_family, tmp_path):
    with pytest.raises(SeatError, match="must be above 0"):
        random_neurons(llama, 1.5)
    with pytest.raises(SeatError, match="chooses nothing"):
        random_neurons(llama, 0.001)
    with pytest.raises(SeatError, match="gpt2 model"):
        random_neurons(llama, 0.25).require_fits(models_by_family("gpt2"))
    with pytest.raises(SeatError, match="cannot be combined"):
        random_neurons(llama, 0.25) & random_coordinates(llama, 0.25)
    with pytest.raises(SeatError, match="does not fit its size"):
        Mask("neuron", {"a": torch.tensor([9], dtype=torch.int32)}, {"a": TrainableAxis((4, 4), 0)})
    with pytest.raises(SeatError, match="does not exist"):
        Mask.load(tmp_path / "none.safetensors")
    path = random_neurons(llama, 0.25).save(tmp_path / "m.safetensors")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SeatError, match="truncated"):
        Mask.load(path)


def test_what_is_made_of_masks_keeps_their_model_and_says_if_probes_were_seen(llama):
    one, other = random_neurons(llama, 0.3, 0), random_neurons(llama, 0.3, 1)
    seen = replace(other, origin={**other.origin, "uses_evaluation_data": True})
    for made, probes in ((one & other, False), (one | seen, True), (~seen, True), (~one, False)):
        assert made.origin["model"] == one.origin["model"]
        assert made.origin["uses_evaluation_data"] is probes
        made.require_fits(llama)


@pytest.mark.parametrize("missing", ["origin", "axes", "granularity", "shapes"])
def test_a_header_that_lacks_an_entry_is_refused(llama, tmp_path, missing):
    path = random_neurons(llama, 0.3).save(tmp_path / "mask.safetensors")
    tensors, header = load_tensors(path, FORMAT)
    save_tensors(path, tensors, {name: value for name, value in header.items() if name != missing})
    with pytest.raises(SeatError, match=f"no entry '{missing}'"):
        Mask.load(path)


def test_the_lines_of_the_docstring_read_a_mask(llama, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = textwrap.dedent(Mask.save.__doc__.split("parameter::\n\n")[1].split("Args:")[0])
    for draw in (random_neurons, random_coordinates):
        mask = draw(llama, 0.3)
        mask.save("mask.safetensors")
        read = {}
        exec(lines.rstrip() + "\n        read[name] = dense.clone()\n", {"read": read})
        assert read.keys() == mask.indices.keys()
        assert all(torch.equal(dense, mask.dense(name)) for name, dense in read.items())
