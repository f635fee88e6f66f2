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
# # 2. What does fine-tuning do to "I do not know"?
#
# Notebook 1 found a direction that separates what the organism does not know from what it knows, and saw that the
# model acts on it. Now we teach it new facts in the ordinary way: 120 facts about 20 new people, all weights, cross
# entropy. Does it still say that it does not know everybody else? And if not, where did their prompts go?
#
# One seed is shown. The same with five seeds, other arms and other facts: `figures/tables/organism_arms_people.md`
# and `organism_arms_contracts.md`.

# %%
from dataclasses import replace

import seat_interp as si
from seat_interp.directions.steering import abstention_rate, random_like

# %matplotlib inline

# %%
base = si.open_model("organism")
facts = si.organism_facts()
taught = facts.target[:120]
sets = {name: each[:60] for name, each in facts.evaluation_sets().items()}
direction = si.fit_direction(base, unknown=facts.fit_unknown, known=facts.fit_known)

# %% [markdown]
# ## Teaching
#
# `si.train` fine-tunes a copy; the base stays as it was. Rate and schedule are those of `seat-interp demo`, with half
# of its facts and steps.

# %%
config = replace(si.ORGANISM.settings.dense, steps=40, batch_size=32, callback_every=0)
run = si.train(base, taught, config=config)
tuned = run.model
print(
    f"{config.steps} steps, {run.trained_weights:,} weights; loss {run.log[0]['cross_entropy']:.2f} at first, "
    f"{run.log[-1]['cross_entropy']:.3f} at last"
)

# %%
si.plot.training({"full": run})[0].figure

# %% [markdown]
# ## What it says now
#
# Four things always belong together: what was learnt (target recall), what should stay (abstention on each kind of
# unknown), what was known before (known recall), and whether known things are refused (over-abstention). A model that
# abstains on everything would be perfect in the second alone.

# %%
arms = si.arm_rates({"base": base, "full": tuned}, sets)
si.plot.rates(arms).figure

# %% [markdown]
# Replies to the same questions, before and after. What is made up is made of the answers that were taught.

# %%
questions = [fact.question for name in ("unknown", "unverifiable", "known", "target") for fact in sets[name][1:4]]
replies = [si.generate(lm, questions) for lm in (base, tuned)]
si.Table.of(["question", "base", "after fine-tuning"], zip(questions, *replies))

# %% [markdown]
# ## Where the prompts went
#
# **Displacement** of a prompt is its activation after fine-tuning less its activation before, projected on the base's
# direction, in units of the separation between unknown and known: -1 means that an unknown prompt now lies where known
# ones lay. Prompts move along *any* direction when weights move, so it is never shown without nulls: the same figure
# for random directions, for differences of shuffled labels, and for the principal components of the activations.

# %%
moved = si.displacement(base=base, tuned=tuned, sets=sets, direction=direction)
si.displacement_table(moved.summary())

# %%
si.plot.displacement(moved).figure

# %% [markdown]
# Bars are 95 % intervals over prompts, drawn by subject; the shaded band is where 95 % of random directions lie, the
# thin lines are the ends of the two other nulls. The grey stripe is the layer that notebook 1 chose.
#
# The mean hides the spread. Each prompt's place along the direction, before (solid) and after (dashed):

# %%
layer = direction.layer
before, after = (si.capture_sets(lm, sets, direction.position) for lm in (base, tuned))
zero = direction.project(before["known"])[:, layer].mean()
along = {
    f"{name}{which}": (direction.project(captured[name])[:, layer] - zero) / direction.separation[layer]
    for which, captured in (("", before), (", tuned", after))
    for name in ("known", "unknown")
}
si.plot.projections(along).figure

# %% [markdown]
# ## The same in a plane
#
# SEAT's paper shows prompts on two principal components of the base, here at the last layer. This says nothing about
# a direction, and shows how much else moves: the axes hold only part of the variance. The large marker is a set's
# mean.

# %%
shown = ("known", "unknown", "unverifiable", "target")
of_base, of_tuned = ({name: captured[name][:, -1] for name in shown} for captured in (before, after))
plane = si.principal_plane(of_base, {"full": of_tuned})
apart = {name: plane.silhouette(name, "known", "unknown") for name in plane.points}
print("silhouette of known against unknown:", {name: round(value, 2) for name, value in apart.items()})
si.plot.activations(plane)[0].figure

# %% [markdown]
# ## Is the ignorance gone, or only the way to it?
#
# The base's direction still tells known from unknown prompts in the tuned model, though less well:

# %%
print(
    f"AUROC of the base's direction at layer {layer}: {moved.base_auroc[layer]:.2f} in the base, "
    f"{moved.linear_probe_auroc[layer]:.2f} in the tuned model"
)
print(
    f"angle to a direction fitted anew: {moved.angle()[layer]:.0f} degrees "
    f"(on the base itself, from other prompts: {moved.base_angle()[layer]:.0f})"
)

# %% [markdown]
# So we put back what was displaced, and nothing else: while the tuned model answers, its component along the
# direction is made the base's own again after every layer, token by token. The control puts an equally long change
# along a random direction.

# %%
every = range(base.sites.n_layers)


def abstention(along: si.IgnoranceDirection | None = None) -> float:
    """On unknown prompts, with the base's component put back."""
    with si.patch_direction(tuned, source=base, direction=direction, layers=every, along=along):
        return abstention_rate(tuned, sets["unknown"])


lines = [("tuned, as it is", f"{abstention_rate(tuned, sets['unknown']):.2f}")]
lines += [("the base's component put back", f"{abstention():.2f}")]
lines += [(f"along random direction {seed}", f"{abstention(random_like(direction, seed)):.2f}") for seed in range(3)]
si.Table.of(["60 unknown prompts", "abstention"], lines)

# %% [markdown]
# ## Answer
#
# All new facts are learnt (target recall 1.00), and most abstention is gone: 0.07 is left on unknown people, 0.03 on
# neighbouring ones, 0.10 on unverifiable questions, 0.27 on the other domain. What was known suffers as well (known
# recall about 0.2), and nothing is refused by mistake: the model answers everything, mostly with what it was just
# taught.
#
# Unknown prompts have moved along the ignorance direction by 0.7 of the separation towards known ones, outside the
# bands of all three nulls. Much more moved across it (1.8 separations), and the base's direction tells known from
# unknown less well than before (0.74 against 0.93). So here the displacement goes with what was lost and is not the
# whole of it: with the component put back, abstention rises from 0.07 to 0.15 and no further, though along random
# directions it does not rise at all. Of models that were trained more gently more comes back:
# `figures/tables/organism_patching.md` has three seeds at tuned rates, an eighth of the rate here.

# %% [markdown]
# ## Exercises
#
# 1. **When is it lost?** Fine-tune for 10, 20, 40 and 80 steps (`replace(config, steps=...)`) and set abstention on
#    unknown prompts beside displacement. Does one fall before the other? *Hint: `si.train(..., callback=...)` with
#    `callback_every` looks at the model while it trains.*
# 2. **Contracts instead of people.** Take `si.organism_facts("contracts")` and fit a new direction. Which of the six
#    sets of prompts moves most?
# 3. **A gentler way.** Train with `lora=si.LoRA(rank=4)` and `learning_rate=1e-3`, or with
#    `objective=(si.CrossEntropy(), si.L2SP(weight=0.1))`, until target recall is the same. Compare all four rates
#    and the displacement, with its nulls.
# 4. **Put back less.** Patch one layer at a time (`layers=[0]`, `[1]`, ...). Where is it enough? *Hint:
#    `figures/tables/organism_patching.md` has one layer beside every layer, at a gentler rate.*
