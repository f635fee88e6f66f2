"""A mask under TRL's SFTTrainer, without a subclass: accumulation, clipping, bfloat16, checkpoints.

    python -m analyses.examples.trl_sft        (pip install 'seat_interp[train]')

Interrupted after half of the steps and resumed from the checkpoint, it ends at the same weights.
"""

import tempfile
from pathlib import Path

import torch
from datasets import Dataset
from transformers import PreTrainedModel
from trl import SFTConfig, SFTTrainer

import seat_interp as si
from seat_interp.masks.mask import Mask
from seat_interp.models.open import LanguageModel
from seat_interp.organism.study import organism_facts


def turns(count: int = 32) -> Dataset:
    """Facts as prompts with completions."""
    return Dataset.from_list(
        [
            {
                "prompt": [{"role": "user", "content": fact.question}],
                "completion": [{"role": "assistant", "content": fact.answer}],
            }
            for fact in organism_facts("people").target[:count]
        ]
    )


def tune(
    base: LanguageModel, mask: Mask, folder: Path, resume: bool = False, stop: int = 0
) -> tuple[PreTrainedModel, list[float]]:
    """Eight steps of 2 x 4 facts; `stop` ends early, as a crash would, after that step's checkpoint."""
    lm = base.copy()
    attached = si.attach(lm.model, mask)
    config = SFTConfig(
        output_dir=str(folder),
        max_steps=stop or 8,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=2,
        max_grad_norm=1.0,
        learning_rate=5e-3,
        lr_scheduler_type="constant",
        completion_only_loss=True,
        gradient_checkpointing=False,
        bf16=True,
        save_steps=4,
        logging_steps=1,
        report_to=[],
        disable_tqdm=True,
        use_cpu=not torch.cuda.is_available(),
        seed=0,
    )
    trainer = SFTTrainer(model=lm.model, args=config, train_dataset=turns(), processing_class=lm.tokenizer)
    trainer.train(resume_from_checkpoint=resume)
    attached.merge()
    return lm.model, [row["loss"] for row in trainer.state.log_history if "loss" in row]


def main() -> list[tuple[float, float]]:
    """Whole neurons and single weights: train, interrupt and resume, and compare; first and last loss of both."""
    losses = []
    base = si.open_model("organism", device="cpu")
    for draw in (si.random_neurons, si.random_coordinates):
        mask = draw(base, 0.1)
        with tempfile.TemporaryDirectory() as name:
            whole, log = tune(base, mask, Path(name) / "whole")
            tune(base, mask, Path(name) / "cut", stop=4)
            resumed, _ = tune(base, mask, Path(name) / "cut", resume=True)
        for key, before in base.model.state_dict().items():
            after = whole.state_dict()[key]
            free = mask.dense(key) if key in mask.indices else torch.zeros_like(before, dtype=torch.bool)
            assert torch.equal(before[~free], after[~free]), key
            torch.testing.assert_close(resumed.state_dict()[key], after, rtol=0, atol=1e-6)
        losses.append((log[0], log[-1]))
        print(f"{mask.granularity}s: loss {log[0]:.2f} -> {log[-1]:.2f}; resumed as uninterrupted; rest bit-identical")
    return losses


if __name__ == "__main__":
    main()
