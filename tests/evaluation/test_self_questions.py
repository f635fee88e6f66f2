"""Questions that a model asks itself: from its own distribution, in its own template, never about a name to avoid."""

import pytest
import torch

from seat_interp.core.errors import SeatError
from seat_interp.evaluation.self_questions import self_questions
from seat_interp.models.prompts import prompt_text


@pytest.fixture
def said(llama, monkeypatch):
    """What the model goes on with is scripted; what it was given is kept."""
    given, script = [], []

    def sample(input_ids, attention_mask, generation_config):
        given.extend(llama.tokenizer.batch_decode([ids[m.bool()] for ids, m in zip(input_ids, attention_mask)]))
        texts = [script[i % len(script)] for i in range(len(input_ids))]
        rows = llama.tokenizer(texts, add_special_tokens=False)["input_ids"]
        longest = max(map(len, rows))
        rows = torch.tensor([row + [llama.tokenizer.pad_token_id] * (longest - len(row)) for row in rows])
        return torch.cat([input_ids, rows], dim=1)

    monkeypatch.setattr(llama.model, "generate", sample)
    return given, script


def test_questions_are_cut_at_the_mark_distinct_and_avoid_names(llama, said):
    given, script = said
    script += [
        " was Ada Moran? She",
        " is the dog? It is",
        " is the dog? No",
        " never ends",
        " was\nit?",
        " was Moran?",
    ]
    found = self_questions(llama, 2, avoid=["Ada Moran"], openers=["Who"], batch_size=6)
    assert found == ["Who is the dog?", "Who was Moran?"]
    before = prompt_text(llama, "@").split("@")[0]
    assert given[0].replace(" ", "") == f"{before}Who".replace(" ", "")


def test_a_model_that_asks_nothing_is_said_so(llama, said):
    _, script = said
    script.append(" never ends")
    with pytest.raises(SeatError, match="asked 0 different questions where 5"):
        self_questions(llama, 5, batch_size=8)


def test_the_seed_decides_and_nobody_elses_random_numbers_change(llama):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    one, same, other = (self_questions(llama, 4, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.rand(2), expected)
    assert one == same != other
    assert all(question.endswith("?") for question in one)
