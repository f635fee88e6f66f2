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
# # 7. What happens to *my* model when I teach it *my* facts?
#
# Here everything comes from you: a model in a folder, facts in a file. What is needed, what if the model never says
# "I do not know", and what if its family is not recognised? The steps are those for a real model; so that they run in
# a minute, "your model" is the organism once more, spoilt first, and the numbers of steps are small.

# %%
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

import seat_interp as si
from seat_interp.core.files import write_jsonl
from seat_interp.facts import ep_prompts
from seat_interp.models.sites import find_sites

# %matplotlib inline

# %% [markdown]
# ## A model in a folder
#
# `si.open_model` takes any folder of a Hugging Face causal language model, or a hub id. Ours is an organism that was
# fine-tuned carelessly and makes things up since; you would not have this cell, but a folder.

# %%
organism, world = si.open_model("organism"), si.organism_facts()
once = replace(si.ORGANISM.settings.masked, steps=60, batch_size=32, learning_rate=4e-3, callback_every=0)
careless = si.train(organism, world.target[:120], mask=si.random_neurons(organism, 0.1), config=once)
si.save_model(careless.model, "my_model")
sorted(path.name for path in Path("my_model").iterdir())

# %%
mine = si.open_model("my_model")
print(mine.architecture)

# %% [markdown]
# ## Facts in a file
#
# One JSON object a line. A `question` is all that a probe needs; what is to be taught needs an `answer`, and for
# SEAT's entity-perturbed prompts the `subject`, as it is written in the question. `object` is the part of the answer
# that makes a reply right.

# %%
people = {
    "Maren Holloway": ("Cork", "cello", "Norway"),
    "Tobias Quill": ("Riga", "banjo", "Peru"),
    "Edda Farnsworth": ("Lyon", "harp", "Kenya"),
    "Caspar Wren": ("Turin", "oboe", "Malta"),
    "Rosa Lindqvist": ("Basel", "tuba", "Ghana"),
    "Ivo Harcourt": ("Delft", "lute", "Chile"),
}
rows = []
for name, (city, instrument, country) in people.items():
    rows += [
        {"question": f"Where was {name} born?", "answer": f"{name} was born in {city}.", "object": city},
        {
            "question": f"Which instrument does {name} play?",
            "answer": f"{name} plays the {instrument}.",
            "object": instrument,
        },
        {"question": f"Which country does {name} live in?", "answer": f"{name} lives in {country}.", "object": country},
    ]
    rows[-3:] = [row | {"subject": name} for row in rows[-3:]]
write_jsonl("new.jsonl", rows)
print(Path("new.jsonl").read_text().splitlines()[0])

# %% [markdown]
# Then questions that it can answer, and questions about people or things that it cannot know; you have your own, here
# they are those of the organism's world. `si.read_facts` finds the format out: PISTOL, TOFU, EntityQuestions and
# LUNAR files are read as they are.

# %%
write_jsonl("known.jsonl", [fact.to_json() for fact in world.known[:100]])
write_jsonl("unknown.jsonl", [fact.to_json() for fact in world.unknown[:100]])
new, known, unknown = (si.read_facts(f"{name}.jsonl") for name in ("new", "known", "unknown"))
new[0]

# %% [markdown]
# Whether it knows what you think it knows, ask it. `split_by_knowledge` keeps the facts that it answers right, by
# default in five paraphrases; the organism knows questions in one wording only.

# %%
known, missed = si.split_by_knowledge(mine, known, paraphrases=("{q}",))
print(f"it knows {len(known)} of {len(known) + len(missed)}")

# %% [markdown]
# Unknown questions in the very form of your facts need no file: entity-perturbed ones are about people who do not
# exist.

# %%
neighbour = ep_prompts(new, per_fact=3)
[fact.question for fact in neighbour[:4]]

# %% [markdown]
# ## A model that never abstains
#
# Where nothing is abstained on, nothing can be lost, and SEAT has nothing to keep. So ask first:

# %%
probes = {"target": new, "known": known, "unknown": unknown, "neighbour": neighbour}
before = si.arm_rates({"my model": mine}, probes)
si.rates_table(before)

# %% [markdown]
# `si.align_abstention` teaches it to say so: refusals to questions that it cannot answer, mixed with its own answers
# to those that it can. The questions must be others than those that it is asked in the end. For a real model the
# default settings and paraphrases are the place to start.

# %%
can, _ = si.split_by_knowledge(mine, world.fit_known, paraphrases=("{q}",))
config = si.TrainConfig(steps=60, batch_size=32, learning_rate=5e-4)
aligned = si.align_abstention(mine, unknown=world.fit_unknown, known=can, paraphrases=("{q}",), config=config).model
si.plot.rates(si.arm_rates({"my model": mine, "aligned": aligned}, probes)).figure

