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
# # 3. Which neurons should learn the new facts?
#
# SEAT changes a small part of the weights and leaves the rest bit-identical. Its paper takes them at random. Can a
# **score** do better: find neurons that learn the facts and are not those which say "I do not know"? For that a score
# must, first, predict what a neuron does, and second, make masks that keep more than random ones of the same size.
#
# The first is measured by exact ablation (fidelity), the second by training. One seed is shown; more seeds, other
# budgets and single weights: `figures/tables/organism_masks.md` (five) and `organism_fidelity.md` (three).

# %%
from dataclasses import replace
from functools import partial

import seat_interp as si
from seat_interp.attribution import KLToBase, gate_fisher, weight_norm
from seat_interp.facts import ep_prompts
from seat_interp.masks.random import layer_matched
from seat_interp.masks.select import exclude

# %matplotlib inline

# %%
base = si.open_model("organism")
facts = si.organism_facts()
sets = {name: each[:60] for name, each in facts.evaluation_sets().items()}
taught = facts.target[:120]
print(f"{base.sites.neurons:,} MLP neurons in {base.sites.n_layers} layers; {len(taught)} facts to teach")

# %% [markdown]
# ## Scores
#
# The metric is what learning lowers: the loss of the facts' answers. Gradient times activation estimates by how much
# it would fall if a neuron were set to zero, for every neuron in one forward and one backward pass. Integrated
# gradients average such gradients on the way from zero; the Fisher information is the mean square of the gradients,
# without a sign; and the length of a neuron's weights looks at no facts at all: a control.

# %%
scored = taught[:24]
scores = {
    "gradient x activation": si.attribute(base, scored, batch_size=24),
    "integrated, 4 steps": si.attribute(base, scored, steps=4, batch_size=24),
    "Fisher": gate_fisher(base, scored, batch_size=24),
    "magnitude": weight_norm(base),
}

# %% [markdown]
# ## Does a score say what a neuron does?
#
# `si.ablate_sample` really sets 100 neurons to zero, one by one, and 25 random groups of 20 together, and measures
# how the loss changes. `si.fidelity` is Spearman's rank correlation of score and effect; scores without a sign are
# held against the sizes of the effects.

# %%
ablated = si.ablate_sample(base, scored, neurons=100, groups=25)
unsigned = ("Fisher", "magnitude")
found = {name: si.fidelity(each, ablated, sizes=name in unsigned) for name, each in scores.items()}
si.plot.fidelity(found)[0][0].figure

# %% [markdown]
# A score that is right about the facts it was made from need not be right about others. The same scores against
# ablation on facts about *other* people:

# %%
elsewhere = si.ablate_sample(base, taught[-24:], neurons=100, groups=25)
others = {name: si.fidelity(each, elsewhere, sizes=name in unsigned) for name, each in scores.items()}
si.Table.of(
    ["score", "single neurons", "groups", "single, other people", "groups, other people"],
    [
        (
            name,
            *(f"{each:.2f}" for each in (found[name].single, found[name].grouped)),
            *(f"{each:.2f}" for each in (others[name].single, others[name].grouped)),
        )
        for name in scores
    ],
)

# %% [markdown]
# ## Masks
#
# A mask has a **budget**, here 5 % of the neurons. Four ways to spend it:
#
# - `random`, the same share in every layer: what has to be beaten;
# - `gradient`: the largest gradient x activation on all the facts;
# - `update`: a short dense fine-tuning on the facts is looked into, and those neurons are taken whose change lowered
#   the loss most, but none of the 60 % whose change moved the model's own replies to entity-perturbed prompts most. The
#   share of 60 % is ours;
# - `matched`: random again, with as many neurons in each layer as `update` has. It tells whether the layers matter or
#   the neurons.
#
# These entity-perturbed prompts are about people who do not exist: no alignment data is used.

# %%
budget = 0.05
gradient = si.attribute(base, taught, absolute=True, batch_size=64)

short = replace(si.ORGANISM.settings.dense, steps=40, batch_size=32, callback_every=0)
dense = si.train(base, taught, config=short).model
effect = partial(si.update_effect, base=base, tuned=dense, granularity="neuron", batch_size=64)
learns = effect(facts=taught).map(lambda change: -change)  # useful is what lowered the loss
prompts = ep_prompts(taught, names=facts.names(), per_fact=1)
harms = effect(facts=prompts, metric=KLToBase(base)).abs()

