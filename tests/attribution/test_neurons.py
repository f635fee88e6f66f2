"""Neuron scores against Captum, finite differences, completeness and ablation, on every family."""

from dataclasses import replace

import pytest
import torch
from captum.attr import LayerGradientXActivation, LayerIntegratedGradients
from tiny_models import CITIES, CORE_FAMILIES, NAMES, fact

from seat_interp.attribution import (
    AbstentionLogOdds,
    AnswerLoss,
    DirectionProjection,
    KLToBase,
    ReplyLoss,
    ablation_effects,
    activation_difference,
    attribute,
    average,
    gate_fisher,
    neuron_gradient,
    output_alignment,
    per_example,
    weight_norm,
)
from seat_interp.attribution._gates import alignment, changed_neurons, counterfactual_neurons, frozen
from seat_interp.capture import AtToken, capture
from seat_interp.core.errors import SeatError
from seat_interp.directions.direction import fit_direction
from seat_interp.masks.random import layer_matched
from seat_interp.masks.select import select
from seat_interp.models.prompts import encode_examples, pad

FACTS = [fact(name, city) for name, city in zip((NAMES[0], NAMES[1], "Bo", NAMES[7], NAMES[9]), CITIES)]


def gates_at(lm, values, gate):
    """The mean metric with every neuron scaled by its gate: layers x neurons."""
    with changed_neurons(lm, lambda layer, hidden: hidden * gate[layer], len(FACTS)), torch.no_grad(), frozen(lm):
        return float(values.values(values.examples, range(len(FACTS))).mean())


@pytest.mark.parametrize("family", CORE_FAMILIES)
def test_gradient_times_activation_is_the_slope_of_the_gates(models_by_family, family):
    lm = models_by_family(family)
    scores = attribute(lm, FACTS)
    prepared = AnswerLoss().prepare(lm, FACTS)
    ones = torch.ones(3, 48)
    for layer, neuron in ((0, 3), (1, 17), (2, 40)):
        step = torch.zeros_like(ones)
        step[layer, neuron] = 0.05
        slope = (gates_at(lm, prepared, ones + step) - gates_at(lm, prepared, ones - step)) / 0.1
        found = list(scores.values.values())[layer][neuron]
        assert float(found) == pytest.approx(slope, rel=0.03, abs=3e-5)


@pytest.mark.parametrize("family", CORE_FAMILIES)
def test_batches_padding_and_order_do_not_matter(models_by_family, family):
    lm = models_by_family(family)
    whole, one_by_one = (attribute(lm, FACTS, batch_size=size).flat() for size in (5, 1))
    torch.testing.assert_close(whole, one_by_one, rtol=1e-4, atol=1e-6)


def captum_pieces(lm, one):
    example = encode_examples(lm, [one.question], [one.answer])[0]
    inputs = pad([example.ids], 0)
    wanted = torch.tensor(example.ids[example.start :])

    def loss(ids):
        rows = ids.shape[0]
        batch = pad([example.ids] * rows, 0)
        logits = lm.model(ids, attention_mask=batch.attention_mask, position_ids=batch.position_ids).logits
        tail = logits[:, example.start - 1 : -1]
        return torch.stack([torch.nn.functional.cross_entropy(row, wanted) for row in tail])

    return loss, inputs.input_ids


