"""Overlap, stability and whereabouts of masks against sets of weights counted one by one."""

from functools import partial

import numpy as np
import pytest
import torch
from tiny_models import CORE_FAMILIES, NAMES, fact

from seat_interp.attribution import attribute, weight_magnitude
from seat_interp.core.errors import SeatError
from seat_interp.masks.compare import jaccard_matrix, overlap, stability, where
from seat_interp.masks.random import layer_matched, random_coordinates, random_neurons
from seat_interp.masks.select import exclude, inverted, ratio, select

FACTS = [fact(name, city) for name, city in zip(NAMES, ("Leeds", "Turin", "Porto") * 6)]


def weights(mask):
    return {(name, i) for name in mask.indices for i in mask.dense(name).flatten().nonzero().flatten().tolist()}


@pytest.mark.parametrize("draw", [random_neurons, random_coordinates])
def test_overlap_is_that_of_the_sets(llama, draw):
    one, other = draw(llama, 0.3, 1), draw(llama, 0.2, 2)
    left, right = weights(one), weights(other)
    found = overlap(one, other)
    assert (found.shared, found.first, found.second) == (len(left & right), len(left - right), len(right - left))
    assert found.jaccard == pytest.approx(len(left & right) / len(left | right))
    assert overlap(one, one).jaccard == 1
    assert np.allclose(jaccard_matrix({"a": one, "b": other}), [[1, found.jaccard], [found.jaccard, 1]])


def test_chance_is_what_random_masks_have(llama):
    found = [overlap(random_coordinates(llama, 0.3, s), random_coordinates(llama, 0.1, s + 50)) for s in range(20)]
    assert np.mean([each.jaccard for each in found]) == pytest.approx(found[0].chance, rel=0.02)


def test_masks_of_one_set_of_facts_are_stable_and_of_random_ones_not(llama):
    scored = stability(lambda facts: select(llama, attribute(llama, facts, absolute=True), 0.2), FACTS, splits=3)
    seeds = iter(range(100))
    drawn = stability(lambda facts: random_neurons(llama, 0.2, next(seeds)), FACTS, splits=10)
    assert min(scored.jaccard) > 2 * scored.chance
    assert np.mean(drawn.jaccard) == pytest.approx(drawn.chance, abs=0.05)
    with pytest.raises(SeatError, match="belong together"):
        stability(lambda facts: random_neurons(llama, 0.2), FACTS[:1])


@pytest.mark.parametrize("family", CORE_FAMILIES)
@pytest.mark.parametrize("draw", [random_neurons, random_coordinates])
def test_where_counts_every_weight_once(models_by_family, family, draw):
    mask = draw(models_by_family(family), 0.3)
    places = where(mask)
    assert sum(place.chosen for place in places) == len(mask)
    assert [place.layer for place in places] == sorted(place.layer for place in places)
    assert {place.layer for place in places} == {0, 1, 2}
    for place in places:
        assert place.share == pytest.approx(float(mask.dense(place.name).float().mean()))
        assert place.name.endswith(f"{place.matrix}.weight")


@pytest.mark.parametrize("family", CORE_FAMILIES)
def test_a_layer_matched_mask_has_the_counts_and_not_the_choice(models_by_family, family):
    lm = models_by_family(family)
    scores = weight_magnitude(lm)
    for mask in (select(lm, scores, 0.2), select(lm, scores.per_neuron(lm), 0.2)):
        matched = layer_matched(lm, mask, seed=3)
        assert [place.chosen for place in where(matched)] == [place.chosen for place in where(mask)]
        assert overlap(matched, mask).jaccard < 0.5
        assert matched == layer_matched(lm, mask, seed=3)
        assert matched != layer_matched(lm, mask, seed=4)


def test_an_inverted_rule_chooses_what_the_rule_chooses_last(llama):
    useful, harm = weight_magnitude(llama), weight_magnitude(llama).map(lambda value: value.roll(1, 0))
    for rule in (ratio, exclude, None):
        best = select(llama, useful, 0.3, protect=harm if rule else None, rule=rule or ratio)
        worst = select(llama, useful, 0.3, protect=harm, rule=inverted(rule))
        assert len(best) == len(worst)
        assert overlap(best, worst).shared == 0
    assert worst.origin["rule"] == "inverted_usefulness"
    # Of what a rule never chooses the most harmful is taken first, wherever it lies.
    worst = select(llama, useful, 0.1, protect=harm, rule=inverted(partial(exclude, top=0.6)))
    assert worst.origin["rule"] == "inverted_exclude(top=0.6)"
    taken = torch.cat([harm.values[name][worst.dense(name)] for name in worst.indices])
    assert taken.min() >= harm.flat().sort().values[-len(worst)]
    worst = select(llama, useful, 0.3, protect=harm, rule=inverted())
    smallest = torch.cat([value.flatten() for value in useful.values.values()]).sort().values
    chosen = torch.cat([useful.values[name][worst.dense(name)] for name in worst.indices])
    assert chosen.max() <= smallest[len(worst)]
