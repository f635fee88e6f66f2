"""TransformerLens and nnsight against torch hooks: the same labels, the same numbers, and what is refused.

`pytest -s tests/capture/test_backends.py -k table` prints the table of parity.
"""

import sys
from dataclasses import replace
from functools import partial

import pytest
import torch
from tiny_models import CORE_FAMILIES, FAMILIES, NAMES, QUESTIONS, fact, make_tokenizer

from seat_interp.capture import AtToken, Kind, MeanToken, Projection, capture, open_backend
from seat_interp.core.errors import SeatError
from seat_interp.directions.direction import IgnoranceDirection, fit_direction
from seat_interp.directions.steering import ablate_direction, add_direction, addition
from seat_interp.evaluation.generate import generate
from seat_interp.models.open import wrap_model

PACKAGES = ("transformer_lens", "nnsight")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _there():
    for package in PACKAGES:
        pytest.importorskip(package)


def count_hooks(model) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("pad_left", [False, True])
def test_backends_agree(models_by_family, family, package, pad_left):
    lm = models_by_family(family)
    before = count_hooks(lm.model)
    for kind in Kind:
        how = {"kind": kind, "batch_size": 3, "pad_left": pad_left, "progress": False}
        expected, found = capture(lm, QUESTIONS, **how), capture(lm, QUESTIONS, backend=package, **how)
        torch.testing.assert_close(found.values, expected.values, rtol=1e-4, atol=2e-5)
        assert found.layers == expected.layers
        assert found.origin | {"backend": "hooks"} == expected.origin
    assert count_hooks(lm.model) == before


def test_table_of_parity(models_by_family):
    """The largest difference in each family, against the size of the activations."""
    print()
    for family in CORE_FAMILIES:
        lm = models_by_family(family)
        for kind in Kind:
            expected = capture(lm, QUESTIONS, kind=kind, progress=False).values
            off = [
                float((capture(lm, QUESTIONS, kind=kind, backend=p, progress=False).values - expected).abs().max())
                for p in PACKAGES
            ]
            print(f"{family:10s} {kind.value:9s} size {expected.abs().mean():.2f}", *(f"{o:.1e}" for o in off))
            assert max(off) < 5e-5 * float(expected.abs().max())


@pytest.mark.parametrize("package", PACKAGES)
def test_other_reductions_and_some_layers(llama, package):
    vectors = torch.nn.functional.normalize(torch.randn(3, 32, dtype=torch.float64), dim=-1)
    for reduce in (AtToken(-3), MeanToken(), Projection(vectors, -2)):
        how = {"reduce": reduce, "layers": [-2, 0], "progress": False}
        expected, found = capture(llama, QUESTIONS, **how), capture(llama, QUESTIONS, backend=package, **how)
        assert found.layers == (0, 1)
        torch.testing.assert_close(found.values, expected.values, rtol=1e-4, atol=1e-5)
    with pytest.raises(SeatError, match="fewer than 60 tokens"):
        capture(llama, QUESTIONS, backend=package, reduce=AtToken(-60))


def some_direction(lm) -> IgnoranceDirection:
    unknown, known = ([fact(name) for name in names] for names in (NAMES[:9], NAMES[9:]))
    return replace(fit_direction(lm, unknown=unknown, known=known), layer=1)


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("family", CORE_FAMILIES)
def test_steered_alike(models_by_family, family, package):
    lm = models_by_family(family)
    direction = some_direction(lm)
    how = {"max_new_tokens": 6, "progress": False}
    plain = generate(lm, QUESTIONS, **how)
    for steer in (partial(add_direction, lm, direction, 40.0), partial(ablate_direction, lm, direction)):
        with steer():
            expected = generate(lm, QUESTIONS, **how)
            activations = capture(lm, QUESTIONS, progress=False).values
        with steer(backend=package) as steered:
            assert generate(steered, QUESTIONS, **how) == expected
            found = capture(steered, QUESTIONS, progress=False).values
        torch.testing.assert_close(found, activations, rtol=1e-3, atol=1e-3)
        assert generate(lm, QUESTIONS, **how) == plain
    with add_direction(lm, direction, 40.0):
        assert generate(lm, QUESTIONS, **how) != plain