@pytest.mark.parametrize("family", CORE_FAMILIES)
def test_agrees_with_captum(models_by_family, family):
    lm = models_by_family(family)
    one = FACTS[0]
    mine = attribute(lm, [one])
    loss, ids = captum_pieces(lm, one)
    for mlp in lm.sites.mlps:
        module = lm.model.get_submodule(mlp.down)
        theirs = LayerGradientXActivation(loss, module).attribute(ids, attribute_to_layer_input=True)
        summed = theirs.reshape(-1, mlp.neurons).sum(0)
        torch.testing.assert_close(mine.values[f"{mlp.down}.weight"], summed.float(), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("family", CORE_FAMILIES)
def test_integrated_gradients_of_one_layer_agree_with_captum(models_by_family, family):
    lm = models_by_family(family)
    one = fact(NAMES[0], "Leeds")
    loss, ids = captum_pieces(lm, one)
    # Captum needs a baseline of as many tokens.
    copy = next(c for c in (fact(n, "Leeds") for n in NAMES[1:]) if captum_pieces(lm, c)[1].shape == ids.shape)
    others = captum_pieces(lm, copy)[1]
    for layer, mlp in enumerate(lm.sites.mlps):
        theirs = LayerIntegratedGradients(loss, lm.model.get_submodule(mlp.down)).attribute(
            ids, baselines=others, n_steps=8, method="riemann_middle", attribute_to_layer_input=True
        )
        mine = attribute(lm, [one], counterfactual=[copy], steps=8, layers=[layer])
        assert list(mine.values) == [f"{mlp.down}.weight"]
        torch.testing.assert_close(mine.flat(), theirs.reshape(-1, mlp.neurons).sum(0).float(), rtol=1e-3, atol=1e-6)


# Not Gemma 2: it normalises what an MLP gives, which undoes the gate all the way down to zero, where it jumps.
@pytest.mark.parametrize("family", [family for family in CORE_FAMILIES if family != "gemma2"])
def test_integrated_gradients_are_complete(models_by_family, family):
    lm = models_by_family(family)
    prepared = AnswerLoss().prepare(lm, FACTS)
    ones = torch.ones(3, 48)
    difference = gates_at(lm, prepared, ones) - gates_at(lm, prepared, 0 * ones)
    total = float(attribute(lm, FACTS, steps=64).flat().double().sum())
    assert total == pytest.approx(difference, rel=0.01, abs=1e-6)


@pytest.mark.parametrize("family", ["qwen2", "gemma2"])
def test_counterfactual_baseline_is_complete_too(models_by_family, family):
    """At gate 0 the neurons are those of the copies: the sum is the difference between the two."""
    lm = models_by_family(family)
    copies = [fact(name, one.object) for name, one in zip(("Zed Quill", "Una Hart", "Max", "Ivo", "Zed"), FACTS)]
    total = float(attribute(lm, FACTS, counterfactual=copies, steps=64).flat().double().sum())
    prepared, others = (AnswerLoss().prepare(lm, facts) for facts in (FACTS, copies))
    order = sorted(range(len(FACTS)), key=lambda i: len(prepared.examples[i].ids))
    batch = [prepared.examples[i] for i in order]
    there = counterfactual_neurons(lm, batch, [others.examples[i] for i in order])
    with torch.no_grad(), frozen(lm):
        as_it_is = prepared.values(batch, order).mean()
        with changed_neurons(lm, lambda layer, hidden: there[layer].view(hidden.shape), len(batch)):
            as_copies = prepared.values(batch, order).mean()
    assert abs(total) > 1e-3
    assert total == pytest.approx(float(as_it_is - as_copies), rel=0.02)
    same = attribute(lm, FACTS, counterfactual=FACTS)
    assert float(same.flat().abs().max()) == 0
    with pytest.raises(SeatError, match="one for each"):
        attribute(lm, FACTS, counterfactual=copies[:2])


def test_copies_are_aligned_from_both_ends():
    assert alignment([1, 2, 7, 8, 5], [1, 2, 9, 5]).tolist() == [0, 1, 2, 2, 3]
    assert alignment([1, 7, 5], [1, 8, 9, 8, 5]).tolist() == [0, 1, 4]
    assert alignment([1, 2, 3], [1, 2, 3]).tolist() == [0, 1, 2]
    assert alignment([1, 1, 1], [1, 1]).tolist() == [0, 1, 1]


def test_absolute_fisher_and_per_example_are_of_single_facts(llama):
    each = per_example(llama, FACTS)
    for name, effect in each.items():
        torch.testing.assert_close(attribute(llama, FACTS).values[name], effect.mean(0))
        torch.testing.assert_close(attribute(llama, FACTS, absolute=True).values[name], effect.abs().mean(0))
        torch.testing.assert_close(gate_fisher(llama, FACTS).values[name], effect.square().mean(0))


def test_per_example_takes_steps_and_copies_too(llama):
    copies = [fact(name, one.object) for name, one in zip(("Zed Quill", "Una Hart", "Max", "Ivo", "Zed"), FACTS)]
    for how in ({"steps": 3}, {"counterfactual": copies}, {"steps": 2, "counterfactual": copies}):
        whole = attribute(llama, FACTS, **how)
        for name, effect in per_example(llama, FACTS, batch_size=2, **how).items():
            torch.testing.assert_close(whole.values[name], effect.mean(0), rtol=1e-4, atol=1e-7)
    with pytest.raises(SeatError, match="0 steps"):
        attribute(llama, FACTS, steps=0)
    with pytest.raises(SeatError, match="one for each"):
        per_example(llama, FACTS, counterfactual=copies[:2])


def test_gradient_is_the_slope_of_a_shift(models_by_family):
    lm = models_by_family("opt")
    prepared = AnswerLoss().prepare(lm, FACTS[:1])
    scores = neuron_gradient(lm, FACTS[:1])

    def shifted(by):
        def change(layer, hidden):
            return hidden + by if layer == 1 else hidden

        with changed_neurons(lm, change, 1), torch.no_grad(), frozen(lm):
            return float(prepared.values(prepared.examples, [0])[0])

    step = torch.zeros(48)
    step[5] = 1e-2
    slope = (shifted(step) - shifted(-step)) / 2e-2
    assert float(list(scores.values.values())[1][5]) == pytest.approx(abs(slope), rel=0.01)


def test_log_odds_are_of_the_first_tokens_of_the_refusals(llama):
    refusals = ("I do not know.", "Nobody knows.")
    prepared = AbstentionLogOdds(refusals).prepare(llama, FACTS)
    first = {llama.tokenizer(text, add_special_tokens=False)["input_ids"][0] for text in refusals}
    for i, example in enumerate(prepared.examples):
        with torch.no_grad():
            chances = llama.model(torch.tensor([example.ids])).logits[0, -1].double().softmax(-1)
        odds = sum(chances[token] for token in first)
        assert float(prepared.values([example], [i])[0]) == pytest.approx(float((odds / (1 - odds)).log()), abs=1e-4)


def test_every_metric_can_be_attributed(llama, sets):
    direction = fit_direction(llama, unknown=sets.unknown, known=sets.known)
    tuned = llama.copy()
    with torch.no_grad():
        tuned.model.get_parameter("model.layers.1.mlp.down_proj.weight").mul_(1.5)
    for lm, metric in (
        (llama, ReplyLoss(max_new_tokens=4)),
        (llama, AbstentionLogOdds(("I do not know.", "Nobody knows."))),
        (llama, DirectionProjection(direction)),
        (tuned, KLToBase(llama, max_new_tokens=4)),
    ):
        scores = attribute(lm, FACTS, metric=metric)
        assert float(scores.flat().abs().max()) > 0
        assert scores.origin["metric"] == metric.name
    assert float(attribute(llama, FACTS, metric=KLToBase(llama, max_new_tokens=4)).flat().abs().max()) < 1e-3


def test_projection_ignores_layers_above_and_is_in_gaps(llama, sets):
    direction = fit_direction(llama, unknown=sets.unknown, known=sets.known)
    layer = direction.layer
    stream = capture(llama, [f.question for f in FACTS], reduce=AtToken(direction.position)).values[:, layer]
    prepared = DirectionProjection(direction).prepare(llama, FACTS)
    found = torch.cat([prepared.values([example], [i]) for i, example in enumerate(prepared.examples)])
    torch.testing.assert_close(
        found, stream.double() @ direction.vectors[layer] / direction.separation[layer], rtol=1e-4, atol=1e-5
    )
    scores = attribute(llama, FACTS, metric=DirectionProjection(direction))
    for layer, values in enumerate(scores.values.values()):
        assert (float(values.abs().max()) > 0) == (layer <= direction.layer)


def test_ablation_is_what_gradients_estimate(llama):
    """With tiny activations the first order is all there is."""
    lm = llama.copy()
    with torch.no_grad():
        for mlp in lm.sites.mlps:
            lm.model.get_parameter(f"{mlp.down}.weight").mul_(0.01)
    scores = attribute(lm, FACTS).flat()
    effects = ablation_effects(lm, FACTS, [[n] for n in range(0, 144, 12)], progress=False)
    torch.testing.assert_close(scores[::12].double(), effects, rtol=0.05, atol=1e-6)


def test_scores_without_gradients(llama, sets):
    direction = fit_direction(llama, unknown=sets.unknown, known=sets.known)
    name = "model.layers.2.mlp.down_proj.weight"
    weight = llama.model.get_parameter(name)
    aligned = output_alignment(llama, direction).values[name]
    column = weight[:, 7].double()
    assert float(aligned[7]) == pytest.approx((column @ direction.vectors[2] / column.norm()).item(), rel=1e-5)
    gate, up = (llama.model.get_parameter(f"model.layers.2.mlp.{part}_proj.weight") for part in ("gate", "up"))
    length = (weight[:, 7].square().sum() + gate[7].square().sum() + up[7].square().sum()).sqrt()
    assert float(weight_norm(llama).values[name][7]) == pytest.approx(float(length), rel=1e-5)
    difference = activation_difference(llama, unknown=sets.unknown, known=sets.known)
    assert difference.origin["uses_evaluation_data"]
    assert difference.values[name].shape == (48,)


def test_bad_input_is_one_sentence(llama):
    with pytest.raises(SeatError, match="no facts"):
        attribute(llama, [])
    with pytest.raises(SeatError, match="no answer"):
        attribute(llama, [fact("Bo")])
    with pytest.raises(SeatError, match="no refusals"):
        attribute(llama, FACTS, metric=AbstentionLogOdds(()))


def test_resumes_from_its_sums_and_leaves_nothing(llama, tmp_path, monkeypatch):
    import seat_interp.core.ledger as module

    path = tmp_path / "sums.safetensors"
    whole = attribute(llama, FACTS, batch_size=1)
    seen = []
    save = module.save_tensors

    def interrupted(*args):
        save(*args)
        seen.append(args)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "save_tensors", interrupted)
    monkeypatch.setattr("seat_interp.attribution._accumulate.EVERY", 2)
    with pytest.raises(KeyboardInterrupt):
        attribute(llama, FACTS, batch_size=1, checkpoint=path)
    monkeypatch.setattr(module, "save_tensors", save)
    with pytest.raises(SeatError, match="other settings"):
        attribute(llama, FACTS, batch_size=1, steps=2, checkpoint=path)
    torch.testing.assert_close(attribute(llama, FACTS, batch_size=1, checkpoint=path).flat(), whole.flat())
    assert not path.exists()


