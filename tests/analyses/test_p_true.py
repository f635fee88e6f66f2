"""P(True): the share of the first choice, the same in a batch as alone."""

import pytest
import torch
from tiny_models import CITIES, NAMES, fact

from analyses.common.p_true import CHOICES, PROMPT, p_true
from seat_interp.core.errors import SeatError

FACTS = [fact(name, city) for name, city in zip((NAMES[0], "Bo", NAMES[5]), CITIES)]


@pytest.mark.parametrize("family", ["llama", "gpt2", "opt"])
def test_it_is_the_share_of_the_first_choice(models_by_family, family):
    lm = models_by_family(family)
    found = p_true(lm, FACTS, batch_size=2)
    for one, value in zip(FACTS, found.tolist()):
        chances = []
        for choice in CHOICES:
            start = lm.tokenizer.encode(PROMPT.format(question=one.question, answer=one.object))
            ids = start + lm.tokenizer.encode(choice, add_special_tokens=False)
            with torch.no_grad():
                logs = lm.model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
            chances.append(sum(float(logs[at - 1, ids[at]]) for at in range(len(start), len(ids))))
        share = torch.tensor(chances).softmax(0)[0]
        assert value == pytest.approx(float(share), abs=1e-5)
    assert found.unique().numel() == 3
    other = p_true(lm, FACTS, ["Leeds"] * 3)
    assert other[0] == pytest.approx(float(found[0]), abs=1e-6)
    assert other[1] != pytest.approx(float(found[1]), abs=1e-6)


def test_bad_input_is_refused(llama):
    with pytest.raises(SeatError, match="no answer"):
        p_true(llama, [fact("Bo")])
    with pytest.raises(SeatError, match="2 proposed answers for 3 facts"):
        p_true(llama, FACTS, ["a", "b"])
    with pytest.raises(SeatError, match="empty"):
        p_true(llama, [])
