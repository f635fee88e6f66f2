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
# # 4. Does SEAT keep "I do not know", and what do its rivals do?
#
# Notebook 2 saw ordinary fine-tuning take abstention away. SEAT ([arXiv
# 2506.14387](https://arxiv.org/abs/2506.14387)) has two parts: train a small **mask** of the weights, and add a **KL
# term** that keeps the model's replies to entity-perturbed prompts: the new facts' questions about people who do not
# exist. Here both parts stand beside what they are compared with:
#
# | arm | what it trains | loss |
# | --- | --- | --- |
# | `full` | all weights | cross entropy |
# | `sparse` | 10 % of the neurons, at random | cross entropy |
# | `full_ep_kl` | all weights | cross entropy + KL on EP prompts |
# | `seat` | 10 % of the neurons, at random | cross entropy + KL on EP prompts |
# | `tether` (ours) | all weights, pulled to the base; half of what the facts do not need is taken back | as SEAT |
#
# One seed, half of the facts and fewer steps than in the studies, to be quick. With five seeds, every arm tuned
# alike: `figures/tables/organism_arms_people.md` and `organism_arms_contracts.md`.

# %%
from dataclasses import replace

import seat_interp as si

# %matplotlib inline

# %%
base = si.open_model("organism")
every = si.organism_facts()
some = {name: facts[:60] for name, facts in every.evaluation_sets().items()}
facts = replace(every, **some | {"target": every.target[:120]}, paraphrases=every.paraphrases[:60])
{name: len(each) for name, each in facts}

# %% [markdown]
# ## What the KL sees
#
# An **entity-perturbed copy** is the same question about somebody who does not exist. The base abstains on it, and
# the KL keeps the tuned model's reply there as it was. No probe's name is ever used.

# %%
generator = facts.names().generator(seed=0)
perturbed = [si.perturb(fact, generator) for fact in facts.target[:4]]
replies = si.generate(base, [changed.question for changed in perturbed])
si.Table.of(
    ["to be taught", "a copy", "the base on the copy"],
    [(fact.question, changed.question, reply) for fact, changed, reply in zip(facts.target, perturbed, replies)],
)

# %% [markdown]
# ## The study
#
# `si.run_study` measures the base, trains and measures every arm, and keeps everything in a folder: replies,
# activations, displacement, masks, training curves. Called again it goes on where it was cut off.

# %%
settings = si.ORGANISM.settings
settings = replace(
    settings,
    dense=replace(settings.dense, steps=40, batch_size=32, callback_every=0),
    masked=replace(settings.masked, steps=60, batch_size=32, learning_rate=4e-3, callback_every=0),
    regularised=replace(settings.regularised, steps=60, batch_size=32, learning_rate=5e-4, callback_every=0),
    kl=replace(settings.kl, prompts_per_fact=3),
)
arms = ("full", "sparse", "full_ep_kl", "seat", "tether")
config = replace(si.ORGANISM, arms=arms, settings=settings, positions=(-1,), steering_prompts=0)
summary = si.run_study(base, facts, config, "runs/rivals")

# %% [markdown]
# ## What each arm costs
#
# Left of the first line: what was to be learnt; in the middle: what should stay; right: what it costs in known facts,
# either made wrong (known recall falls) or refused (over-abstention rises).

# %%
folder = si.RunFolder.open("runs/rivals")
si.plot.rates(folder.rates).figure

# %%
si.rates_table(folder.rates)

# %% [markdown]
# ## Where the prompts went
#
# The folder reads back as `si.RunFolder`. Displacement of unknown prompts by layer, with random nulls shaded; below,
# at the direction's layer with every null.

# %%
lines = {run.arm: run.displacement["sets"]["unknown"] for run in folder.runs}
si.plot.displacement_by_layer(lines, folder.direction.layer).figure

# %%
si.displacement_table({run.arm: run.row["displacement"]["unknown"] for run in folder.runs})

