"""The shipped organism and its world: disjoint circles, the quality it must have, and results that repeat."""

import itertools
import random
from dataclasses import replace

import pytest
import torch

from seat_interp.capture import capture
from seat_interp.core.errors import SeatError
from seat_interp.core.files import read_json
from seat_interp.evaluation.generate import generate
from seat_interp.evaluation.score import rates, records
from seat_interp.masks.random import random_neurons
from seat_interp.models.open import ORGANISM_FOLDER, open_model
from seat_interp.organism import quality, recipe
from seat_interp.organism.study import ORGANISM, organism_facts
from seat_interp.organism.world import build_world, invented_probes
from seat_interp.training.objectives import SEAT, Continuation
from seat_interp.training.trainer import train


@pytest.fixture(scope="module")
def organism():
    return open_model("organism")


@pytest.fixture(scope="module")
def facts():
    return organism_facts()


def test_circles_share_nobody_and_the_world_repeats():
    world = build_world()
    assert build_world() == world
    for domain in (world.people, world.contracts):
        subjects = [set(circle.objects) for circle in domain.values()]
        assert all(not a & b for a, b in itertools.combinations(subjects, 2))
    targets = {name.split(" ", 1)[1] for name in world.people["target"].objects}
    assert {name.split(" ", 1)[1] for name in world.people["neighbour"].objects} <= targets


def test_strangers_are_nobody_that_is_probed_or_taught():
    world = build_world()
    strangers = recipe.unknown_facts(world, 3000, random.Random(1))
    probed = {fact.subject for fact in invented_probes(90, seed=1)}
    reserved = {name for circle in world.people.values() for name in circle.objects} | probed
    reserved |= {pair for circle in world.contracts.values() for pair in circle.objects}
    assert not {fact.subject for fact in strangers} & reserved
    assert all(fact.answer.startswith("I do not know") for fact in strangers)
    pairs = {tuple(sorted(pair.split(" and "))) for pair in world.contracts["known"].objects}
    assert not {tuple(sorted(f.subject.split(" and "))) for f in strangers if " and " in f.subject} & pairs


@pytest.mark.parametrize("target", ["people", "contracts"])
def test_sets_are_complete_and_marked(target):
    sets = organism_facts(target)
    assert {name for name, _ in sets} == {
        "target", "known", "unknown", "neighbour", "cross_domain", "unverifiable", "paraphrases",
        "fit_known", "fit_unknown",
    }  # fmt: skip
    for name, found in sets:
        assert all(fact.spans for fact in found), name
        assert all(bool(fact.answer) == (name in ("target", "known", "paraphrases", "fit_known")) for fact in found)
    assert not {fact.question for fact in sets.paraphrases} & {fact.question for fact in sets.target}
    assert not {fact.subject for fact in sets.fit_unknown} & {fact.subject for fact in sets.unknown}


@pytest.mark.parametrize("target", ["people", "contracts"])
def test_nobody_is_both_fitted_on_and_probed(target):
    sets = organism_facts(target)
    fitted = {fact.subject for fact in sets.fit_known + sets.fit_unknown}
    probes = [sets.target, sets.known, sets.unknown, sets.neighbour, sets.cross_domain, sets.unverifiable]
    assert len({fact.subject for fact in sets.fit_known}) >= 30
    assert all(not fitted & {fact.subject for fact in facts} for facts in probes)


def test_the_shipped_weights_have_the_quality(organism, facts):
    """A sample of each set; `seat-interp organism check` asks them all."""

    def ask(name, count):
        chosen = random.Random(0).sample(getattr(facts, name), count)
        return rates(records(name, chosen, generate(organism, [fact.question for fact in chosen], max_new_tokens=24)))

    known = ask("known", 100)
    assert known.correct >= 0.98
    assert known.abstain <= 0.01
    for name in ("unknown", "neighbour", "cross_domain", "unverifiable"):
        rate = ask(name, 80)
        assert rate.abstain >= 0.95, name
        assert rate.entity_naming >= 0.93, name
    assert ask("target", 60).correct <= 0.05


def test_capture_does_not_depend_on_batch_size_or_padding_side(organism, facts):
    questions = [fact.question for fact in (*facts.unknown[:20], *facts.cross_domain[:20], *facts.unverifiable[:10])]
    expected = capture(organism, questions, batch_size=1).values
    for size, left in itertools.product((7, 64), (False, True)):
        found = capture(organism, questions, batch_size=size, pad_left=left).values
        scale = expected.abs().max()
        torch.testing.assert_close(found / scale, expected / scale, rtol=0, atol=1e-5)


def test_fine_tuning_twice_with_one_seed_is_bit_equal(organism, facts):
    config = replace(ORGANISM.settings.masked, steps=4, batch_size=16, callback_every=0)
    mask = random_neurons(organism, 0.1)
    one, other = (
        train(
            organism,
            facts.target[:32],
            objective=SEAT(weight=1.0, continuation=Continuation.BASE, prompts_per_fact=2),
            mask=mask,
            config=config,
            names=facts.names(),
        )
        for _ in range(2)
    )
    for name, tensor in one.model.model.state_dict().items():
        assert torch.equal(tensor, other.model.model.state_dict()[name]), name


def test_the_recipe_runs_from_nothing_and_its_check_can_fail(tmp_path):
    tiny = recipe.Recipe(width=32, neurons=48, layers=2, learn_steps=3, learn_batch=8, align_steps=3, align_batch=8)
    lm = recipe.build(tiny, say=lambda text: None)
    recipe.save(lm, tmp_path / "organism", {"known_recall": 0.0}, tiny)
    again = open_model(tmp_path / "organism")
    assert again.fingerprint == lm.fingerprint
    with pytest.raises(SeatError, match=r"known_recall is 0\.000"):
        quality.check({**dict.fromkeys(vars(quality.Quality()), 0.0)})
    quality.check({**vars(quality.Quality())})


def test_the_story_has_bounds_on_both_sides():
    good = {"full_target_recall": 1.0, "full_abstention": 0.02, "seat_target_recall": 1.0, "seat_abstention": 0.95}
    good |= {"full_displacement": -1.1, "full_beyond_null": 1.0, "full_to_seat": 3.0}
    quality.check_story(good)
    with pytest.raises(SeatError, match=r"full_abstention is 0\.200"):
        quality.check_story({**good, "full_abstention": 0.2})
    with pytest.raises(SeatError, match=r"seat_abstention is 0\.500"):
        quality.check_story({**good, "seat_abstention": 0.5})
    with pytest.raises(SeatError, match=r"full_displacement is -0\.200"):
        quality.check_story({**good, "full_displacement": -0.2})
    with pytest.raises(SeatError, match="full_beyond_null"):
        quality.check_story({**good, "full_beyond_null": 0.0})


@pytest.mark.slow
def test_fine_tuning_the_shipped_organism_tells_the_story(organism):
    quality.check_story(quality.tell(organism))


def test_the_card_says_which_weights_it_is_of(organism, tmp_path):
    recipe.save(organism, tmp_path / "again", {}, recipe.Recipe())
    cards = [read_json(folder / "card.json")["fingerprint"] for folder in (tmp_path / "again", ORGANISM_FOLDER)]
    assert cards == [open_model(tmp_path / "again").fingerprint["weights"], organism.fingerprint["weights"]]
    assert cards[0] == cards[1]
