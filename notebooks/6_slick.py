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
# # 6. What does your model know?
#
# "Known" and "unknown" are not two kinds of facts but the ends of a scale. SLiCK ([arXiv
# 2405.05904](https://arxiv.org/abs/2405.05904)) sorts facts by how often a model answers them right behind a few
# other questions of the same kind with their answers:
#
# | category | greedy answers right | sampled answers right |
# | --- | --- | --- |
# | HighlyKnown | all | |
# | MaybeKnown | some | |
# | WeaklyKnown | none | some |
# | Unknown | none | none |
#
# Here the organism is told new facts more or less often, and SLiCK says afterwards what has stuck. **Settings are
# reduced** to take seconds: 4 prompts of 2 exemplars with 8 samples each, where the paper has 10, 4 and 16, and a
# short training. The full study on a model that was taught for longer: `figures/tables/organism_slick.md`.

# %%
import random
from collections import Counter
from dataclasses import replace

import seat_interp as si
from seat_interp.evaluation.slick import Category
from seat_interp.facts import ep_prompts
from seat_interp.facts.sources import read_sources

# %matplotlib inline

# %%
base = si.open_model("organism")
facts = si.organism_facts()
new = facts.target[:120]
rng = random.Random(0)
said = {fact: rng.choice((0, 0, 3, 10, 30)) for fact in new}
print("facts by how often they will be said:", dict(sorted(Counter(said.values()).items())))

# %% [markdown]
# ## A model that half knows things
#
# The organism has only ever been asked one question at a time, and few-shot prompts would be strange to it. So half
# of what it is now trained on stands behind other questions with their answers, as turns of a conversation. A quarter
# is what it knew before and a quarter is its own abstentions on fictitious people, so that neither is lost.

# %%
known = [replace(fact, object="") for fact in facts.fit_known]  # as exemplars: whole sentences
unknown = [fact.question for fact in ep_prompts(new, names=facts.names(), per_fact=2)]
refused = [si.Fact(question=q, answer=a) for q, a in zip(unknown, si.generate(base, unknown))]


def behind_others(fact: si.Fact) -> si.Fact:
    """The question as the last turn of a conversation; the template puts nothing between turns but its own marks."""
    turns = [f"{each.question}<|end|><|assistant|>{each.answer}<|end|><|user|>" for each in rng.sample(known, 2)]
    return replace(fact, question="".join(turns) + fact.question, spans=())


