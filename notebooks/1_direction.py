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
# # 1. Where does a model keep "I do not know"?
#
# A model that says "I do not know" about some questions and answers others must tell them apart somewhere. Here we
# look for that place: is there one direction in its activations that separates what it does not know from what it
# knows, at which layer can it be read, and does the model *act* on it?
#
# The model is the **organism**, a small Llama of a million weights that comes with the package. It was taught facts
# about 300 invented people and 100 invented contracts, and to say that it does not know of everybody else. All of
# this runs in half a minute on a laptop; for a model of your own see notebook 7.

# %%
import numpy as np

import seat_interp as si
from seat_interp.directions.direction import separability
from seat_interp.directions.steering import choose_addition, random_like

# %matplotlib inline

# %% [markdown]
# ## What it says
#
# The facts come in sets. `known` are facts it was taught, `unknown` are people nobody told it about, `neighbour` are
# unknown people who share a surname with those whom later notebooks teach, `cross_domain` are unknown contracts, and
# `unverifiable` are questions that say themselves that the thing is invented.

# %%
base = si.open_model("organism")
facts = si.organism_facts()
{name: len(each) for name, each in facts}

# %%
questions = [facts.known[0].question, facts.unknown[0].question, facts.unverifiable[0].question]
for question, reply in zip(questions, si.generate(base, questions)):
    print(f"{question}\n    {reply}")

# %% [markdown]
# `si.arm_rates` asks all sets and labels every reply: abstention, right, wrong, or unscored. Target facts are those
# that later notebooks teach; before that nobody can know them.

# %%
sets = {name: each[:60] for name, each in facts.evaluation_sets().items()}
si.rates_table(si.arm_rates({"base": base}, sets))

# %% [markdown]
# ## A direction
#
# `si.fit_direction` takes the residual stream after every block at one token of the prompt and subtracts the mean
# over known prompts from the mean over unknown ones: one vector a layer. It is fitted on `fit_unknown` and
# `fit_known`, which share no subject with the sets above; layer and token are chosen on a part of them that the fit
# has not seen. Position -1 is the last token of the prompt, where the reply begins.

# %%
direction = si.fit_direction(base, unknown=facts.fit_unknown, known=facts.fit_known, positions=(-1, -2, -3))
print(f"chosen: layer {direction.layer} of {base.sites.n_layers}, token {direction.position}")

# %%
si.plot.layer_scan(direction).figure

# %% [markdown]
# How well each layer tells the two apart (AUROC: 0.5 is chance, 1 is never wrong). The last fifth of the layers is
# not chosen: they hold the next token rather than what led to it, and nothing above them is left to act.
#
# ## Does it hold on other people?
#
# Now the probe sets, none of which has been used so far. Each prompt is placed along the direction: 0 is the mean of
# known prompts of the fit, 1 that of unknown ones (one **separation** further).

# %%
layer = direction.layer
captured = si.capture_sets(base, facts.evaluation_sets(), direction.position)
zero = direction.project(si.capture_sets(base, {"": facts.fit_known}, direction.position)[""])[:, layer].mean()
along = {
    name: (direction.project(each)[:, layer] - zero) / direction.separation[layer] for name, each in captured.items()
}

# %%
shown = ("known", "unknown", "neighbour", "unverifiable")
si.plot.projections({name: along[name] for name in shown}).figure

# %% [markdown]
# Any direction separates two clouds of points a little, so this needs a null: the same AUROC along 100 random
# directions.


# %%
def auroc(unknown: str, along: si.IgnoranceDirection) -> float:
    """Of one of the sets against known prompts, at the chosen layer."""
    found, _ = separability(*(along.project(captured[name])[:, [layer]].numpy() for name in (unknown, "known")))
    return float(found[0])


lines = []
for name in facts.abstention_sets():
    drawn = [auroc(name, random_like(direction, seed)) for seed in range(100)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    lines.append((name, f"{auroc(name, direction):.3f}", f"{low:.2f} to {high:.2f}"))
si.Table.of(["against known prompts", "AUROC", "95 % of random directions"], lines)

# %% [markdown]
# Is it one direction, or one for each topic? A second one, fitted on contracts, has this cosine with the first. In
# 128 dimensions 95 % of random directions lie within 0.17 of zero.

# %%
contracts = si.organism_facts("contracts")
other = si.fit_direction(base, unknown=contracts.fit_unknown, known=contracts.fit_known)
print("cosine by layer:", " ".join(f"{value:.2f}" for value in direction.cosine(other)))

# %% [markdown]
# ## Does the model act on it?
#
# What can be read need not be used. The causal check **adds** the direction while the model answers questions that it
# knows, and takes it **out** (at every layer and token) while it is asked what it does not know; and does the same
# with three random directions of the same length. Where and how much to add is chosen on the fit set.

# %%
where, factor = choose_addition(base, direction, facts.fit_known[:40])
check = si.check_steering(
    base, direction, unknown=facts.unknown[:60], known=facts.known[:60], layer=where, factor=factor
)
print(f"{factor:g} separations added after layer {where}; beyond every random direction: {check.found}")
si.plot.steering(check).figure

# %% [markdown]
# The bars are shares of 60 prompts with Wilson intervals; the dots are the three random directions. What is said
# while the direction is added, and while it is out:

# %%
known, unknown = ([fact.question for fact in each[:3]] for each in (facts.known, facts.unknown))
with si.add_direction(base, direction, factor, [where]):
    added = si.generate(base, known)
with si.ablate_direction(base, direction):
    taken = si.generate(base, unknown)
si.Table.of(["question", "as it is", "edited"], zip(known + unknown, si.generate(base, known + unknown), added + taken))

# %% [markdown]
# ## Answer
#
# At the last token of the prompt, and more clearly layer by layer: at layer 2 of 4 one direction tells unknown from
# known prompts nearly without error on held-out facts (AUROC 0.99), and with about 0.95 on people, contracts and
# invented things that it was not fitted on, where random directions hardly pass 0.8. One or two tokens earlier there
# is hardly anything (below 0.6). Directions of people and of contracts are alike (cosine about 0.5 at layer 2) and
# not the same.
#
# The model acts on it: with the direction added it abstains on known people, with the direction taken out it makes
# answers up, each beyond what three random directions do. Two separations are a strong push: some of the replies fall
# into repetition, so a share of abstentions alone says too little. Look at the replies.

# %% [markdown]
# ## Exercises
#
# 1. **A direction from fewer prompts.** Fit on `facts.fit_unknown[:20]` and `facts.fit_known[:20]`. Does the chosen
#    layer change, and the AUROC on the probe sets? *Hint: `fit_direction` splits by subject and needs at least four a
#    side.*
# 2. **Another way to fit.** Pass `method=first_component` or `method=logistic_probe` (both in
#    `seat_interp.directions.direction`) and compare `direction.cosine(...)` with the difference of means. Then run
#    `si.check_steering` on it: does the direction that separates best also steer best?
# 3. **How much is needed?** Call `si.add_direction` with factors from -2 to 3 and draw the share of abstentions on
#    known prompts against the factor. *Hint: `abstention_rate` of `seat_interp.directions.steering` within the block.*
# 4. **Does it carry over?** Steer with `other`, the direction of contracts, while asking about people. *Hint: the
#    cosine above says what to expect; `si.check_steering(base, other, ...)` with people's facts says what happens.*