# %%
masks = {
    "random": si.random_neurons(base, budget),
    "gradient": si.select(base, gradient, budget),
    "update": si.select(base, learns, budget, protect=harms, rule=partial(exclude, top=0.6)),
}
masks["matched"] = layer_matched(base, masks["update"])
si.plot.places(masks)[0].figure

# %% [markdown]
# Where each mask lives: its share of every matrix, layer by layer. A neuron is a row of the gate and up projections
# and a column of the down projection, so the three columns agree. How much two masks share (Jaccard index); by chance
# two of 5 % share 0.03:

# %%
si.plot.overlap(masks).figure

# %% [markdown]
# Masks are values with an algebra, and files that need no seat_interp to be read (notebook 5).

# %%
both = masks["gradient"] & masks["update"]
print(f"in both: {both.budget:.3f} of the neurons; in either: {(masks['gradient'] | masks['update']).budget:.3f}")
masks["update"].save("update.safetensors")
print("the same when read back:", si.Mask.load("update.safetensors") == masks["update"])

# %% [markdown]
# ## Training within them
#
# Cross entropy alone, the same steps and rate for each: what differs is the mask.

# %%
config = replace(si.ORGANISM.settings.masked, steps=60, batch_size=32, learning_rate=4e-3, callback_every=0)
runs = {name: si.train(base, taught, mask=mask, config=config) for name, mask in masks.items()}
arms = si.arm_rates({"base": base} | {name: run.model for name, run in runs.items()}, sets)
si.plot.rates_by_row(arms)[0].figure

# %%
si.rates_table(arms)

# %% [markdown]
# And where unknown prompts went, along the ignorance direction, beside the nulls:

# %%
direction = si.fit_direction(base, unknown=facts.fit_unknown, known=facts.fit_known)
moved = {
    name: si.displacement(base=base, tuned=run.model, sets=sets, direction=direction) for name, run in runs.items()
}
si.plot.displacement(moved).figure

# %%
si.displacement_table({name: each.summary()["unknown"] for name, each in moved.items()})

# %% [markdown]
# ## Answer
#
# A score can be right about what a neuron does and still say little about other facts. Gradient times activation
# ranks single neurons almost as exact ablation does on the facts that it was made from, and hardly on other people's
# (three seeds, `figures/tables/organism_fidelity.md`: 0.98 and 0.08). The length of a neuron's weights says nothing.
#
# So a mask has to be judged by training in it. With cross entropy alone and 5 % of the neurons, five seeds and all
# 240 facts (`figures/tables/organism_masks.md`), the rule that looks into a dense update keeps 0.76 [0.72, 0.80] of
# abstention (mean of four sets) where chance keeps 0.34 [0.16, 0.51], at the same target recall (1.00 and 0.99) and
# known recall (0.92 and 0.90).
#
# The tables above, one seed with fewer facts and steps, have the same order, and two things besides. The random mask
# that only has as many neurons in each layer as `update` keeps most of what `update` keeps: much of it is a matter of
# layers. And displacement does not tell these masks apart: unknown prompts move alike under `random` and `update`
# (-0.59 and -0.61), which keep 0.00 and 0.68 of abstention on them, and furthest under `gradient` (-0.75), which keeps
# 0.32. Where every run has lost much of the direction, it is not the direction that decides what is left.

# %% [markdown]
# ## Exercises
#
# 1. **With SEAT's KL.** Train within the same masks with `objective=si.SEAT(), names=facts.names()`. Does the mask
#    still matter? *Hint: `figures/tables/organism_masks.md`, the tables that end in "SEAT".*
# 2. **The worst mask.** Use `rule=inverted(partial(exclude, top=0.6))` from `seat_interp.masks.select`: what the rule
#    would choose last. A score that means something must have a bad opposite.
# 3. **What says "I do not know"?** Attribute the abstention itself: `si.attribute(base, facts.fit_unknown[:40],
#    metric=AbstentionLogOdds(("I do not know",)))` with `AbstentionLogOdds` of `seat_interp.attribution`. Is its
#    fidelity on other people better than that of the loss?
# 4. **Stable or not?** Make the mask `update` twice, from each half of the facts (`stability` of
#    `seat_interp.masks.compare`). Is the overlap above chance?
