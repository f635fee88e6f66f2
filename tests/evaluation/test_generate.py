"""Replies token by token: the end token that was given, and none where a reply was cut off."""

import torch

from seat_interp.evaluation.generate import generate, replies
from seat_interp.models.open import open_model
from seat_interp.models.prompts import encode_prompts
from seat_interp.organism.study import organism_facts


def test_a_reply_has_the_end_that_it_gave_and_a_cut_off_one_has_none():
    lm, questions = open_model("organism"), [fact.question for fact in organism_facts("people").known[:6]]
    whole = replies(lm, questions, max_new_tokens=32, batch_size=4)
    assert [reply.text for reply in whole] == generate(lm, questions)
    for question, reply in zip(questions, whole):
        ids = torch.tensor([encode_prompts(lm, [question])[0]])
        for token in reply.ids:  # one token at a time, without a cache
            with torch.no_grad():
                assert int(lm.model(ids).logits[0, -1].argmax()) == token
            ids = torch.cat([ids, torch.tensor([[token]])], dim=1)
        assert reply.ids[-1] == lm.tokenizer.eos_token_id
        assert lm.tokenizer.decode(reply.ids, skip_special_tokens=True).strip() == reply.text
    for short, reply in zip(replies(lm, questions, max_new_tokens=3), whole):
        assert short.ids == reply.ids[:3]
        assert lm.tokenizer.eos_token_id not in short.ids