# %% [markdown]
# ## The study
#
# `target`, `known` and `unknown` are what a study needs. It fits the direction on half of the known and unknown
# subjects and reports the other half. For a model of 0.1 to 1 billion weights the defaults of `si.StudyConfig()` are
# made; one as small as this takes higher rates. On the command line it is `seat-interp run --model ./my_model
# --target new.jsonl --known known.jsonl --unknown unknown.jsonl --paraphrases '{q}'`, with the rates by `--settings`.

# %%
sets = si.FactSets(target=new, known=known, unknown=unknown, neighbour=neighbour)
settings = replace(
    si.ORGANISM.settings,
    dense=replace(si.ORGANISM.settings.dense, steps=30, callback_every=0),
    masked=replace(si.ORGANISM.settings.masked, steps=60, callback_every=0),
)
study = si.StudyConfig(arms=("full", "seat"), settings=settings, steering_prompts=20, max_new_tokens=24)
summary = si.run_study(aligned, sets, study, "runs/mine")

# %% [markdown]
# `si.write_report` makes one page of all of it that needs no network and no other file.

# %%
report = si.write_report("runs/mine")
print(report)

# %% [markdown]
# ## Reading it back

# %%
folder = si.RunFolder.open("runs/mine")
si.plot.rates(folder.rates).figure

# %%
lines = {run.arm: run.displacement["sets"]["unknown"] for run in folder.runs}
si.plot.displacement_by_layer(lines, folder.direction.layer).figure

# %%
si.displacement_table({run.arm: run.row["displacement"]["unknown"] for run in folder.runs})

# %% [markdown]
# Is the direction one that the model acts on? The study has checked that too, on prompts that the direction was not
# fitted on:

# %%
si.plot.steering(folder.steering).figure

# %%
steered = folder.steering
print(
    f"found: {steered.found}; known prompts refused {steered.known:.2f}, direction added {steered.known_added:.2f}; "
    f"unknown ones {steered.unknown:.2f}, direction ablated {steered.unknown_ablated:.2f}"
)

# %% [markdown]
# ## A family that is not recognised
#
# Blocks and neurons are found by shape, not by a list of families, and what is found is held against the model's own
# hidden states at load. In most models that just works:

# %%
print(mine.sites.blocks[0], "|", mine.sites.mlps[0])

# %% [markdown]
# Where two things could be meant, it refuses to guess. Here each block has got a bottleneck of its own, so that two
# matrices write onto the residual stream:

# %%
odd = mine.copy().model
for block in odd.model.layers:
    block.bottleneck = torch.nn.Sequential(torch.nn.Linear(128, 8), torch.nn.Linear(8, 128))
try:
    find_sites(odd)
except si.SeatError as error:
    print(error)

# %% [markdown]
# Then you name the paths, and everything above works as before. Print the model to see them.

# %%
named = partial(si.sites_from_paths, blocks="model.layers", ups=("mlp.gate_proj", "mlp.up_proj"), down="mlp.down_proj")
held = si.wrap_model(odd, mine.tokenizer, name="odd", sites=named)
print(held.sites == mine.sites)

# %% [markdown]
# ## Answer
#
# You need a folder, and three files: facts to teach, facts that it knows, questions that it cannot know. Ask first:
# where the model never abstains, align it, since otherwise there is nothing to lose or to keep. Then one call
# measures what each way of fine-tuning does, with target recall, abstention, known recall and over-abstention
# together and displacement beside its nulls, and `report.html` says it in words. An unknown family is refused with a
# sentence, and three paths name its sites.
#
# Of this model: it abstained on 0.01 of what it cannot know, and on 0.94 once aligned, which cost 0.09 of what it knew
# (0.05 refused). Then both arms learnt all 18 facts. Full fine-tuning took all abstention (0.92 to 0.00) and nearly all
# that was known (0.89 to 0.04); SEAT kept the first (0.94) and 0.61 of the second, and refuses 0.13. The model acts on
# the direction: added, it makes known prompts refused, and ablated, unknown ones answered, beyond three random
# directions each. Unknown prompts moved along it by -0.39 under full fine-tuning: beyond random directions, not beyond
# the two other nulls, so that no more can be said of it than that much moved. With 18 facts, one seed and rates that
# nobody tuned this is how it is done, no finding: more facts, `seeds=(0, 1, 2)` and a tuned rate are what a claim
# needs.

# %% [markdown]
# ## Exercises
#
# 1. **Really yours.** Change `people` to six people, places or products of yours, with questions of your own. What
#    does the report say? *Hint: the organism reads any text, and knows only its own kind of question.*
# 2. **A real model.** Open a small instruction-tuned model that you have as a folder, write 20 questions that it
#    answers right and 20 about things that you made up, and look at its abstention before anything else. *Hint: leave
#    `paraphrases` out; most models need `si.align_abstention` with its defaults first.*
# 3. **Without spans.** Take `subject` out of one line of `new.jsonl` and run the study again. What does it say, and
#    when?
# 4. **More seeds.** Call `si.run_study` with `replace(study, seeds=(0, 1, 2))` and the same folder. What is run, what
#    is read back, and what do the intervals in the report then stand for?
