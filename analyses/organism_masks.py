"""Does a scored mask keep more than a random one? The organism, neurons and single weights, with and without SEAT's KL.

    python analyses/organism_masks.py            (resumable; goes on from the committed rows too)

Every mask is trained alike at equal budget; the four rates of each run become a row. Protection looks at perturbed
copies of the target facts and at the model's own replies about a part of the people or contracts it knows; the known
probes are about the others. Writes analyses/results/organism_masks.json; `make figures` draws from it.
"""

import itertools
import json
import multiprocessing
import shlex
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

import torch
import tyro
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from seat_interp.attribution import KLToBase, Scores, attribute, average, update_effect, weight_fisher
from seat_interp.attribution.neurons import neuron_fisher, weight_norm
from seat_interp.attribution.protect import confident, harm, strangers
from seat_interp.attribution.weights import gradient_times_weight, weight_magnitude
from seat_interp.direction import split_by_group
from seat_interp.errors import SeatError, reported
from seat_interp.evaluation.generate import generate
from seat_interp.evaluation.score import rates, records
from seat_interp.facts import Fact, FactSets
from seat_interp.files import read_json, read_jsonl, write_json
from seat_interp.masks.mask import Granularity, Mask
from seat_interp.masks.random import layer_matched, random_coordinates, random_neurons
from seat_interp.masks.select import Spread, difference, exclude, inverted, ratio, select
from seat_interp.models.open import LanguageModel, open_model
from seat_interp.organism import organism_facts
from seat_interp.organism.settings import ORGANISM
from seat_interp.organism.world import build_world
from seat_interp.results.aggregate import estimate
from seat_interp.results.environment import environment
from seat_interp.results.tables import with_interval
from seat_interp.training.objectives import SEAT, CrossEntropy, EntityPerturbedKL
from seat_interp.training.trainer import train

Target = Literal["people", "contracts"]
Loss = Literal["ce", "seat"]
Harm = Literal[Granularity, "update"]
Make = Callable[["Material", float, int], Mask]
"""(what scores are made of, budget, seed) -> a mask."""


@dataclass(frozen=True)
class Options:
    """What to compare, and where things are."""

    schemes: tuple[str, ...] = ()
    """Ways of making masks; all that have the granularity if none is named."""
    granularities: tuple[Granularity, ...] = ("neuron", "coordinate")
    """Whole neurons, single weights."""
    losses: tuple[Loss, ...] = ("ce", "seat")
    """Cross entropy alone, or with SEAT's KL."""
    targets: tuple[Target, ...] = ("people", "contracts")
    """What is taught."""
    budgets: tuple[float, ...] = (0.01, 0.02, 0.05, 0.1, 0.25)
    """Share of the neurons or weights."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Of the mask, the copies and the order of the facts."""
    workers: int = 2
    """Processes of one thread each: a model this small gains nothing from more threads."""
    work: Path = Path("runs/organism_masks")
    """What is kept between calls."""
    results: Path = Path("analyses/results")
    """Where the committed numbers go."""


@dataclass(frozen=True)
class Cell:
    """One mask, trained once."""

    scheme: str
    granularity: Granularity
    loss: Loss
    target: Target
    budget: float
    seed: int


class Material:
    """A model and facts with the scores that masks are made of, each computed once in a process."""

    def __init__(self, lm: LanguageModel, sets: FactSets, kept: list[Fact], granularity: Granularity) -> None:
        self.lm, self.sets, self.granularity = lm, sets, granularity
        self.strangers = strangers(sets.target, names=sets.names(), copies=2)
        self.confident = confident(lm, kept, batch_size=64)
        self.useful = cache(self._useful)
        self.harm = cache(self._harm)
        self.dense = cache(self._dense)

    def _useful(self, score: str) -> Scores:
        lm, facts = self.lm, self.sets.target
        neurons = self.granularity == "neuron"

        def fisher() -> Scores:
            found = weight_fisher(lm, facts, batch_size=64)
            return found.per_neuron(lm) if neurons else found

        table: dict[str, Callable[[], Scores]] = {
            "fisher": fisher,
            "magnitude": lambda: weight_norm(lm) if neurons else weight_magnitude(lm),
            "gate_fisher": lambda: neuron_fisher(lm, facts, batch_size=64),
            "gxa": lambda: attribute(lm, facts, absolute=True, batch_size=64),
            "gxw": lambda: gradient_times_weight(lm, facts, batch_size=64),
            "update": lambda: self._per_neuron(update_effect(lm, self.dense(), facts, batch_size=64).map(torch.neg)),
        }
        return table[score]()

    def _harm(self, of: Harm) -> Scores:
        """Harm to the model's own replies, strangers and confident answers with equal weight; per neuron if need be."""

        def one(kept: list[Fact]) -> Scores:
            if of == "update":
                kl = KLToBase(self.lm)
                return self._per_neuron(update_effect(self.lm, self.dense(), kept, metric=kl, batch_size=64)).abs()
            found = harm(self.lm, kept, granularity=of, batch_size=64)
            return found if of == "neuron" else self._per_neuron(found)

        return average([one(kept) for kept in (self.strangers, self.confident)])

    def _per_neuron(self, scores: Scores) -> Scores:
        return scores.per_neuron(self.lm) if self.granularity == "neuron" else scores

    def _dense(self) -> LanguageModel:
        """A short fine-tuning of everything on the target facts, whose update is looked into."""
        config = replace(ORGANISM.settings.dense, probe_every=0)
        return train(self.lm, self.sets.target, objective=(CrossEntropy(),), config=config).model


