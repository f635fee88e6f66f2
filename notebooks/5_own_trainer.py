# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 5. How do I use a mask in my own trainer?
#
# You have a trainer that works: Hugging Face's `Trainer`, TRL, a loop of your own, and adapters that are served with
# PEFT. What does it take to train only the neurons of a mask in it, and to hand the result on? Nothing of it needs
# `si.train`: a mask is a file, and `si.attach` makes what it holds the model's only trainable parameters.

# %%
import json
from pathlib import Path
from types import SimpleNamespace

import torch
from peft import PeftModel
from safetensors import safe_open
from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments
from transformers.trainer_callback import PrinterCallback

import seat_interp as si
from seat_interp.models.prompts import encode_examples

# %matplotlib inline

# %%
base = si.open_model("organism", device="cpu")
facts = si.organism_facts()
taught = facts.target[:60]
sets = {name: each[:60] for name, each in facts.evaluation_sets().items()}

# %% [markdown]
# ## A mask is a file
#
# Here a random one; notebook 3 chooses better ones, and on the command line `seat-interp select` does.

# %%
mask = si.random_neurons(base, budget=0.1)
mask.save("mask.safetensors")
si.plot.places({"random neurons": mask})[0].figure

# %% [markdown]
# Tensors are called as in the model's `state_dict` and hold indices; the header says along which axis. Without
# seat_interp, these lines are all it takes to read it:

# %%
with safe_open("mask.safetensors", framework="pt") as file:
    header = json.loads(file.metadata()["seat_interp"])
    indices = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118

name = "model.layers.0.mlp.down_proj.weight"
print(header["granularity"], header["budget"])
print(
    f"{name}: {len(indices[name])} of {header['shapes'][name][header['axes'][name]]} along axis {header['axes'][name]}"
)

# %% [markdown]
# ## Hugging Face Trainer
#
# No subclass and no callback: after `si.attach` the model has small parameters for the chosen neurons and everything
# else is frozen, so the Trainer finds, clips and saves just them. Accumulation, bfloat16 and resuming work as usual.

# %%
lm = base.copy()
attached = si.attach(lm.model, mask)
trainable = sum(parameter.numel() for parameter in lm.model.parameters() if parameter.requires_grad)
print(f"{trainable:,} trainable weights of {sum(p.numel() for p in base.model.parameters()):,}")

# %% [markdown]
# The data are yours; any rows with `input_ids` and `labels` will do. `encode_examples` puts facts into the model's
# chat template, and the questions are not supervised.

# %%
examples = encode_examples(lm, [fact.question for fact in taught], [fact.answer for fact in taught])
rows = [{"input_ids": [*each.ids], "labels": [-100] * each.start + [*each.ids[each.start :]]} for each in examples]
arguments = TrainingArguments(
    output_dir="trainer",
    max_steps=60,
    per_device_train_batch_size=15,
    gradient_accumulation_steps=2,
    learning_rate=5e-3,
    lr_scheduler_type="constant",
    weight_decay=0.01,
    logging_steps=1,
    save_strategy="no",
    report_to=[],
    disable_tqdm=True,
    dataloader_pin_memory=False,
    use_cpu=True,
    seed=0,
)
collator = DataCollatorForSeq2Seq(lm.tokenizer, label_pad_token_id=-100)
trainer = Trainer(model=lm.model, args=arguments, train_dataset=rows, data_collator=collator)
trainer.remove_callback(PrinterCallback)  # it would print every step
trainer.train()
losses = [{"step": row["step"], "cross_entropy": row["loss"]} for row in trainer.state.log_history if "loss" in row]
si.plot.training({"sparse": SimpleNamespace(log=losses, callback_log=[])})[0].figure

# %% [markdown]
# `fold` adds the differences to the weights and takes off all that was attached: the model is a plain one again. What
# the mask leaves out is bit-identical, which anybody can check:

# %%
update = attached.merge()
for name, before in base.model.state_dict().items():
    after = lm.model.state_dict()[name]
    free = mask.dense(name) if name in mask.indices else torch.zeros_like(before, dtype=torch.bool)
    assert torch.equal(before[~free], after[~free]), name
print("outside the mask every bit is the base's")

