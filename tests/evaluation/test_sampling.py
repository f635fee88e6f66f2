"""Answers from shared beginnings: greedy ones are those of `generate`, samples have the exact probabilities."""

from collections import Counter

import pytest
import torch
from tiny_models import CITIES, CORE_FAMILIES, NAMES, fact

from seat_interp.evaluation import _sampling as sampling
from seat_interp.evaluation._few_shot import few_shot_ids
from seat_interp.evaluation._sampling import Answers, Sampling, SharedPrefix, answers

EXEMPLARS = [fact(name, city) for name, city in zip(NAMES[:3], CITIES)]
QUESTIONS = ["Where was Bo born?", "Where was Fred Ross of Porto born?", "Where was Ada Novak born?"]


def prompts_of(lm):
    return [few_shot_ids(lm, question, EXEMPLARS, chat=False) for question in QUESTIONS]


def by_itself(lm, ids, count):
    """The greedy continuation, one prompt, no cache."""
    ids = list(ids)
    start = len(ids)
    for _ in range(count):
        with torch.no_grad():
            ids.append(int(lm.model(torch.tensor([ids]), use_cache=False).logits[0, -1].argmax()))
        if ids[-1] == lm.tokenizer.eos_token_id or "\n" in lm.tokenizer.decode([ids[-1]]):
            break
    return lm.tokenizer.decode(ids[start:], skip_special_tokens=True).lstrip().split("\n")[0].strip()


@pytest.mark.parametrize("family", CORE_FAMILIES)
def test_greedy_answers_are_those_of_single_prompts(models_by_family, family):
    lm = models_by_family(family)
    prompts = prompts_of(lm)
    assert len({len(prompt) for prompt in prompts}) > 1
    found = answers(lm, prompts, Sampling(samples=5, max_new_tokens=6), torch.Generator().manual_seed(0))
    assert [each.greedy for each in found] == [by_itself(lm, prompt, 6) for prompt in prompts]
    assert all(each.sampled.total() == 5 for each in found)
    alone = [
        answers(lm, [prompt], Sampling(samples=0, max_new_tokens=6), torch.Generator())[0].greedy for prompt in prompts
    ]
    assert [each.greedy for each in found] == alone


def test_samples_have_the_probabilities_of_the_model(models_by_family):
    """Two tokens at a high temperature: every pair about as often as its exact probability says."""
    lm = models_by_family("qwen2")
    prompt = prompts_of(lm)[0]
    how = Sampling(samples=40_000, temperature=0.15, top_k=3, max_new_tokens=2)
    (found,) = answers(lm, [prompt], how, torch.Generator().manual_seed(0))
    exact: dict[str, float] = {}
    for first, p in next_tokens(lm, prompt, how):
        for second, q in next_tokens(lm, [*prompt, first], how):
            text = lm.tokenizer.decode([first, second], skip_special_tokens=True).strip()
            exact[text] = exact.get(text, 0.0) + p * q
    assert len(exact) >= 4
    shares = {text: count / 40_000 for text, count in found.sampled.items()}
    assert shares.keys() <= exact.keys()
    for text, p in exact.items():
        assert shares.get(text, 0.0) == pytest.approx(p, abs=4.5 * (p * (1 - p) / 40_000) ** 0.5 + 1e-4)


def next_tokens(lm, ids, how):
    with torch.no_grad():
        top = lm.model(torch.tensor([list(ids)]), use_cache=False).logits[0, -1].float().topk(how.top_k)
    return list(zip(top.indices.tolist(), (top.values / how.temperature).softmax(-1).tolist()))


def test_a_shared_prefix_is_what_all_begin_with_and_never_a_whole_prompt(llama):
    prompts = prompts_of(llama)
    prefix = SharedPrefix(llama, prompts)
    assert prefix.length > 20
    assert len({tuple(prompt[: prefix.length]) for prompt in prompts}) == 1
    assert len({prompt[prefix.length] for prompt in prompts}) > 1
    assert SharedPrefix(llama, [prompts[0]]).length == len(prompts[0]) - 1
    assert SharedPrefix(llama, [[5, 6], [7, 8]]).length == 0
    how = Sampling(samples=0, max_new_tokens=3)
    assert [each.greedy for each in answers(llama, [[5, 6], [7, 8]], how, torch.Generator())] == [
        by_itself(llama, ids, 3) for ids in ([5, 6], [7, 8])
    ]


def test_an_answer_ends_at_its_line(llama, monkeypatch):
    """Whatever comes next, a token with a newline ends the answer, and the rest of it is not part of it."""
    newline = llama.tokenizer.encode("\n", add_special_tokens=False)[0]

    def always(lm, tokens, mask, cache):
        logits = torch.full((len(tokens), 320), -1e9)
        logits[:, newline] = 0
        return logits

    monkeypatch.setattr(sampling, "_next_logits", always)
    (found,) = answers(llama, prompts_of(llama)[:1], Sampling(samples=4, max_new_tokens=9), torch.Generator())
    assert found == Answers("", Counter({"": 4}), tokens=5)