def scored(score: str, **settings: Any) -> Make:
    """Usefulness alone."""
    return lambda m, budget, seed: select(m.lm, m.useful(score), budget, **settings)


def protected(score: str, rule: Any, of: Harm = "coordinate", **settings: Any) -> Make:
    """Usefulness traded against harm: that of single weights, summed over a neuron's own, or of the neurons' gates; or
    what a dense update did to the model's own replies."""
    return lambda m, budget, seed: select(m.lm, m.useful(score), budget, protect=m.harm(of), rule=rule, **settings)


def harmless(useful: Scores, harm: Scores) -> dict[str, torch.Tensor]:
    """The least harm, whatever the use."""
    return {name: -value for name, value in harm.values.items()}


def matched(make: Make) -> Make:
    """Random, with as many in each layer as another has."""
    return lambda m, budget, seed: layer_matched(m.lm, make(m, budget, seed), seed)


KEPT = 0.4
"""Share of the known people or contracts that protection looks at, and no probe."""
EVEN = Spread(per_layer=True)
BOTH: dict[str, Make] = {
    "magnitude": scored("magnitude"),
    "fisher": scored("fisher"),
    "fisher_exclude": protected("fisher", exclude),
    "fisher_difference": protected("fisher", difference),
    "fisher_ratio": protected("fisher", ratio),
    "fisher_ratio_even": protected("fisher", ratio, spread=EVEN),
    "fisher_ratio_matched": matched(protected("fisher", ratio)),
    "fisher_ratio_inverted": protected("fisher", inverted(ratio)),
    "harmless": protected("fisher", harmless),
    "update": scored("update"),
    "update_exclude": protected("update", partial(exclude, top=0.6), "update"),
    "update_exclude_matched": matched(protected("update", partial(exclude, top=0.6), "update")),
}
"""Of single weights; a neuron has the sum over its own. What a dense update did: learning less what must not change;
the share 0.6 is ours, found on people, single weights, seed 0."""
SCHEMES: dict[Granularity, dict[str, Make]] = {
    "neuron": {
        "random": lambda m, budget, seed: random_neurons(m.lm, budget, seed),
        **BOTH,
        "gxa": scored("gxa"),
        "gxa_ratio": protected("gxa", ratio, "neuron"),
        "gxa_ratio_even": protected("gxa", ratio, "neuron", spread=EVEN),
        "gxa_difference": protected("gxa", difference, "neuron"),
        "gxa_exclude": protected("gxa", exclude, "neuron"),
        "gate_fisher_ratio": protected("gate_fisher", ratio, "neuron"),
    },
    "coordinate": {
        "random": lambda m, budget, seed: random_coordinates(m.lm, budget, seed),
        **BOTH,
        "gxw": scored("gxw"),
        "gxw_ratio": protected("gxw", ratio),
    },
}


@cache
def material(target: Target, granularity: Granularity) -> Material:
    """The organism with a target set; a part of what it knows is kept for protection and probed nowhere."""
    torch.set_num_threads(1)
    sets = organism_facts(target)
    world = build_world()
    own = (world.people if target == "people" else world.contracts)["known"].facts(wording=0)
    _, kept = split_by_group(own, KEPT, 0)
    subjects = {fact.subject for fact in kept}
    sets = replace(sets, known=[fact for fact in sets.known if fact.subject not in subjects])
    return Material(open_model("organism"), sets, kept, granularity)


