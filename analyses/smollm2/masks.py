"""Does a scored mask keep more than a random one on a real model? SmolLM2-135M-Instruct, PISTOL, 10 % of the weights.

    python -m analyses.smollm2.masks --data DATA            (resumable; goes on from the committed rows too)

The rule is the best one on the organism, with its settings: weights by how far their change lowered the loss of the
target facts in a dense fine-tuning, never those in the top 0.6 by how far it moved the model's own replies. What must
stay are perturbed copies of the target facts and questions that the model asked itself and answers with some
confidence: no data at all. Writes analyses/results/smollm2_masks.json; `make figures` draws from it. On two cores 20
minutes for the aligned model if `make real` has not left it, 16 for the scores, 10 a run.
"""

import itertools
import sys
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

import torch
import tyro

from analyses.common.aligned_smollm2 import Aligned, prepare
from analyses.common.mask_runs import Cell, Loss, compare, train_and_ask
from analyses.common.smollm2_arms import BY_HAND
from seat_interp.attribution import KLToBase, Scores, average, update_effect
from seat_interp.core.errors import reported
from seat_interp.evaluation.knowledge import confident
from seat_interp.evaluation.self_questions import self_questions
from seat_interp.facts import Fact, ep_prompts
from seat_interp.masks.mask import Mask
from seat_interp.masks.random import layer_matched, random_coordinates
from seat_interp.masks.select import exclude, select
from seat_interp.training.objectives import CrossEntropy
from seat_interp.training.trainer import train

Scheme = Literal["random", "update_exclude", "update_exclude_matched"]
TOP = 0.6
"""Share by harm that is never chosen: as on the organism."""
ASKED = 256
"""Questions that the model asks itself; it protects those that it answers with some confidence."""
LEAST = 0.5
"""That is, mean probability of a reply's tokens; of replies this long hardly any reach the organism's 0.9."""
TRAINING = replace(
    BY_HAND.masked, steps=160, learning_rate=4e-4, warmup=0.1, final=0.1, callback_every=0, checkpoint_every=0
)
"""Of cross entropy alone, for every mask; with SEAT's KL all masks train as in smollm2_headline.py."""


@dataclass(frozen=True)
class Options:
    """Where things are, and what to compare."""

    data: Path = Path("data")
    """Folder with lunar/, tofu/, countries/, relations/; analyses/README.md says where they come from."""
    real: Path = Path("runs/real")
    """The work folder of smollm2_headline.py, whose aligned model is taken up or made."""
    work: Path = Path("runs/smollm2_masks")
    """What is kept between calls."""
    results: Path = Path("analyses/results")
    """Where the committed numbers go."""
    schemes: tuple[Scheme, ...] = ("random", "update_exclude")
    """Ways of making masks."""
    losses: tuple[Loss, ...] = ("ce",)
    """Cross entropy alone, or with SEAT's KL."""
    budgets: tuple[float, ...] = (0.1,)
    """Share of the MLP and attention weights."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Of the random mask, the copies and the order of the facts."""


@cache
def base(data: Path, real: Path) -> Aligned:
    """The aligned model, once in a process."""
    return prepare(data, real)


def scores(options: Options) -> tuple[Scores, Scores]:
    """Usefulness and harm, made once and then read back."""
    paths = [options.work / f"{name}.safetensors" for name in ("useful", "harm")]
    if not all(path.exists() for path in paths):
        start = base(options.data, options.real)
        lm, target, names = start.lm, start.sets.target, start.sets.names()
        # Never a name that is taught or probed.
        avoid = names.avoiding(entity for fact in target for entity in fact.entities).avoid
        asked = [Fact(question=question) for question in self_questions(lm, ASKED, avoid=avoid)]
        kept = ep_prompts(target, names=names), confident(lm, asked, least=LEAST)
        print(f"To stay: {len(kept[0])} copies, {len(kept[1])} of {ASKED} questions of its own")
        dense = replace(BY_HAND.dense, callback_every=0)
        tuned = train(lm, target, objective=(CrossEntropy(),), config=dense, checkpoint=options.work / "dense").model
        if not paths[0].exists():
            useful = update_effect(base=lm, tuned=tuned, facts=target, checkpoint=options.work / "useful.part")
            useful.map(torch.neg).save(paths[0])
        kl = KLToBase(lm)
        parts = [options.work / f"harm-{number}.part" for number in range(len(kept))]
        effects = [
            update_effect(base=lm, tuned=tuned, facts=of, metric=kl, checkpoint=part) for of, part in zip(kept, parts)
        ]
        average([effect.abs() for effect in effects]).save(paths[1])
        (options.work / "dense").unlink()
    useful, harm = (Scores.load(path) for path in paths)
    return useful, harm


def make_mask(options: Options, cell: Cell) -> Mask:
    """Of the budget, by the cell's scheme."""
    lm = base(options.data, options.real).lm
    if cell.scheme == "random":
        return random_coordinates(lm, cell.budget, cell.seed)
    useful, harm = scores(options)
    mask = select(lm, useful, cell.budget, protect=harm, rule=partial(exclude, top=TOP))
    return layer_matched(lm, mask, cell.seed) if cell.scheme == "update_exclude_matched" else mask


def run(options: Options, cell: Cell) -> dict[str, Any]:
    """Make the mask, train within it, ask everything."""
    start = base(options.data, options.real)
    objective = (CrossEntropy(),) if cell.loss == "ce" else (CrossEntropy(), BY_HAND.kl)
    config = TRAINING if cell.loss == "ce" else replace(BY_HAND.masked, callback_every=0, checkpoint_every=0)
    mask = make_mask(options, cell)
    how = {"max_new_tokens": 32, "batch_size": 32}
    return train_and_ask(start.lm, start.sets, mask, objective, replace(config, seed=cell.seed), **how)


def main(options: Options) -> None:
    """The aligned model, the scores, every mask."""
    options.work.mkdir(parents=True, exist_ok=True)
    start = base(options.data, options.real)
    settings = {
        "training": {"ce": asdict(TRAINING), "seat": asdict(BY_HAND.masked)},
        "dense": asdict(BY_HAND.dense),
        "kl": asdict(BY_HAND.kl),
        "top": TOP,
        "asked": ASKED,
        "least": LEAST,
        "model": start.lm.fingerprint,
        "aligned": start.alignment["after"],
    }
    every = itertools.product(options.seeds, options.budgets, options.losses, options.schemes)
    wanted = [Cell(scheme, "coordinate", loss, "pistol", budget, seed) for seed, budget, loss, scheme in every]
    if any(cell.scheme != "random" for cell in wanted):
        scores(options)
    saved = options.results / "smollm2_masks.json"
    compare(wanted, partial(run, options), settings=settings, work=options.work, saved=saved, workers=1)


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "smollm2_masks.py"))