def bridge_of(lm, tokenizer=None):
    from transformer_lens.model_bridge.sources import build_bridge_from_module

    model = lm.copy().model
    return build_bridge_from_module(
        model, architecture=type(model).__name__, hf_config=model.config, tokenizer=tokenizer
    )


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_a_bridge_that_is_held_is_taken_as_it_is(models_by_family, family):
    lm = models_by_family(family)
    bridge = bridge_of(lm, make_tokenizer())
    expected = capture(lm, QUESTIONS, progress=False)
    found = capture(bridge, QUESTIONS, progress=False)
    torch.testing.assert_close(found.values, expected.values, rtol=1e-4, atol=2e-5)
    assert found.origin["backend"] == "transformer_lens"
    assert found.origin["model"] | {"weights": ""} == expected.origin["model"] | {"weights": ""}
    direction = some_direction(lm)
    with add_direction(lm, direction, 40.0):
        steered = generate(lm, QUESTIONS, max_new_tokens=4, progress=False)
    with add_direction(bridge, direction, 40.0):
        assert generate(bridge, QUESTIONS, max_new_tokens=4, progress=False) == steered


def test_a_model_of_nnsight_that_is_held_is_taken_as_it_is(llama):
    import nnsight

    held = nnsight.TransformersModel(llama.model, tokenizer=llama.tokenizer, task="text-generation")
    found = capture(held, QUESTIONS, progress=False)
    torch.testing.assert_close(found.values, capture(llama, QUESTIONS, progress=False).values, rtol=1e-4, atol=2e-5)
    assert found.origin["backend"] == "nnsight"
    with pytest.raises(SeatError, match="has no tokenizer"):
        capture(nnsight.NNsight(llama.model), QUESTIONS)
    with pytest.raises(SeatError, match="held by nnsight is looked into by nnsight"):
        capture(held, QUESTIONS, backend="hooks")


def test_remote_runs_are_rehearsed_here(llama):
    import nnsight

    held = nnsight.TransformersModel(llama.model, tokenizer=llama.tokenizer, task="text-generation")
    expected = capture(llama, QUESTIONS, progress=False).values
    found = capture(held, QUESTIONS, remote="local", progress=False).values
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=2e-5)
    with pytest.raises(SeatError, match="Only nnsight runs remotely"):
        capture(llama, QUESTIONS, remote=True)
    with pytest.raises(SeatError, match="opened by its hub id"):
        capture(llama, QUESTIONS, backend="nnsight", remote=True)
    with pytest.raises(SeatError, match="Replies are not generated remotely"):
        generate(open_backend(held, remote="local"), QUESTIONS)


def test_folded_weights_are_refused(models_by_family):
    bridge = bridge_of(models_by_family("gpt2"), make_tokenizer())
    bridge.enable_compatibility_mode(disable_warnings=True)
    with pytest.raises(SeatError, match="compatibility mode: norms are folded"):
        capture(bridge, QUESTIONS)
    processed = bridge_of(models_by_family("gpt2"), make_tokenizer())
    processed.process_weights()
    with pytest.raises(SeatError, match="compatibility mode"):
        capture(processed, QUESTIONS)
    with pytest.raises(SeatError, match="no tokenizer"):
        capture(bridge_of(models_by_family("gpt2")), QUESTIONS)


def test_what_is_no_model_is_refused(llama):
    with pytest.raises(SeatError, match="A str is not a model"):
        capture("llama", QUESTIONS)
    with pytest.raises(SeatError, match="no backend 'jax'"):
        open_backend.__wrapped__(llama, "jax")  # beartype would refuse it first


def test_a_missing_package_is_named(llama, monkeypatch):
    for package, extra in (("transformer_lens", "lens"), ("nnsight", "nnsight")):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(SeatError, match=rf"needs {package}: pip install 'seat_interp\[{extra}\]'"):
            capture(llama, QUESTIONS, backend=package)


def test_a_direction_goes_back_to_both(llama):
    """As a hook function of TransformerLens and as an intervention of nnsight, in their own calls."""
    import nnsight

    from seat_interp.capture.nnsight import intervene
    from seat_interp.capture.transformer_lens import hook_function

    edit = addition(some_direction(llama).raw[1], 3.0)
    ids = torch.tensor([[3, 20, 21, 22, 4]])
    with torch.no_grad():
        handle = llama.model.get_submodule(llama.sites.blocks[1]).register_forward_hook(lambda m, a, out: edit(out))
        expected = llama.model(ids).logits
        handle.remove()
        bridge = bridge_of(llama)
        found = bridge.run_with_hooks(ids, fwd_hooks=[("blocks.1.hook_out", hook_function(edit))])
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
        model = nnsight.NNsight(llama.model)
        intervene(model, llama.sites.blocks[1], edit)
        with model.trace(ids):
            logits = model.output.logits.save()
        torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5)


def test_unknown_families_are_refused_by_name(llama):
    class Unheard(type(llama.model)):
        pass

    strange = wrap_model(Unheard(llama.model.config), make_tokenizer(), name="strange")
    with pytest.raises(SeatError, match="no bridge for 'strange' \\(Unheard\\)"):
        capture(strange, QUESTIONS, backend="transformer_lens")
