"""Losses against closed forms computed from one unpadded sequence at a time."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from seat_interp.core.errors import SeatError
from seat_interp.evaluation.generate import generate
from seat_interp.facts import Fact, Names
from seat_interp.models.prompts import encode_examples, encode_prompts
from seat_interp.training.align import REFUSALS, align_abstention
from seat_interp.training.config import TrainConfig
from seat_interp.training.objectives import (
    Continuation,
    Cover,
    CrossEntropy,
    Draw,
    EntityPerturbedKL,
    SelfDistillation,
    SelfGeneratedDistillation,
)
from seat_interp.training.trainer import TrainedModel


def draws(*facts, epoch=0):
    return [Draw(fact, epoch) for fact in facts]


def moved(lm):
    other = lm.copy()
    with torch.no_grad():
        for index, parameter in enumerate(other.model.parameters()):
            parameter += 0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(index))
    return other


@pytest.mark.parametrize("family", ["llama", "gpt2", "opt", "gemma2"])
def test_cross_entropy_is_the_mean_over_facts_of_the_answers(models_by_family, sets, family):
    lm = models_by_family(family)
    loss = CrossEntropy().prepare(lm, sets.target, Names(), 0)(lm, draws(0, 2))
    expected = []
    for fact in (sets.target[0], sets.target[2]):
        prompt = encode_prompts(lm, [fact.question])[0]
        reply = [*lm.tokenizer(fact.answer, add_special_tokens=False)["input_ids"], lm.tokenizer.eos_token_id]
        logits = lm.model(torch.tensor([prompt + reply])).logits[0, len(prompt) - 1 : -1]
        expected.append(F.cross_entropy(logits, torch.tensor(reply)))
    torch.testing.assert_close(loss, torch.stack(expected).mean(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_self_distillation_is_the_kl_to_the_teacher_on_the_answers(llama, sets, temperature):
    tuned = moved(llama)
    term = SelfDistillation(temperature=temperature)
    loss = term.prepare(llama, sets.target, Names(), 0)(tuned, draws(0, 2))
    expected = []
    for fact in (sets.target[0], sets.target[2]):
        prompt = encode_prompts(llama, [fact.question])[0]
        reply = [*llama.tokenizer(fact.answer, add_special_tokens=False)["input_ids"], llama.tokenizer.eos_token_id]
        where = slice(len(prompt) - 1, -1)
        teacher, student = (
            (lm.model(torch.tensor([prompt + reply])).logits[0, where] / temperature).softmax(-1)
            for lm in (llama, tuned)
        )
        expected.append((teacher * (teacher / student).log()).sum(-1).mean())
    torch.testing.assert_close(loss, torch.stack(expected).mean(), rtol=1e-2, atol=1e-4)
    assert float(term.prepare(llama, sets.target, Names(), 0)(llama, draws(0, 1, 2))) == pytest.approx(0, abs=1e-4)
    with pytest.raises(SeatError, match="no answer to distil on"):
        term.prepare(llama, sets.unknown, Names(), 0)
    with pytest.raises(SeatError, match="temperature"):
        SelfDistillation(temperature=0.0)


@pytest.mark.parametrize("cover", list(Cover))
@pytest.mark.parametrize("continuation", list(Continuation))
@pytest.mark.parametrize("reverse", [False, True])
def test_kl_matches_the_definition_on_the_copy_that_was_made(llama, sets, cover, continuation, reverse, monkeypatch):
    import seat_interp.training.objectives.entity_perturbed as module

    made = []
    monkeypatch.setattr(module, "perturb", lambda fact, names: made.append(perturb(fact, names)) or made[-1])
    from seat_interp.facts import perturb

    tuned = moved(llama)
    term = EntityPerturbedKL(
        prompts_per_fact=1, reverse=reverse, continuation=continuation, cover=cover, max_new_tokens=5
    )
    found = term.prepare(llama, sets.target, Names(), 0)(tuned, draws(1))
    copy = made[1]  # the chunk is made whole
    assert copy.entities[0] not in sets.target[1].question
    assert copy.question == sets.target[1].question.replace(sets.target[1].subject, copy.subject)
    base_reply = generate(llama, [copy.question], max_new_tokens=5)[0]
    reply = base_reply if continuation is Continuation.BASE else copy.answer
    (example,) = encode_examples(llama, [copy.question], [reply])
    ids = torch.tensor([example.ids])
    before, after = (lm.model(ids).logits[0].double().log_softmax(-1) for lm in (llama, tuned))
    first = example.start - 1
    if cover is Cover.FROM_ENTITY:  # from the prediction made at the name's last token on
        text = llama.tokenizer.decode(example.ids[: example.start])
        upto = text[: text.index(copy.subject) + len(copy.subject)]
        first = len(llama.tokenizer(upto, add_special_tokens=False)["input_ids"]) - 1
    p, q = (after, before) if reverse else (before, after)
    expected = (p.exp() * (p - q)).sum(-1)[first:-1].mean()
    torch.testing.assert_close(found.double(), expected, rtol=5e-3, atol=1e-4)


def test_kl_is_zero_for_the_base_itself_and_grows_away_from_it(llama, sets):
    loss = EntityPerturbedKL(continuation=Continuation.BASE, prompts_per_fact=2, max_new_tokens=4).prepare(
        llama, sets.target, Names(), 0
    )
    assert loss(llama, draws(0, 1, 2)).item() == pytest.approx(0, abs=1e-4)
    assert loss(moved(llama), draws(0, 1, 2)).item() > 0.01


def test_fixed_copies_ask_the_base_once_and_fresh_ones_each_time(llama, sets, monkeypatch):
    asked = []
    original = EntityPerturbedKL._ask
    monkeypatch.setattr(
        EntityPerturbedKL,
        "_ask",
        lambda self, base, facts: asked.append(len(facts)) or original(self, base, facts),
    )
    term = EntityPerturbedKL(continuation=Continuation.BASE, prompts_per_fact=2, max_new_tokens=4)
    fixed = term.prepare(llama, sets.target, Names(), 0)
    losses = [fixed(moved(llama), draws(0, 1, epoch=epoch)).item() for epoch in range(6)]
    assert asked == [3, 3]  # the whole chunk of facts, once for each copy
    assert losses[0] == losses[2] == losses[4] != losses[1]
    asked.clear()
    fresh = replace(term, prompts_per_fact=0).prepare(llama, sets.target, Names(), 0)
    losses = [fresh(moved(llama), draws(0, 1, epoch=epoch)).item() for epoch in range(4)]
    assert asked == [2, 2, 2, 2]
    assert len(set(losses)) == 4


def test_copies_do_not_depend_on_what_was_made_before(llama, sets):
    """What a resumed run needs: the copy of epoch 1 is the same whether epoch 0 was seen or not."""
    term = EntityPerturbedKL(continuation=Continuation.BASE, prompts_per_fact=2, max_new_tokens=4)
    one, other = (term.prepare(llama, sets.target, Names(), 0) for _ in range(2))
    one(moved(llama), draws(0, 1, 2))
    assert one(moved(llama), draws(2, epoch=1)).item() == other(moved(llama), draws(2, epoch=1)).item()


def test_copies_avoid_the_names_they_are_told_to(llama, sets):
    """With a pool of two first names and one to avoid, every copy gets the only one left."""
    pools = {"person": (("Zoe", "Yan"), ("Best",))}
    names = Names(frozenset({"Zoe Best"}), pools)
    asked = []
    term = EntityPerturbedKL(continuation=Continuation.BASE, prompts_per_fact=3, max_new_tokens=3)
    original = EntityPerturbedKL._ask
    try:
        EntityPerturbedKL._ask = lambda self, base, facts: asked.extend(facts) or original(self, base, facts)
        loss = term.prepare(llama, sets.target, names, 0)
        for epoch in range(3):
            loss(llama, draws(0, 1, 2, epoch=epoch))
    finally:
        EntityPerturbedKL._ask = original
    assert {fact.subject for fact in asked} == {"Yan Best"}


def test_a_fact_without_an_entity_is_refused(llama):
    with pytest.raises(SeatError, match="no entity span"):
        EntityPerturbedKL().prepare(llama, [Fact("Who was it?", "Ada.")], Names(), 0)


def test_alignment_mixes_refusals_with_what_is_known(llama, sets, monkeypatch):
    import seat_interp.training.align as module

    seen = {}

    def train(base, facts, **settings):
        seen["facts"] = facts
        return TrainedModel(base)

    monkeypatch.setattr(module, "train", train)
    align_abstention(llama, unknown=sets.unknown, known=sets.known, config=TrainConfig(steps=10, batch_size=4))
    refused = [fact for fact in seen["facts"] if fact.subject not in {known.subject for known in sets.known}]
    assert len(seen["facts"]) == 40
    assert len(refused) == 20
    assert {fact.answer for fact in refused} <= {r.format(s=f.subject) for r in REFUSALS for f in sets.unknown}
    with pytest.raises(SeatError, match="both kinds"):
        align_abstention(llama, unknown=[], known=sets.known)


def test_of_several_entities_a_random_part_is_replaced(llama, monkeypatch):
    """A taught party beside a stranger must occur among the copies, and so must two strangers."""
    from seat_interp.facts import spans_of

    question = "What is the contract between Ada Moran and Bela Ross about, and did Moran sign?"
    spans = spans_of(question, [("Ada Moran", "person"), ("Bela Ross", "person"), ("Moran", "person")])
    contract = Fact(question, "Wool.", subject="Ada Moran", object="Wool", spans=spans)
    asked = []
    original = EntityPerturbedKL._ask
    monkeypatch.setattr(
        EntityPerturbedKL, "_ask", lambda self, base, facts: asked.extend(facts) or original(self, base, facts)
    )
    for partial in (True, False):
        asked.clear()
        term = EntityPerturbedKL(prompts_per_fact=12, continuation=Continuation.GOLD, partial=partial)
        loss = term.prepare(llama, [contract], Names(), 0)
        for epoch in range(12):
            loss(llama, draws(0, epoch=epoch))
        left = {("Ada Moran" in copy.question, "Bela Ross" in copy.question) for copy in asked}
        assert "Moran" not in {word for copy in asked for word in copy.question.split() if "Ada" not in copy.question}
        assert left == ({(True, False), (False, True), (False, False)} if partial else {(False, False)})


def test_own_answers_match_the_definition(llama, sets):
    """KL(base || tuned) on the base's greedy reply, question by question in turn, one unpadded sequence at a time."""
    questions = ("Where was Ada born?", "What does the long contract of wool say about it?", "Who?")
    term = SelfGeneratedDistillation(questions=questions, facts_per_item=2, max_new_tokens=5)
    tuned = moved(llama)
    loss = term.prepare(llama, sets.target, Names(), 0)
    count = len(sets.target)
    found = loss(tuned, [Draw(0, 0), Draw(2, 0), Draw(1, 1), Draw(0, 1)])  # every second one
    expected = []
    for place in (0, (count + 1) % 3):
        reply = generate(llama, [questions[place]], max_new_tokens=5)[0]
        (example,) = encode_examples(llama, [questions[place]], [reply])
        ids = torch.tensor([example.ids])
        before, after = (lm.model(ids).logits[0].double().log_softmax(-1) for lm in (llama, tuned))
        expected.append((before.exp() * (before - after)).sum(-1)[example.start - 1 : -1].mean())
    torch.testing.assert_close(found.double(), torch.stack(expected).mean(), rtol=5e-3, atol=1e-4)
    assert loss(llama, draws(0, 1)).item() == pytest.approx(0, abs=1e-4)


