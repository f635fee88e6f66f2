"""A mask under Hugging Face's Trainer, without a subclass: its optimiser, clipping, accumulation and checkpoints.

    python -m analyses.examples.hf_trainer

The attached parameters are the model's only trainable ones, so the Trainer finds, clips and saves just them.
Interrupted after half of the steps and resumed from the checkpoint, it ends at the same weights.
"""

import tempfile
from pathlib import Path

import torch
from transformers import DataCollatorForSeq2Seq, PreTrainedModel, Trainer, TrainingArguments

import seat_interp as si
from seat_interp.masks.attach import attach
from seat_interp.masks.mask import Mask
from seat_interp.masks.random import random_coordinates, random_neurons
from seat_interp.models.open import LanguageModel
from seat_interp.models.prompts import encode_examples
from seat_interp.organism.study import organism_facts


def rows(lm: LanguageModel, count: int = 16) -> list[dict[str, list[int]]]:
    """Facts as the Trainer takes them; questions are not supervised."""
    facts = organism_facts("people").target[:count]
    examples = encode_examples(lm, [f.question for f in facts], [f.answer for f in facts])
    return [{"input_ids": [*e.ids], "labels": [-100] * e.start + [*e.ids[e.start :]]} for e in examples]


def tune(
    base: LanguageModel, mask: Mask, folder: Path, bf16: bool, resume: bool = False, stop: int = 0
) -> tuple[PreTrainedModel, list[dict[str, float]]]:
    """Eight steps of 2 x 4 facts; `stop` ends early, as a crash would, after that step's checkpoint."""
    lm = base.copy()
    attached = attach(lm.model, mask)
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=stop or 8,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=2,
        max_grad_norm=1.0,
        weight_decay=0.01,
        learning_rate=5e-3,
        lr_scheduler_type="constant",
        bf16=bf16,
        save_steps=4,
        logging_steps=1,
        report_to=[],
        disable_tqdm=True,
        use_cpu=not torch.cuda.is_available(),
        seed=0,
    )
    collator = DataCollatorForSeq2Seq(lm.tokenizer, label_pad_token_id=-100)
    trainer = Trainer(model=lm.model, args=arguments, train_dataset=rows(lm), data_collator=collator)  # type: ignore[arg-type]
    trainer.train(resume_from_checkpoint=resume)
    attached.merge()
    return lm.model, [row for row in trainer.state.log_history if "loss" in row]


def main(bf16: bool = True) -> list[tuple[float, float]]:
    """Whole neurons and single weights: train, interrupt and resume, and compare; first and last loss of both."""
    losses = []
    base = si.open_model("organism", device="cpu")
    for draw in (random_neurons, random_coordinates):
        mask = draw(base, 0.1)
        with tempfile.TemporaryDirectory() as name:
            whole, log = tune(base, mask, Path(name) / "whole", bf16)
            tune(base, mask, Path(name) / "cut", bf16, stop=4)
            resumed, _ = tune(base, mask, Path(name) / "cut", bf16, resume=True)
        for key, before in base.model.state_dict().items():
            after = whole.state_dict()[key]
            free = mask.dense(key) if key in mask.indices else torch.zeros_like(before, dtype=torch.bool)
            assert torch.equal(before[~free], after[~free]), key
            torch.testing.assert_close(resumed.state_dict()[key], after, rtol=0, atol=1e-6)
        losses.append((float(log[0]["loss"]), float(log[-1]["loss"])))
        print(
            f"{mask.granularity}: loss {losses[-1][0]:.2f} -> {losses[-1][1]:.2f}; outside the mask bit-identical, "
            "resumed as uninterrupted"
        )
    return losses


if __name__ == "__main__":
    main()
