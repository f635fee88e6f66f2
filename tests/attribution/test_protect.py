"""What must stay: harm as the Fisher information of the model's own replies."""

import pytest
import torch
from log_probabilities import log_probabilities

from seat_interp.attribution._metrics import ReplyLoss
from seat_interp.attribution._weights import harm
from seat_interp.core.errors import SeatError
from seat_interp.evaluation.generate import replies
from seat_interp.models.open import open_model
from seat_interp.models.prompts import encode_prompts
from seat_interp.organism.study import organism_facts


@pytest.fixture(scope="module")
def organism():
    return open_model("organism"), organism_facts("people")


@pytest.mark.parametrize("tokens", [4, 32])
def test_the_loss_of_a_reply_is_that_of_its_tokens_also_where_it_was_cut_off(organism, tokens):
    lm, sets = organism
    facts = sets.known[:5]
    prepared = ReplyLoss(max_new_tokens=tokens).prepare(lm, facts)
    with torch.no_grad():
        found = prepared.values(prepared.examples, range(5))
    said = replies(lm, [fact.question for fact in facts], max_new_tokens=tokens)
    expected = [-log_probabilities(lm, f.question, list(r.ids)).mean() for f, r in zip(facts, said)]
    torch.testing.assert_close(found, torch.stack(expected), rtol=1e-3, atol=1e-5)
    assert found.max() < 0.2  # it is sure of what it knows


def test_harm_is_the_fisher_information_of_replies(organism):
    lm, sets = organism
    facts, name = sets.known[:3], "model.layers.1.mlp.down_proj.weight"
    found = harm(lm, facts, granularity="coordinate", batch_size=2).values[name]
    copy = lm.copy()
    weight = copy.model.requires_grad_(True).get_parameter(name)
    expected = torch.zeros_like(weight)
    for fact, said in zip(facts, replies(lm, [fact.question for fact in facts])):
        prompt = encode_prompts(lm, [fact.question])[0]
        copy.model.zero_grad()
        logits = copy.model(torch.tensor([[*prompt, *said.ids]])).logits[0, len(prompt) - 1 : -1]
        torch.nn.functional.cross_entropy(logits, torch.tensor(said.ids)).backward()
        expected += weight.grad.square() / len(facts)
    torch.testing.assert_close(found, expected.detach(), rtol=1e-3, atol=1e-10)
    with pytest.raises(SeatError, match="no prompts whose replies must stay"):
        harm(lm, [])
