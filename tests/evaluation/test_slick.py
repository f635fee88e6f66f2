"""SLiCK: categories by the paper's rule, and the same as a direct, slow implementation on the organism."""

from collections import Counter
from dataclasses import replace

import pytest
import torch
from transformers import GenerationConfig

from seat_interp.core.errors import SeatError
from seat_interp.evaluation._few_shot import draw_exemplars, few_shot_ids
from seat_interp.evaluation._sampling import Answers
from seat_interp.evaluation.generate import end_tokens
from seat_interp.evaluation.score import Label, exact_match, label
from seat_interp.evaluation.slick import Category, SlickConfig, SlickResult, category, slick
from seat_interp.facts import Fact
from seat_interp.models.open import open_model
from seat_interp.organism.study import organism_facts

CONFIG = SlickConfig(prompts=2, exemplars=1, samples=4, max_new_tokens=20, chat=True, exact=False)


@pytest.mark.parametrize(
    ("greedy", "sampled", "name"),
    [(1.0, 0.2, "HighlyKnown"), (0.1, 0.0, "MaybeKnown"), (0.0, 0.01, "WeaklyKnown"), (0.0, 0.0, "Unknown")],
)
def test_categories(greedy, sampled, name):
    found = category(greedy, sampled)
    assert found.value == name
    assert found.known == (name != "Unknown")


def some_facts():
    sets = organism_facts("people")
    return [*sets.known[:6], *sets.target[:2]], sets.fit_known


def test_the_same_as_asking_one_by_one():
    lm, (facts, dev) = open_model("organism"), some_facts()
    found = list(slick(lm, facts=facts, dev=dev, config=CONFIG, batch_size=3, progress=False))
    assert {each.fact for each in found} == set(facts)
    drawn = draw_exemplars(facts, dev, prompts=2, exemplars=1, seed=0)
    greedy = GenerationConfig(max_new_tokens=20, do_sample=False, pad_token_id=0, eos_token_id=end_tokens(lm))
    for each in found:
        right = 0
        for exemplars in drawn[each.fact.relation]:
            ids = torch.tensor([few_shot_ids(lm, each.fact.question, exemplars, chat=True)])
            new = lm.model.generate(ids, attention_mask=torch.ones_like(ids), generation_config=greedy)[
                0, ids.shape[1] :
            ]
            text = lm.tokenizer.decode(new, skip_special_tokens=True).split("\n")[0]
            right += label(text, each.fact) is Label.CORRECT
        assert each.greedy == right / 2
        assert 0 <= each.sampled <= 1
    categories = {each.fact: each.category for each in found}
    assert any(categories[fact].known for fact in facts[:6])
    assert not any(categories[fact] is Category.HIGHLY_KNOWN for fact in facts[6:])


@pytest.mark.parametrize(
    ("greedy", "sampled", "found"),
    [
        (["Leeds", "Leeds"], [{"Leeds": 4}, {"Leeds": 1, "Turin": 3}], (1.0, 5 / 8, Category.HIGHLY_KNOWN)),
        (["Turin", "leeds."], [{"Turin": 4}, {"Turin": 4}], (0.5, 0.0, Category.MAYBE_KNOWN)),
        (["Turin", "In Leeds"], [{"Turin": 4}, {"The Leeds": 1, "In Leeds": 3}], (0.0, 1 / 8, Category.WEAKLY_KNOWN)),
        (["Turin", ""], [{"Turin": 4}, {"": 4}], (0.0, 0.0, Category.UNKNOWN)),
    ],
)
def test_shares_are_of_prompts_and_of_all_samples(llama, monkeypatch, greedy, sampled, found):
    """Given answers, by hand: two prompts, four samples each, exact match."""
    said = iter([Answers(one, Counter(many)) for one, many in zip(greedy, sampled)])
    monkeypatch.setattr("seat_interp.evaluation.slick.answers", lambda *args: [next(said)])
    facts = [Fact(f"Where was {name} born?", object="Leeds", subject=name, relation="birthplace") for name in "AB"]
    (one,) = slick(
        llama, facts=facts[:1], dev=facts[1:], config=SlickConfig(prompts=2, exemplars=1, samples=4), progress=False
    )
    assert (one.greedy, one.sampled, one.category) == found


def test_what_comes_out_is_the_same_after_a_cut_and_reads_back():
    lm, (facts, dev) = open_model("organism"), some_facts()
    whole = list(slick(lm, facts=facts, dev=dev, config=CONFIG, batch_size=4, progress=False))
    assert list(slick(lm, facts=facts, dev=dev, config=CONFIG, batch_size=4, progress=False)) == whole
    assert [SlickResult.from_json(each.to_json()) for each in whole] == whole
    # Cut off after the first relation: the rest comes out as before, and the first is not asked again.
    first = [each for each in whole if each.fact.relation == whole[0].fact.relation]
    rest = whole[len(first) :]
    assert any(0 < each.sampled < 1 for each in rest)
    done = {each.fact for each in first}
    assert list(slick(lm, facts=facts, dev=dev, config=CONFIG, done=done, batch_size=4, progress=False)) == rest
    other = list(slick(lm, facts=facts, dev=dev, config=replace(CONFIG, seed=1), batch_size=4, progress=False))
    assert [each.sampled for each in other] != [each.sampled for each in whole]


def test_exact_match_is_of_the_whole_answer():
    paris = Fact("What is the capital of France?", object="Paris", aliases=("City of Light",))
    assert exact_match("paris.", paris)
    assert exact_match("The City of Light", paris)
    assert not exact_match("It is Paris", paris)
    assert not exact_match("", paris)


def test_exemplars_are_of_the_relation_and_never_about_what_is_asked():
    facts = [Fact(f"Where was {name} born?", object="X", subject=name, relation="birthplace") for name in "ABCDE"]
    drawn = draw_exemplars(facts[:2], facts, prompts=4, exemplars=2)
    assert all({each.subject for each in prompt} < set("CDE") for prompt in drawn["birthplace"])
    assert len(drawn["birthplace"]) == 4
    with pytest.raises(SeatError, match="3 facts of the relation 'birthplace'"):
        draw_exemplars(facts[:2], facts, prompts=1, exemplars=4)


def test_bad_input_is_refused(llama):
    with pytest.raises(SeatError, match="the set is empty"):
        next(slick(llama, facts=[], dev=[]))
    with pytest.raises(SeatError, match="has no answer"):
        next(slick(llama, facts=[Fact("Who?")], dev=[]))
    with pytest.raises(SeatError, match="samples"):
        SlickConfig(samples=-1)
    bare = Fact("Where was Bo born?", object="Leeds", subject="Bo")
    with pytest.raises(SeatError, match="has no relation"):
        next(slick(llama, facts=[bare], dev=[bare]))
    some = [Fact(f"Where was {name} born?", object="Leeds", subject=name, relation="birthplace") for name in "ABCDE"]
    with pytest.raises(SeatError, match="Give fewer exemplars"):
        next(slick(llama, facts=some[:1], dev=some[1:], config=SlickConfig(max_new_tokens=5000)))