def test_own_answers_ask_themselves_but_never_about_a_name_to_avoid(llama, sets, monkeypatch):
    import seat_interp.training.objectives.self_distillation as module

    seen = {}

    def ask(base, count, *, avoid, seed):
        seen.update(count=count, avoid=avoid, seed=seed)
        return ["Who is it?"] * count

    monkeypatch.setattr(module, "self_questions", ask)
    term = SelfGeneratedDistillation(count=3, max_new_tokens=3)
    assert term.prepare(llama, sets.target, Names(frozenset({"Zoe Best"})), 7)(moved(llama), draws(0, 2)).item() > 0
    assert (seen["count"], seen["seed"]) == (3, 7)
    assert {"Zoe Best", *sets.target[0].entities} <= seen["avoid"]
    with pytest.raises(SeatError, match="at least 1"):
        SelfGeneratedDistillation(count=0)


def test_the_object_can_be_exchanged_in_place_of_the_subject(llama, sets, monkeypatch):
    asked = []
    original = EntityPerturbedKL._ask
    monkeypatch.setattr(
        EntityPerturbedKL, "_ask", lambda self, base, facts: asked.extend(facts) or original(self, base, facts)
    )
    term = EntityPerturbedKL(prompts_per_fact=4, perturbed=False, continuation=Continuation.OTHER)
    loss = term.prepare(llama, sets.target, Names(), 0)
    for epoch in range(4):
        loss(llama, draws(0, 1, 2, epoch=epoch))
    objects = {fact.object for fact in sets.target}
    for copy in asked:
        (own,) = [fact for fact in sets.target if fact.question == copy.question]  # no name has changed
        assert own.object not in copy.answer
        assert any(other in copy.answer for other in objects - {own.object})
    with pytest.raises(SeatError, match="another one"):
        term.prepare(llama, sets.target[:1], Names(), 0)
