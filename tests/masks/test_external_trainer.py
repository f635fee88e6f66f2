"""What Hugging Face's Trainer does to an attached mask, against one step made by hand."""

import pytest
import torch
from tiny_models import CITIES, NAMES, fact
from torch.nn import functional as F
from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments

from seat_interp.masks.attach import attach
from seat_interp.masks.random import random_coordinates, random_neurons
from seat_interp.models.prompts import encode_examples

FACTS = [fact(name, city) for name, city in zip(NAMES[:8], CITIES * 2)]


@pytest.mark.parametrize("draw", [random_neurons, random_coordinates])
def test_accumulated_and_clipped_as_by_hand(llama, draw, tmp_path):
    examples = encode_examples(llama, [f.question for f in FACTS], [f.answer for f in FACTS])
    assert len(FACTS) == 8
    rows = [{"input_ids": [*e.ids], "labels": [-100] * e.start + [*e.ids[e.start :]]} for e in examples]
    mask, rate, clip = draw(llama, 0.2), 0.5, 0.3

    theirs = llama.copy()
    attached = attach(theirs.model, mask)
    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        max_steps=1,
        per_device_train_batch_size=2,
        gradient_accumulation_steps=4,
        max_grad_norm=clip,
        optim="sgd",
        learning_rate=rate,
        lr_scheduler_type="constant",
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
    )
    collator = DataCollatorForSeq2Seq(llama.tokenizer, label_pad_token_id=-100)
    Trainer(model=theirs.model, args=arguments, train_dataset=rows, data_collator=collator).train()

    ours = llama.copy()
    by_hand = attach(ours.model, mask)
    losses = []
    for e in examples:
        logits = ours.model(torch.tensor([e.ids])).logits[0, e.start - 1 : -1]
        losses.append(F.cross_entropy(logits, torch.tensor(e.ids[e.start :]), reduction="none"))
    torch.cat(losses).mean().backward()  # the Trainer's mean is over all tokens of a step
    parameters = list(by_hand.parameters.values())
    norm = torch.cat([p.grad.flatten() for p in parameters]).norm()
    assert norm > 2 * clip  # so that clipping does something
    with torch.no_grad():
        for p in parameters:
            p -= rate * p.grad * clip / norm
    for name, found in attached.parameters.items():
        torch.testing.assert_close(found, by_hand.parameters[name], rtol=1e-3, atol=1e-6)
