"""Tokens, padding and positions."""

import copy
from dataclasses import replace

import pytest
import torch

from seat_interp.core.errors import SeatError
from seat_interp.evaluation.generate import generate
from seat_interp.models.prompts import (
    batches_by_length,
    encode_examples,
    encode_prompts,
    last_token_mask,
    pad,
    prompt_text,
)


def test_prompts_use_the_chat_template_or_plain_words(llama, models_by_family):
    assert prompt_text(llama, "Who?") == "<user>Who?<end><assistant>"
    asked = prompt_text(replace(llama, system="Be brief."), "Who?")
    assert asked == "<system>Be brief.<end><user>Who?<end><assistant>"
    bare = replace(llama, tokenizer=type(llama.tokenizer)(tokenizer_object=llama.tokenizer.backend_tokenizer))
    assert prompt_text(bare, "Who?") == "Question: Who?\nAnswer:"
    with pytest.raises(SeatError, match="empty"):
        encode_prompts(llama, [])
    with pytest.raises(SeatError, match="come in a list"):
        encode_prompts(llama, "Who?")


def test_examples_mark_reply_and_entity(llama):
    question = "Where was Ada Moran born?"
    (example,) = encode_examples(llama, [question], ["In Leeds."], [question.index(" born")])
    decode = llama.tokenizer.decode
    assert decode(example.ids[: example.start]) == prompt_text(llama, question)
    assert decode(example.ids[example.start :]) == "In Leeds.<end>"
    assert decode(example.ids[: example.marked + 1]).endswith("Moran")


def test_a_template_that_strips_still_marks_the_entity(llama, tokenizer):
    stripping = copy.deepcopy(tokenizer)
    stripping.chat_template = tokenizer.chat_template.replace("m['content']", "m['content'] | trim")
    question = " Where was Ada Moran born? "
    (example,) = encode_examples(
        replace(llama, tokenizer=stripping), [question], ["In Leeds."], [question.index(" born")]
    )
    assert tokenizer.decode(example.ids[: example.marked + 1]).endswith("Moran")


@pytest.mark.parametrize("left", [False, True])
def test_padding_moves_no_position(left):
    batch = pad([[5, 6, 7], [8]], 0, left=left)
    assert batch.position_ids[0].tolist() == [0, 1, 2]
    real = batch.attention_mask.bool()
    assert batch.position_ids[1][real[1]].tolist() == [0]
    assert batch.input_ids[1][real[1]].tolist() == [8]
    chosen = last_token_mask(batch.attention_mask)
    assert batch.input_ids[chosen].tolist() == [7, 8]
    assert batch.input_ids[last_token_mask(batch.attention_mask, -2)].tolist() == [6]


def test_batches_hold_every_index_once_longest_first():
    lengths = [3, 9, 1, 9, 4]
    groups = batches_by_length(lengths, 2)
    assert groups == [[1, 3], [4, 0], [2]]


def test_generation_gives_the_single_prompts_replies_in_order(models_by_family):
    for family in ("llama", "gpt2", "opt"):
        lm = models_by_family(family)
        questions = ["Where was Ada Moran born?", "Who?", "Where was Bela Ross of Turin born, in Cork?"]
        together = generate(lm, questions, max_new_tokens=6, batch_size=3)
        alone = []
        for ids in encode_prompts(lm, questions):
            tokens = list(ids)
            for _ in range(6):  # greedy by hand
                with torch.no_grad():
                    following = int(lm.model(torch.tensor([tokens])).logits[0, -1].argmax())
                if following == lm.tokenizer.eos_token_id:
                    break
                tokens.append(following)
            alone.append(lm.tokenizer.decode(tokens[len(ids) :], skip_special_tokens=True).strip())
        assert together == alone
