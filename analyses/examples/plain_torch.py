"""A mask in plain PyTorch: attach it, give its parameters to any optimiser, fold.

    python -m analyses.examples.plain_torch

Teaches the organism 24 facts by 10 % of its neurons, and checks that nothing else has moved.
"""

import torch

import seat_interp as si
from seat_interp.masks.attach import attach
from seat_interp.masks.random import random_neurons
from seat_interp.models.prompts import encode_examples, pad
from seat_interp.organism.study import organism_facts


def main(steps: int = 20) -> dict[str, float]:
    """Train, and say how the loss fell."""
    base = si.open_model("organism")
    facts = organism_facts("people").target[:24]
    mask = random_neurons(base, budget=0.1)  # or Mask.load("mask.safetensors")

    lm = base.copy()
    attached = attach(lm.model, mask)
    optimiser = torch.optim.AdamW(attached.parameters.values(), lr=5e-3)

    examples = encode_examples(lm, [f.question for f in facts], [f.answer for f in facts])
    batch = pad([e.ids for e in examples], lm.tokenizer.pad_token_id)
    labels = batch.input_ids.masked_fill(batch.attention_mask == 0, -100)
    for row, example in enumerate(examples):
        labels[row, : example.start] = -100
    losses = []
    for _ in range(steps):
        loss = lm.model(**batch.inputs(), labels=labels).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())

    update = attached.merge()  # the model is a plain one again; the update can be saved, see peft_adapters.py
    for name, before in base.model.state_dict().items():
        after = lm.model.state_dict()[name]
        free = mask.dense(name) if name in mask.indices else torch.zeros_like(before, dtype=torch.bool)
        assert torch.equal(before[~free], after[~free]), name
    trained = sum(value.numel() for value in update.values.values())
    print(f"loss {losses[0]:.2f} -> {losses[-1]:.2f}; {trained:,} weights trained, all others bit-identical")
    return {"first": losses[0], "last": losses[-1]}


if __name__ == "__main__":
    main()
