"""Selection: budgets, floors and caps, and what each protect rule trades."""

from functools import partial

import pytest
import torch

from seat_interp.attribution import Scores
from seat_interp.core.errors import SeatError
from seat_interp.masks.select import Spread, difference, exclude, ratio, select
from seat_interp.models.axes import coordinate_axes


def neuron_scores(lm, seed=0, **origin):
    generator = torch.Generator().manual_seed(seed)
    values = {f"{mlp.down}.weight": torch.rand(mlp.neurons, generator=generator) for mlp in lm.sites.mlps}
    return Scores("neuron", values, {"model": lm.fingerprint, **origin})


def chosen(lm, mask):
    return {mlp.down: set(mask.indices[f"{mlp.down}.weight"].tolist()) for mlp in lm.sites.mlps}


def test_the_best_are_chosen_over_the_whole_model(llama):
    scores = neuron_scores(llama)
    mask = select(llama, scores, 0.1)
    cut = scores.flat().topk(round(0.1 * 144)).values.min()
    for mlp, found in zip(llama.sites.mlps, chosen(llama, mask).values()):
        values = scores.values[f"{mlp.down}.weight"]
        assert found == set((values >= cut).nonzero().flatten().tolist())
    assert select(llama, scores, 14) == mask
    assert mask.origin["scored"] == dict(scores.origin)
    assert mask.origin["uses_evaluation_data"] is False


def test_layers_share_alike_or_within_floor_and_cap(llama):
    scores = neuron_scores(llama)
    scores.values["model.layers.1.mlp.down_proj.weight"].mul_(10)
    assert [len(found) for found in chosen(llama, select(llama, scores, 15)).values()] == [0, 15, 0]
    alike = select(llama, scores, 15, spread=Spread(per_layer=True))
    assert [len(found) for found in chosen(llama, alike).values()] == [5, 5, 5]
    bounded = select(llama, scores, 15, spread=Spread(floor=0.05, cap=0.2))
    counts = [len(found) for found in chosen(llama, bounded).values()]
    assert sum(counts) == 15
    assert counts[1] == 10
    assert min(counts) >= 2


def test_single_weights(models_by_family):
    lm = models_by_family("gpt2")
    values = {name: torch.rand(extent.shape) for name, extent in coordinate_axes(lm).items()}
    mask = select(lm, Scores("coordinate", values, {"model": lm.fingerprint}), 0.02)
    total = sum(value.numel() for value in values.values())
    assert len(mask) == round(0.02 * total)
    inside = torch.cat([values[name].flatten()[where.long()] for name, where in mask.indices.items()])
    outside = torch.cat([values[name][~mask.dense(name)] for name in values])
    assert inside.min() >= outside.max()


def test_rules_trade_usefulness_for_harm(llama):
    useful, harm = neuron_scores(llama, 1), neuron_scores(llama, 2)
    harmful = harm.flat()

    def mean_harm(**settings):
        mask = select(llama, useful, 0.2, **settings)
        flat = torch.cat([mask.dense(f"{mlp.down}.weight")[0] for mlp in llama.sites.mlps])
        return float(harmful[flat].mean()), float(useful.flat()[flat].mean())

    free = mean_harm()
    for rule in (ratio, difference, exclude):
        harmless = mean_harm(protect=harm, rule=rule)
        assert harmless[0] < free[0] - 0.02
        assert 0.5 < harmless[1] < free[1]


def test_excluded_neurons_are_never_chosen(llama):
    useful, harm = neuron_scores(llama, 1), neuron_scores(llama, 2, uses_evaluation_data=True)
    mask = select(llama, useful, 0.3, protect=harm, rule=lambda u, h: exclude(u, h, top=0.5))
    cut = harm.flat().median()
    for mlp, found in zip(llama.sites.mlps, chosen(llama, mask).values()):
        assert all(harm.values[f"{mlp.down}.weight"][n] <= cut for n in found)
    assert mask.origin["uses_evaluation_data"] is True


def test_files_keep_how_it_was_selected(llama, tmp_path):
    from seat_interp.masks.mask import Mask

    mask = select(llama, neuron_scores(llama), 0.1, origin={"seed": 3})
    again = Mask.load(mask.save(tmp_path / "mask.safetensors"))
    assert again == mask
    assert again.origin["seed"] == 3
    assert again.origin["asked_budget"] == 0.1