def test_a_checkpoint_of_another_metric_or_other_copies_is_refused(llama, tmp_path, monkeypatch):
    import seat_interp.core.ledger as module

    monkeypatch.setattr("seat_interp.attribution._accumulate.EVERY", 1)
    path = tmp_path / "part"

    save = module.save_tensors

    def cut_off(facts, **how):
        def saved(*args):
            save(*args)
            raise KeyboardInterrupt

        monkeypatch.setattr(module, "save_tensors", saved)
        with pytest.raises(KeyboardInterrupt):
            attribute(llama, facts, batch_size=1, checkpoint=path, **how)
        monkeypatch.setattr(module, "save_tensors", save)

    cut_off(FACTS, metric=AbstentionLogOdds(("I do not know",)))
    with pytest.raises(SeatError, match="other settings"):
        attribute(llama, FACTS, metric=AbstentionLogOdds(("Nobody",)), batch_size=1, checkpoint=path)
    path.unlink()
    copies = [replace(f, question=f.question.replace("?", "!")) for f in FACTS]
    cut_off(FACTS, counterfactual=copies)
    with pytest.raises(SeatError, match="other settings"):
        attribute(llama, FACTS, counterfactual=copies[::-1], batch_size=1, checkpoint=path)


def test_scores_say_whether_probes_went_into_them(llama, sets):
    direction = fit_direction(llama, unknown=sets.unknown, known=sets.known)
    seen = attribute(llama, FACTS, metric=DirectionProjection(direction))
    blind = attribute(llama, FACTS)
    assert (seen.origin["uses_evaluation_data"], blind.origin["uses_evaluation_data"]) == (True, False)
    assert average([blind, seen]).origin["uses_evaluation_data"] is True
    mask = select(llama, seen, 0.2)
    assert mask.origin["uses_evaluation_data"] is True
    assert layer_matched(llama, mask).origin["uses_evaluation_data"] is True


def test_the_model_is_left_as_it_was(llama):
    llama.model.train()
    llama.model.get_input_embeddings().weight.requires_grad_(True)
    before = {name: value.clone() for name, value in llama.model.state_dict().items()}
    attribute(llama, FACTS)
    assert llama.model.training
    assert llama.model.get_input_embeddings().weight.requires_grad
    assert all(torch.equal(before[name], value) for name, value in llama.model.state_dict().items())
    assert not any(module._forward_pre_hooks for module in llama.model.modules())
    llama.model.eval()