# %% [markdown]
# And in the plane of the base's two principal components, as SEAT's paper shows it:

# %%
plane = si.principal_plane(folder.base.activations, {run.arm: run.activations for run in folder.runs})
si.plot.activations(plane)[0].figure

# %% [markdown]
# ## The same questions to each
#
# Replies are kept with their labels in `records.jsonl`.

# %%
unknown = [record for record in folder.base.records if record["set_name"] == "unknown"][:4]
answers = {
    run.arm: {record["question"]: record["reply"] for record in run.records}
    for run in (folder.base, *(folder.of_arm(arm)[0] for arm in ("full", "seat")))
}
si.Table.of(
    ["question", *answers],
    [(record["question"], *(of[record["question"]] for of in answers.values())) for record in unknown],
)

# %% [markdown]
# How far did the weights move, and how many were trained? A mask bounds how many move, not how far.

# %%
si.Table.of(
    ["arm", "weights trained", "distance moved, of the base's norm", "share of the update that is left"],
    [
        (
            run.arm,
            f"{run.row['trained_weights']:,}",
            f"{run.row['weight_distance']:.3f}",
            f"{run.row['share_of_update']:.2f}",
        )
        for run in folder.runs
    ],
)

# %% [markdown]
# ## Answer
#
# Cross entropy alone takes nearly all abstention on unknown people away, in all weights (0.07 left) and within the mask
# (0.02). With the KL on EP prompts it stays: 0.97 in all weights, 0.93 with SEAT, 0.90 with `tether`. What that costs
# is what was known, either wrong or refused: 0.90 known recall with 0.05 refused for the KL in all weights, 0.93 and
# 0.00 for SEAT, 1.00 and 0.00 for `tether`, which has learnt only 0.94 of the facts in these 60 steps; while some are
# not learnt nothing of its update is taken back (the last column). Rates decide much of this: at 1e-3 in place of 5e-4
# the KL in all weights kept 0.52 of what was known and refused 0.32.
#
# In the studies, where every arm is tuned alike (people, five seeds, `figures/tables/organism_arms_people.md`), the
# KL on EP prompts is what keeps abstention: 0.96 [0.91, 0.98] on unknown people with SEAT and 0.95 [0.91, 0.98] without
# its mask, against 0.71 [0.64, 0.78] for full fine-tuning and 0.21 [0.02, 0.39] for the mask alone. What the mask
# costs is known recall: 0.92 [0.87, 0.96] with it, 0.98 [0.95, 0.99] without, 1.00 [0.97, 1.00] for `tether`. All
# learn at least 0.98 of the facts, and over-abstention is at most 0.01.
#
# Unknown prompts move less where abstention stays: by -0.31 [-0.36, -0.27] with SEAT, -0.61 [-0.65, -0.56] with full
# fine-tuning and -0.79 [-0.90, -0.68] with the mask alone, where random directions reach about 0.1 (0.2 for the
# last).

# %% [markdown]
# ## Exercises
#
# 1. **More of the KL.** Set `kl=replace(settings.kl, weight=4.0)` and give the study another folder. Does abstention
#    rise, and what does over-abstention do? *Hint: the paper gives no weight; ours is 1.*
# 2. **The gold continuation.** Set `kl=replace(settings.kl, continuation=Continuation.GOLD)`, `Continuation`
#    from `seat_interp.training.objectives`. Which of the four rates gets better? *Hint:
#    `figures/tables/organism_over_abstention_people.md`.*
# 3. **More arms and seeds.** Add `"lora"` (needs PEFT), `"l2sp"` or `"replay"` to the arms, or `seeds=(0, 1, 2)`, and
#    call `si.run_study` with the same folder: what is there is read back. Which differences outlast the seeds?
# 4. **A mask of your own.** Save a mask of notebook 3 and set `mask=replace(settings.mask,
#    file="update.safetensors")`. Does a chosen mask help where the KL is at work?