@pytest.mark.parametrize("budget", [0.0, 0, 1.5, -1, 145])
def test_budgets_that_cannot_be(llama, budget):
    with pytest.raises(SeatError, match="budget"):
        select(llama, neuron_scores(llama), budget)


def test_other_bad_input(llama, models_by_family):
    scores = neuron_scores(llama)
    with pytest.raises(SeatError, match=r"floor of 0.0, a cap of 0.2 .* from 0 to 30 can"):
        select(llama, scores, 0.5, spread=Spread(cap=0.2))
    with pytest.raises(SeatError, match="neither a floor nor a cap"):
        Spread(per_layer=True, cap=0.5)
    with pytest.raises(SeatError, match="floor"):
        Spread(floor=0.5, cap=0.2)
    with pytest.raises(SeatError, match="exclude"):
        exclude(scores, scores, top=1.0)
    with pytest.raises(SeatError, match="scores"):
        select(models_by_family("opt"), scores, 0.1)
    weights = Scores("coordinate", {n: torch.rand(e.shape) for n, e in coordinate_axes(llama).items()})
    with pytest.raises(SeatError, match="traded off"):
        select(llama, scores, 0.1, protect=weights)
    two_of_three = Scores("neuron", {"model.layers.7.mlp.down_proj.weight": torch.rand(48)})
    with pytest.raises(SeatError, match=r"layers\.7.* no such tensor"):
        select(llama, two_of_three, 0.1)


def test_scores_of_one_layer_choose_in_that_layer_whatever_their_order(llama):
    scores = neuron_scores(llama)
    last = "model.layers.2.mlp.down_proj.weight"
    mask = select(llama, Scores("neuron", {last: scores.values[last]}, scores.origin), 0.25)
    assert [len(found) for found in chosen(llama, mask).values()] == [0, 0, 12]
    backwards = Scores("neuron", dict(reversed(scores.values.items())), scores.origin)
    assert select(llama, backwards, 0.1) == select(llama, scores, 0.1)
    weights = {name: torch.rand(extent.shape) for name, extent in coordinate_axes(llama).items()}
    one = next(iter(weights))
    few = select(llama, Scores("coordinate", {one: weights[one]}), 10)
    assert {name: len(where) for name, where in few.indices.items()} == dict.fromkeys(weights, 0) | {one: 10}


def test_what_is_excluded_stays_out_or_the_budget_is_refused(llama):
    useful, harm = neuron_scores(llama, 1), neuron_scores(llama, 2)
    most = {"protect": harm, "rule": partial(exclude, top=0.6)}
    free = int((~torch.isinf(torch.cat(list(exclude(useful, harm, top=0.6).values())))).sum())
    assert len(select(llama, useful, free, **most)) == free * 3 * 32
    with pytest.raises(SeatError, match=rf"from 0 to {free} can"):
        select(llama, useful, 0.5, **most)
    harm.values["model.layers.0.mlp.down_proj.weight"].add_(9)
    with pytest.raises(SeatError, match=r"layers\.0.* has room for 0"):
        select(llama, useful, 0.1, spread=Spread(per_layer=True), protect=harm, rule=partial(exclude, top=0.4))


@pytest.mark.parametrize("count", [1, 2, 10, 143])
def test_the_same_share_in_every_layer_adds_up_to_the_count(llama, count):
    mask = select(llama, neuron_scores(llama), count, spread=Spread(per_layer=True))
    counts = [len(found) for found in chosen(llama, mask).values()]
    assert sum(counts) == count
    assert max(counts) - min(counts) <= 1


def test_of_what_is_of_no_use_the_less_harmful_comes_first(llama):
    name = "model.layers.0.mlp.down_proj.weight"
    useful, harm = neuron_scores(llama), neuron_scores(llama)
    useful.values[name][:3], harm.values[name][:3] = torch.tensor([2.0, -1.0, -1.0]), torch.tensor([1.0, 0.1, 5.0])
    first, second, third = ratio(useful, harm)[name][:3].tolist()
    assert first > second > third
