"""Ways of making masks for the organism: what their scores are made of, and every scheme by its name."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import Any, Literal

import torch

from analyses.common.organism_arms import Target
from seat_interp.attribution import (
    KLToBase,
    Metric,
    Scores,
    attribute,
    average,
    gate_fisher,
    gradient_times_weight,
    harm,
    update_effect,
    weight_fisher,
    weight_magnitude,
    weight_norm,
)
from seat_interp.evaluation.knowledge import confident
from seat_interp.facts import Fact, FactSets, ep_prompts
from seat_interp.facts.records import split_by_group
from seat_interp.masks.mask import Mask
from seat_interp.masks.random import layer_matched, random_coordinates, random_neurons
from seat_interp.masks.select import Spread, difference, exclude, inverted, ratio, select
from seat_interp.models.axes import Granularity
from seat_interp.models.open import LanguageModel, open_model
from seat_interp.organism.study import ORGANISM, organism_facts
from seat_interp.organism.world import FITTED, build_world
from seat_interp.training.objectives import CrossEntropy
from seat_interp.training.trainer import train

Harm = Literal[Granularity, "update", "update of EP prompts"]
Make = Callable[["Material", float, int], Mask]
"""(what scores are made of, budget, seed) -> a mask."""


class Material:
    """A model and facts with the scores that masks are made of, each computed once in a process."""

    def __init__(
        self, lm: LanguageModel, sets: FactSets, kept: list[Fact], granularity: Granularity, seed: int = 0
    ) -> None:
        self.lm, self.sets, self.granularity, self.seed = lm, sets, granularity, seed
        self.strangers = ep_prompts(sets.target, names=sets.names(), per_fact=2)
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
            "gate_fisher": lambda: gate_fisher(lm, facts, batch_size=64),
            "gxa": lambda: attribute(lm, facts, absolute=True, batch_size=64),
            "gxw": lambda: gradient_times_weight(lm, facts, batch_size=64),
            "update": lambda: self._update(facts).map(torch.neg),
        }
        return table[score]()

    def _harm(self, of: Harm) -> Scores:
        """Harm to the model's own replies, strangers and confident answers with equal weight; per neuron if need be."""

        def one(kept: list[Fact]) -> Scores:
            if of.startswith("update"):
                return self._update(kept, KLToBase(self.lm)).abs()
            found = harm(self.lm, kept, granularity=of, batch_size=64)
            return found.per_neuron(self.lm) if self.granularity != of else found

        kept = (self.strangers,) if of == "update of EP prompts" else (self.strangers, self.confident)
        return average([one(facts) for facts in kept])

    def _update(self, facts: list[Fact], metric: Metric | None = None) -> Scores:
        how: dict[str, Any] = {"granularity": self.granularity, "batch_size": 64}
        return update_effect(base=self.lm, tuned=self.dense(), facts=facts, metric=metric, **how)

    def _dense(self) -> LanguageModel:
        """A short fine-tuning of everything on the target facts, whose update is looked into."""
        config = replace(ORGANISM.settings.dense, callback_every=0, seed=self.seed)
        return train(self.lm, self.sets.target, objective=(CrossEntropy(),), config=config).model


def scored(score: str, **settings: Any) -> Make:
    """Usefulness alone."""
    return lambda m, budget, seed: select(m.lm, m.useful(score), budget, **settings)


def protected(score: str, rule: Any, of: Harm = "coordinate", **settings: Any) -> Make:
    """Usefulness traded against harm: that of weights, summed over a neuron's own, or of the neurons' gates; or
    what a dense update did to the model's own replies."""
    return lambda m, budget, seed: select(m.lm, m.useful(score), budget, protect=m.harm(of), rule=rule, **settings)


def harmless(useful: Scores, harm: Scores) -> dict[str, torch.Tensor]:
    """The least harm, whatever the use."""
    return {name: -value for name, value in harm.values.items()}


def matched(make: Make) -> Make:
    """Random, with as many in each layer as another has."""
    return lambda m, budget, seed: layer_matched(m.lm, make(m, budget, seed), seed)


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
    "update_exclude_ep": protected("update", partial(exclude, top=0.6), "update of EP prompts"),
    "update_exclude_matched": matched(protected("update", partial(exclude, top=0.6), "update")),
}
"""Scores of weights; a neuron has the sum over its own. What a dense update did: learning less what must not change;
the share 0.6 is ours, found on people, unstructured masks, seed 0. `_ep` protects entity-perturbed prompts
alone: the
questions about known subjects, whose answers nobody gives, were sorted out by us."""
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


def kept_facts(target: Target) -> list[Fact]:
    """A part of what it knows, for protection: the subjects that the sets fit the direction on; no probe is on them."""
    world = build_world()
    own = (world.people if target == "people" else world.contracts)["known"].facts(wording=0)
    return split_by_group(own, FITTED, 0)[1]


@cache
def material(target: Target, granularity: Granularity) -> Material:
    """The organism with a target set, once in a process."""
    torch.set_num_threads(1)
    return Material(open_model("organism"), organism_facts(target), kept_facts(target), granularity)
