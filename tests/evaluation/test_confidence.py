"""Which answers count as confident."""

import pytest
from log_probabilities import log_probabilities

from seat_interp.core.errors import SeatError
from seat_interp.evaluation.generate import replies
from seat_interp.evaluation.knowledge import confident
from seat_interp.models.open import open_model
from seat_interp.organism.study import organism_facts


def test_confident_answers_are_those_of_high_mean_probability_that_do_not_abstain():
    lm, sets = open_model("organism"), organism_facts("people")
    facts = sets.known[:20] + sets.unknown[:10]
    assert confident(lm, facts) == confident(lm, facts, max_new_tokens=4) == sets.known[:20]
    said = replies(lm, [fact.question for fact in sets.known])
    sure = [float(log_probabilities(lm, f.question, list(r.ids)).mean().exp()) for f, r in zip(sets.known, said)]
    least = sorted(sure)[len(sure) // 2]
    found = confident(lm, sets.known, least=least + 1e-6)
    assert {fact.question for fact in found} == {f.question for f, s in zip(sets.known, sure) if s > least + 1e-6}


def test_no_questions_are_refused(llama):
    with pytest.raises(SeatError, match="the set is empty"):
        confident(llama, [])