# %% [markdown]
# What it learnt, and what that cost. Cross entropy alone takes abstention away, mask or not (notebook 4): a trainer
# of your own can add SEAT's KL as one more loss.

# %%
arms = si.arm_rates({"base": base, "sparse": lm}, {**sets, "target": taught})
si.plot.rates(arms).figure

# %% [markdown]
# ## Hand it on: delta, SHiRA, LoRA
#
# The update is small and can be saved by itself: as the differences, as a SHiRA adapter, and, of whole neurons, as a
# LoRA that equals it exactly. The last two load in stock PEFT.

# %%
update.save("delta.safetensors")
si.save_shira(update, base.model, "shira")
si.save_lora(update, base.model, "lora")
sizes = {
    "delta": Path("delta.safetensors"),
    "SHiRA": Path("shira/adapter_model.safetensors"),
    "LoRA": Path("lora/adapter_model.safetensors"),
}
si.Table.of(["saved as", "MiB"], [(name, f"{path.stat().st_size / 2**20:.1f}") for name, path in sizes.items()])

# %%
merged = PeftModel.from_pretrained(base.copy().model, "lora").merge_and_unload()
worst = max(float((merged.state_dict()[name] - after).abs().max()) for name, after in lm.model.state_dict().items())
print("merged by PEFT, the largest difference from the trained weights is below 1e-6:", worst < 1e-6)

# %% [markdown]
# ## One model, seen with the adapter and without
#
# With adapters no second model is needed to measure displacement: the same one is seen with the adapter off and on.

# %%
adapted = si.wrap_model(PeftModel.from_pretrained(base.copy().model, "lora"), base.tokenizer, name="organism with LoRA")
direction = si.fit_direction(base, unknown=facts.fit_unknown, known=facts.fit_known)
with si.adapter(adapted, None):
    before = si.capture_sets(adapted, sets, direction.position)
after = si.capture_sets(adapted, sets, direction.position)
moved = si.displace(base=before, tuned=after, direction=direction, sets=sets)
si.displacement_table(moved.summary())

# %%
si.plot.displacement({"sparse": moved}).figure

# %% [markdown]
# ## Other trainers
#
# | the mask in | the same two calls, in |
# | --- | --- |
# | a loop of your own | `analyses/examples/plain_torch.py`: `torch.optim.AdamW(attached.parameters.values())` |
# | TRL's `SFTTrainer` | `analyses/examples/trl_sft.py` |
# | Trainer, interrupted and resumed | `analyses/examples/hf_trainer.py` |
# | nothing but torch and safetensors | `analyses/examples/without_seat_interp.py` |

# %% [markdown]
# ## Answer
#
# Two calls: `attached = si.attach(model, mask)` before your trainer, `update = attached.merge()` after it. In between
# the trainer needs to know nothing; what the mask leaves out stays bit-identical, as the cell above checked. The
# update is handed on as a delta, as SHiRA or, of whole neurons, as a LoRA that PEFT merges to the trained weights;
# and one model with the adapter switched on and off is enough to measure displacement. A mask alone does not keep
# abstention: see the rates.

# %% [markdown]
# ## Exercises
#
# 1. **Single weights.** Take `si.random_coordinates(base, budget=0.1)`. Does the Trainer's cell change? What does
#    `si.save_lora` say, and why? *Hint: the rank of such an update is full; SHiRA takes it.*
# 2. **A loop of your own.** Replace the Trainer by ten lines of torch: `torch.optim.SGD(attached.parameters.values(),
#    lr=0.5)`, a forward pass with `labels`, `backward`, `step`. *Hint: `analyses/examples/plain_torch.py` pads the
#    batch.*
# 3. **SEAT in your trainer.** Subclass `Trainer` and add the KL in `compute_loss`. *Hint: `term =
#    EntityPerturbedKL()`; `loss = term.prepare(base, taught, facts.names(), 0)`; `loss(lm, [Draw(index, epoch),
#    ...])` is the KL of these facts (`Draw` from `seat_interp.training.objectives`). Does abstention stay?*
# 4. **Two masks, two teams.** With `one = si.random_neurons(base, 0.1, seed=0)` and `two = si.random_neurons(base,
#    0.1, seed=1) - one` teach different facts from the same base, and add both updates to a copy
#    (`update.add_to(model)`). Are both sets of facts there?