def run(cell: Cell) -> dict[str, Any]:
    """Make the mask, train within it, ask everything."""
    m = material(cell.target, cell.granularity)
    mask = SCHEMES[cell.granularity][cell.scheme](m, cell.budget, cell.seed)
    config = replace(ORGANISM.settings.masked, seed=cell.seed, probe_every=0)
    objective = SEAT() if cell.loss == "seat" else (CrossEntropy(),)
    began = time.perf_counter()
    tuned = train(m.lm, m.sets.target, objective=objective, mask=mask, config=config, names=m.sets.names())
    seconds = time.perf_counter() - began
    asked = {"target": m.sets.target, "known": m.sets.known, **m.sets.abstention_probes()}
    replies = iter(generate(tuned.model, [f.question for facts in asked.values() for f in facts], batch_size=256,
                            max_new_tokens=ORGANISM.max_new_tokens, progress=False))  # fmt: skip
    rate = {name: rates(records(name, facts, [next(replies) for _ in facts])) for name, facts in asked.items()}
    return {
        **asdict(cell),
        "arm": f"{cell.scheme}, {cell.granularity}, {cell.loss}, {cell.target}, {cell.budget:g}",
        "target_recall": rate["target"].correct,
        "known_recall": rate["known"].correct,
        "over_abstention": rate["known"].abstain,
        "abstention": {name: rate[name].abstain for name in m.sets.abstention_probes()},
        "unscored": sum(round(r.unscored * r.n) for r in rate.values()),
        "loss_at_end": tuned.log[-1]["cross_entropy"],
        "kept": {"strangers": len(m.strangers), "confident": len(m.confident)},
        "probes": bool(mask.origin.get("probes")),
        "seconds": round(seconds, 2),
    }


def main(options: Options) -> None:
    """Every cell that is not there yet, then the table."""
    path = options.work / "rows.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    settings: dict[str, Any] = {
        "training": asdict(ORGANISM.settings.masked),
        "kl": asdict(EntityPerturbedKL()),
        "kept": KEPT,
        "model": open_model("organism").fingerprint,
    }
    settings = json.loads(json.dumps(settings))
    if (of := path.with_name("settings.json")).exists() and read_json(of) != settings:
        raise SeatError(f"{path} was made with other settings. Give another --work, or remove that folder.")
    write_json(of, settings)
    saved = options.results / "organism_masks.json"
    rows = read_jsonl(path) if path.exists() else []
    if saved.exists() and (before := read_json(saved))["config"] == settings:
        done = {_cell(row) for row in rows}
        rows += [row for row in before["rows"] if _cell(row) not in done]
    done = {_cell(row) for row in rows}
    wanted = [
        Cell(scheme, granularity, loss, target, budget, seed)
        # Seeds outermost: a run that is cut off has whole comparisons.
        for seed, budget, granularity, target, loss in itertools.product(
            options.seeds, options.budgets, options.granularities, options.targets, options.losses
        )
        for scheme in (options.schemes or SCHEMES[granularity])
        if scheme in SCHEMES[granularity]
    ]
    todo = [cell for cell in wanted if cell not in done]
    pool = ProcessPoolExecutor(options.workers, multiprocessing.get_context("spawn"))
    with path.open("a") as file:
        try:
            for future in tqdm(as_completed([pool.submit(run, cell) for cell in todo]), total=len(todo), unit="run"):
                rows.append(future.result())
                file.write(json.dumps(rows[-1]) + "\n")
                file.flush()
        finally:  # one that fails does not wait for all that are still to come
            pool.shutdown(cancel_futures=True)
    rows.sort(key=lambda row: tuple(str(value) for value in asdict(_cell(row)).values()))
    chosen = set(wanted)
    print_table([row for row in rows if _cell(row) in chosen])
    summary = {
        "rows": rows,
        "config": settings,
        "environment": environment(),
        "command": shlex.join(["python", "analyses/organism_masks.py", *sys.argv[1:]]),
    }
    write_json(saved, summary)


def print_table(rows: list[dict[str, Any]]) -> None:
    """Every way of making masks, setting by setting: means over seeds, 95 % intervals; * where probes were used."""
    heads = ("Target recall", "Abstention", "Known recall", "Over-abstention")
    setting = itemgetter("granularity", "loss", "target", "budget")
    console = Console()
    for (granularity, loss, target, budget), found in itertools.groupby(sorted(rows, key=setting), key=setting):
        table = Table(
            "Masks", "Seeds", *heads, box=SIMPLE_HEAD, title=f"{budget:.0%} of {granularity}s, {target}, {loss}"
        )
        for scheme, those in itertools.groupby(found, key=itemgetter("scheme")):
            same = list(those)
            kept = [sum(row["abstention"].values()) / len(row["abstention"]) for row in same]
            rates = [[row[key] for row in same] for key in ("target_recall", "known_recall", "over_abstention")]
            cells = [with_interval(estimate(values, bounds=(0.0, 1.0))) for values in (rates[0], kept, *rates[1:])]
            table.add_row(scheme + (" *" if same[0]["probes"] else ""), str(len(same)), *cells)
        console.print(table)


def _cell(row: dict[str, Any]) -> Cell:
    return Cell(*(row[name] for name in Cell.__dataclass_fields__))


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "organism_masks.py"))
