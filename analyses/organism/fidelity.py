"""Which score of neurons to trust: rank correlation with exact ablation on the organism, for every score there is.

    python -m analyses.organism.fidelity

Scores and ablation are of what the neurons do now: the loss of known facts' answers, and the abstention log-odds on
unknown ones; on some subjects, and once more with the ablation on other subjects. Scores with a sign are compared with
the effects, sizes with the sizes of the effects. Scores against a copy estimate what happens when a neuron is given its
activation on the fact's entity-perturbed copy, so they are held against just that.

Writes analyses/results/organism_fidelity.json; `make figures` draws.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import tyro

from analyses.common.result_file import write_result
from analyses.plots.organism_tables import fidelity_tables
from seat_interp.attribution import (
    AbstentionLogOdds,
    AnswerLoss,
    Metric,
    Scores,
    ablate_sample,
    attribute,
    fidelity,
    gate_fisher,
    neuron_gradient,
    weight_fisher,
    weight_norm,
)
from seat_interp.core.errors import reported
from seat_interp.facts import Fact, perturb_all
from seat_interp.facts.records import split_by_group
from seat_interp.models.open import LanguageModel, open_model
from seat_interp.organism.study import organism_facts
from seat_interp.training.align import REFUSALS


@dataclass(frozen=True)
class Options:
    """How much to ablate."""

    facts: int = 40
    """Facts in each half."""
    neurons: int = 250
    """Single neurons that are ablated."""
    groups: int = 100
    """Random groups of 20 that are ablated together."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Draws of neurons and groups."""
    results: Path = Path("analyses/results")
    """Where the committed numbers go."""


SIGNED = ("gradient x activation", "integrated, 4 steps", "integrated, 16 steps")
AGAINST_A_COPY = ("against a copy", "integrated from a copy, 4 steps")


def candidates(
    lm: LanguageModel, facts: list[Fact], copies: list[Fact], metric: Metric
) -> dict[str, Callable[[], Scores]]:
    """Every score of neurons that needs no probe; signed where it has a sign."""
    from_copy = partial(attribute, lm, facts, metric=metric, counterfactual=copies, batch_size=64)
    return {
        "gradient x activation": lambda: attribute(lm, facts, metric=metric, batch_size=64),
        "integrated, 4 steps": lambda: attribute(lm, facts, metric=metric, steps=4, batch_size=64),
        "integrated, 16 steps": lambda: attribute(lm, facts, metric=metric, steps=16, batch_size=64),
        "against a copy": from_copy,
        "integrated from a copy, 4 steps": lambda: from_copy(steps=4),
        "|gradient x activation|": lambda: attribute(lm, facts, metric=metric, absolute=True, batch_size=64),
        "|gradient|": lambda: neuron_gradient(lm, facts, metric=metric, batch_size=64),
        "Fisher": lambda: gate_fisher(lm, facts, metric=metric, batch_size=64),
        "Fisher of its weights": lambda: weight_fisher(lm, facts, metric=metric, batch_size=64).per_neuron(lm),
        "magnitude": lambda: weight_norm(lm),
    }


def main(options: Options) -> None:
    """Scores against ablation, for what is known, what is to be taught, and abstention."""
    lm, sets = open_model("organism"), organism_facts()
    rows = []
    cases: list[tuple[str, Metric, list[Fact]]] = [
        ("answer loss of known facts", AnswerLoss(), sets.known),
        ("answer loss of target facts", AnswerLoss(), sets.target),
        ("abstention log odds", AbstentionLogOdds(REFUSALS), sets.fit_unknown),
    ]
    for case, metric, facts in cases:
        parts = split_by_group(facts, 0.5, 0)
        halves = {f"{name} subjects": part[: options.facts] for name, part in zip(("same", "other"), parts)}
        generator = sets.names().generator(0)
        copies = {half: [copy for (copy,) in perturb_all(ablated, generator)] for half, ablated in halves.items()}
        ablations = {
            (half, seed, to_copy): ablate_sample(
                lm,
                ablated,
                metric=metric,
                counterfactual=copies[half] if to_copy else None,
                neurons=options.neurons,
                groups=options.groups,
                seed=seed,
            )
            for half, ablated in halves.items()
            for seed in options.seeds
            for to_copy in (False, True)
        }
        same = "same subjects"
        for score, make in candidates(lm, halves[same], copies[same], metric).items():
            scores = make()
            for (half, seed, to_copy), ablation in ablations.items():
                if to_copy != (score in AGAINST_A_COPY):
                    continue
                found = fidelity(scores, ablation, sizes=score not in SIGNED + AGAINST_A_COPY)
                about = {"metric": case, "score": score, "ablated_on": half, "seed": seed}
                rows.append({**about, "single": found.single, "grouped": found.grouped})
            print(f"{case}: {score}")
    for table in fidelity_tables(rows):
        table.print()
    config = {"facts": options.facts, "neurons": options.neurons, "groups": options.groups, "group_size": 20}
    write_result(options.results / "organism_fidelity.json", rows, config)


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "organism_fidelity.py"))