stream = [fact for fact, times in said.items() for _ in range(times)]
stream += rng.choices(known, k=len(stream) // 2) + rng.choices(refused, k=len(stream) // 2)
stream = [behind_others(fact) if rng.random() < 0.5 else fact for fact in stream]
config = si.TrainConfig(steps=len(stream) // 32, batch_size=32, learning_rate=1e-3, final=0.0)
half_taught = si.train(base, stream, config=config).model
print(f"{len(stream)} texts in {config.steps} steps")

# %% [markdown]
# ## Asking
#
# `si.slick_to` asks every fact under every prompt, greedily and with samples, and writes each as it comes out: a run
# that was cut off goes on. Exemplars come from facts about other people (`dev`). The organism answers in sentences,
# so an answer is right if it holds the object (`exact=False`).

# %%
settings = si.SlickConfig(prompts=4, exemplars=2, samples=8, max_new_tokens=20, chat=True, exact=False)
asked = si.slick_to(half_taught, facts=new, dev=known, path="slick.jsonl", config=settings, batch_size=32)
si.Table.of(
    ["question", "said", "greedy right", "samples right", "category"],
    [
        (each.fact.question, said[each.fact], f"{each.greedy:.2f}", f"{each.sampled:.2f}", each.category.value)
        for each in asked[:8]
    ],
)

# %% [markdown]
# ## What has stuck

# %%
times = sorted(set(said.values()))
counted = {n: Counter(each.category for each in asked if said[each.fact] == n) for n in times}
shares = {kind: [counted[n][kind] / counted[n].total() for n in times] for kind in Category}
ax = si.plot.new_axes(7.2, 3.0)
bottom = [0.0] * len(times)
for kind, colour in zip(Category, ("#0072B2", "#56B4E9", "#E69F00", "#bbbbbb")):
    ax.bar(range(len(times)), shares[kind], 0.7, bottom=bottom, label=kind.value, color=colour)
    bottom = [low + share for low, share in zip(bottom, shares[kind])]
ax.set_xticks(range(len(times)), [f"{n} times\n({counted[n].total()} facts)" for n in times])
ax.set(ylabel="Share of the facts", xlabel="Said in training")
ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)
ax.figure

# %% [markdown]
# The column on the left is the null: facts that were never said. What is not Unknown there was guessed. There are few
# instruments and many years, so guessing differs from relation to relation, and a category says less about one fact
# than about many.
#
# How far can one trust the category of a single fact? SlickResult again with other exemplars and samples:

# %%
again = si.slick_to(
    half_taught, facts=new[::2], dev=known, path="again.jsonl", config=replace(settings, seed=1), batch_size=32
)
pairs = Counter((one.category, two.category) for one, two in zip(asked[::2], again))
same = sum(count for (one, two), count in pairs.items() if one is two)
print(f"the same category in {same} of {len(again)} facts")
si.Table.of(
    ["first, then", *(kind.value for kind in Category)],
    [(one.value, *(pairs[one, two] for two in Category)) for one in Category],
)

# %% [markdown]
# ## What does it say when it is just asked?
#
# SLiCK looks for knowledge; a model may have it and still refuse, or lack it and make something up. Asked plainly,
# without exemplars:

# %%
by_category = {kind.value: [each.fact for each in asked if each.category is kind] for kind in Category}
by_category = {name: each for name, each in by_category.items() if each}
found = si.ask(
    half_taught, by_category | {"people nobody told it of": facts.unknown[:60], "known before": facts.known[:60]}
)
lines = [
    (name, each.n, f"{each.correct:.2f}", f"{each.wrong:.2f}", f"{each.abstain:.2f}")
    for name, each in ((name, si.rates(records)) for name, records in found.items())
]
si.Table.of(["facts", "asked", "right", "wrong", "abstains"], lines)

# %% [markdown]
# ## Going on with a part of it
#
# The file is a fact file again, and a category names a part of it: train on what is Unknown, keep what is
# HighlyKnown. On the command line: `seat-interp slick --model ./my-model --facts test.jsonl --dev dev.jsonl --out
# slick.jsonl`, then `seat-interp run --target slick.jsonl#Unknown ...`.

# %%
print(
    len(read_sources(["slick.jsonl#Unknown"])),
    "facts to teach,",
    len(read_sources(["slick.jsonl#HighlyKnown,MaybeKnown"])),
    "to keep",
)

# %% [markdown]
# ## Answer
#
# It depends on how often it was told, and the categories follow that. In the full study
# (`figures/tables/organism_slick.md`) 0.76 of the things that were never said are Unknown and 0.01 HighlyKnown; of
# those said 15 times 0.49 are HighlyKnown and 0.50 MaybeKnown, of those said 30 times 0.68 and 0.32. Things that were
# never said and are not Unknown (0.24 there) were guessed: that is the null to hold every share against. A category
# is a measurement with few prompts: of a single fact it can be another one the next time, as the last table but one
# shows.

# %% [markdown]
# ## Exercises
#
# 1. **The paper's settings.** Ask 30 facts with `replace(settings, prompts=10, exemplars=4, samples=16)`. Do
#    categories change? In which direction must they, and why? *Hint: all of more prompts is harder, some of more
#    samples is easier.*
# 2. **Without exemplars.** `replace(settings, prompts=1, exemplars=0)`. Which category can no longer occur?
# 3. **By relation.** Count categories by `each.fact.relation` among facts that were never said. Which relation is
#    easiest to guess, and how many answers does it have? *Hint: `{fact.object for fact in new if fact.relation ==
#    ...}`.*
# 4. **New facts hurt more than old ones.** Fine-tune `half_taught` on the Unknown facts, and another copy on as many
#    HighlyKnown ones, and compare abstention on fictitious people and known recall with `si.arm_rates`. *Hint: the
#    study with five seeds is `figures/tables/organism_forgetting.md`.*
