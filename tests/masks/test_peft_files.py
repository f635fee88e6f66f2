"""Adapters made from sparse updates, loaded and merged by stock PEFT."""

import pytest
import torch
from tiny_models import CORE_FAMILIES

from seat_interp.core.errors import SeatError
from seat_interp.masks.attach import attach
from seat_interp.masks.mask import Mask
from seat_interp.masks.peft_files import save_lora, save_shira
from seat_interp.masks.random import random_coordinates, random_neurons
from seat_interp.masks.sparse_update import SparseUpdate
from seat_interp.models.axes import coordinate_axes

peft = pytest.importorskip("peft")

IDS = torch.arange(5, 17).view(2, 6)


def tuned(base, mask):
    """A model whose chosen entries have moved, with the update that moved them."""
    lm = base.copy()
    attached = attach(lm.model, mask)
    with torch.no_grad():
        for parameter in attached.parameters.values():
            parameter += torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)) * 0.05
    return lm, attached.merge()


def uneven(lm):
    """A coordinate mask with another number of entries in every matrix, none at all in some."""
    counts = (0, 17, 300, 5)
    axes = coordinate_axes(lm)
    generator = torch.Generator().manual_seed(2)
    indices = {
        name: torch.randperm(extent.size, generator=generator)[: counts[i % 4]].sort().values.to(torch.int32)
        for i, (name, extent) in enumerate(axes.items())
    }
    return Mask("coordinate", indices, axes, {"model": lm.fingerprint})


def check(base, lm, folder):
    """Loaded, its output is the tuned model's; switched off, the base's; merged, the weights are the same bits."""
    during = lm.model(IDS).logits
    loaded = peft.PeftModel.from_pretrained(base.copy().model, str(folder)).eval()
    assert not torch.allclose(base.model(IDS).logits, during)
    torch.testing.assert_close(loaded(IDS).logits, during, rtol=1e-4, atol=1e-5)
    with loaded.disable_adapter():
        assert torch.equal(loaded(IDS).logits, base.model(IDS).logits)
    merged = loaded.merge_and_unload()
    for name, weight in lm.model.state_dict().items():
        assert torch.equal(merged.state_dict()[name], weight), name


@pytest.mark.parametrize("family", [family for family in CORE_FAMILIES if family != "gpt2"])
@pytest.mark.parametrize("draw", [uneven, lambda lm: random_neurons(lm, 0.25)], ids=["uneven", "neurons"])
def test_shira(models_by_family, family, draw, tmp_path):
    base = models_by_family(family)
    lm, update = tuned(base, draw(base))
    check(base, lm, save_shira(update, base.model, tmp_path / "adapter"))


@pytest.mark.parametrize("family", [*CORE_FAMILIES, "phi3"])
def test_lora_of_neurons(models_by_family, family, tmp_path):
    base = models_by_family(family)
    lm, update = tuned(base, random_neurons(base, 0.25))
    check(base, lm, save_lora(update, base.model, tmp_path / "adapter"))


def test_what_a_format_cannot_hold_is_said(models_by_family, llama, tmp_path):
    gpt2 = models_by_family("gpt2")
    with pytest.raises(SeatError, match=r"Conv1D; SHiRA adapts nn\.Linear alone"):
        save_shira(tuned(gpt2, random_neurons(gpt2, 0.25))[1], gpt2.model, tmp_path)
    with pytest.raises(SeatError, match="no LoRA"):
        save_lora(tuned(llama, random_coordinates(llama, 0.25))[1], llama.model, tmp_path)
    assert not list(tmp_path.iterdir())


def test_masks_too_uneven_for_shira_and_empty_updates_are_refused(llama, tmp_path):
    axes = coordinate_axes(llama)
    full = next(name for name in axes if "down_proj" in name)
    indices = {n: torch.arange(int((0.7 if n == full else 0.05) * e.size), dtype=torch.int32) for n, e in axes.items()}
    with pytest.raises(SeatError, match=r"k_proj|v_proj.* Save delta\.safetensors"):
        save_shira(tuned(llama, Mask("coordinate", indices, axes))[1], llama.model, tmp_path)
    nothing = SparseUpdate(random_neurons(llama, 0.1), {})
    for save in (save_shira, save_lora):
        with pytest.raises(SeatError, match="holds nothing"):
            save(nothing, llama.model, tmp_path)
    assert not list(tmp_path.iterdir())
