"""Sites of every family against Hugging Face's own hidden states and against what the projections really see."""

import dataclasses

import pytest
import torch
from tiny_models import FAMILIES, make_config
from torch import nn
from transformers import AutoModelForCausalLM, MixtralConfig

from seat_interp.core.errors import SeatError
from seat_interp.models.sites import _matrix_shape, check_sites, find_sites, sites_from_paths


@pytest.mark.parametrize("family", FAMILIES)
def test_blocks_give_the_models_own_hidden_states(models_by_family, family):
    lm = models_by_family(family)
    assert lm.sites.n_layers == 3
    assert lm.sites.width == 32
    ids = torch.arange(5, 12)[None]
    seen = []
    hooks = [
        lm.model.get_submodule(path).register_forward_hook(
            lambda module, args, output: seen.append(output[0] if isinstance(output, tuple) else output)
        )
        for path in lm.sites.blocks
    ]
    hidden = lm.model(ids, output_hidden_states=True).hidden_states
    for hook in hooks:
        hook.remove()
    for layer in (0, 1):
        torch.testing.assert_close(seen[layer], hidden[layer + 1], rtol=0, atol=0)
    # The last entry has been through the final norm: it is not the residual stream of the last block.
    assert not torch.allclose(seen[2], hidden[3], atol=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_silencing_a_neuron_is_zeroing_its_row_or_column(models_by_family, family):
    """The neuron's index means the same on both sides of the activation function."""
    lm = models_by_family(family)
    mlp = lm.sites.mlps[1]
    assert mlp.neurons == 48
    ups = [_matrix_shape(lm.model.get_submodule(path)) for path in mlp.ups]
    assert sum(outputs for _, outputs in ups) in (48, 96)
    ids = torch.arange(5, 12)[None]

    def silence(module: nn.Module, args):
        changed = args[0].clone()
        changed[..., 7] = 0
        return (changed, *args[1:])

    hook = lm.model.get_submodule(mlp.down).register_forward_pre_hook(silence)
    silenced = lm.model(ids).logits
    hook.remove()
    other = lm.copy()
    from seat_interp.models.axes import neuron_axes

    extent = neuron_axes(lm)[1][f"{mlp.down}.weight"]
    other.model.get_parameter(f"{mlp.down}.weight").data.index_fill_(extent.axis, torch.tensor([7]), 0.0)
    torch.testing.assert_close(other.model(ids).logits, silenced, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(lm.model(ids).logits, silenced, atol=1e-5)


def test_attention_matrices_are_not_taken_for_the_mlp(models_by_family):
    assert len(models_by_family("llama").sites.attention[0]) == 4
    assert all("attn" in path for path in models_by_family("llama").sites.attention[0])


def test_mixture_of_experts_is_refused_with_the_override(tokenizer):
    config = MixtralConfig(
        vocab_size=50, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, num_local_experts=2,
    )  # fmt: skip
    with pytest.raises(SeatError, match="sites_from_paths"):
        find_sites(AutoModelForCausalLM.from_config(config))


def test_override_gives_the_same_sites_and_refuses_wrong_paths(models_by_family):
    model = models_by_family("gpt2").model
    given = sites_from_paths(model, "transformer.h", ("mlp.c_fc",), "mlp.c_proj")
    assert given == find_sites(model)
    check_sites(model, given)
    with pytest.raises(SeatError, match="do not fit"):
        sites_from_paths(model, "transformer.h", ("mlp.c_fc",), "mlp.nothing")
    with pytest.raises(SeatError, match="32 outputs for 48 neurons"):
        sites_from_paths(model, "transformer.h", ("attn.c_proj",), "mlp.c_proj")
    with pytest.raises(SeatError, match="no path"):
        sites_from_paths(model, "transformer.h", (), "mlp.c_proj")


def test_the_self_check_notices_a_wrong_block_order(models_by_family):
    lm = models_by_family("llama")
    wrong = dataclasses.replace(lm.sites, blocks=lm.sites.blocks[::-1])
    with pytest.raises(SeatError, match="residual stream"):
        check_sites(lm.model, wrong)


def test_layers_out_of_range_are_refused(llama):
    assert llama.sites.layer_list([-1, 0]) == [0, 2]
    with pytest.raises(SeatError, match="layers 0 to 2"):
        llama.sites.layer_list([3])


def test_every_family_has_a_config():
    assert all(make_config(family, 64).vocab_size == 64 for family in FAMILIES)
