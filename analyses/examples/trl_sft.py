"""A mask under TRL's SFTTrainer, without a subclass.

python analyses/examples/trl_sft.py        (pip install 'seat_interp[train]')
"""

import tempfile

import torch
from datasets import Dataset
from trl import SFTConfig, SFTTrainer

import seat_interp as si
from seat_interp.masks.attach import attach
from seat_interp.masks.random import random_neurons
from seat_interp.organism import organism_facts


def main(steps: int = 12) -> dict[str, float]:
    """Train on prompts and completions, and say how the loss fell."""
    base = si.open_model("organism", device="cpu")
    facts = organism_facts("people").target[:32]
    turns = [
        {
            "prompt": [{"role": "user", "content": fact.question}],
            "completion": [{"role": "assistant", "content": fact.answer}],
        }
        for fact in facts
    ]
    mask = random_neurons(base, 0.1)
    lm = base.copy()
    attached = attach(lm.model, mask)
    with tempfile.TemporaryDirectory() as folder:
        config = SFTConfig(
            output_dir=folder,
            max_steps=steps,
            per_device_train_batch_size=8,
            learning_rate=5e-3,
            completion_only_loss=True,
            gradient_checkpointing=False,
            bf16=False,
            logging_steps=1,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            use_cpu=True,
        )
        trainer = SFTTrainer(
            model=lm.model, args=config, train_dataset=Dataset.from_list(turns), processing_class=lm.tokenizer
        )
        trainer.train()
        losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
    attached.fold()
    for name, before in base.model.state_dict().items():
        after = lm.model.state_dict()[name]
        free = mask.dense(name) if name in mask.indices else torch.zeros_like(before, dtype=torch.bool)
        assert torch.equal(before[~free], after[~free]), name
    print(f"loss {losses[0]:.2f} -> {losses[-1]:.2f}; outside the mask bit-identical")
    return {"first": losses[0], "last": losses[-1]}


if __name__ == "__main__":
    main()
