"""What is looked at while a half-taught organism is trained: rates, displacement, drift of its hidden states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from analyses.common.half_taught import start
from analyses.common.learning_curves import asked_of
from seat_interp.directions.direction import fit_direction
from seat_interp.directions.displacement import cosine_drift
from seat_interp.facts import Fact, FactSets
from seat_interp.models.open import LanguageModel
from seat_interp.organism.study import organism_facts
from seat_interp.studies.measure import Baseline, baseline


@dataclass(frozen=True)
class Watch:
    """Where every run begins, and what it is measured against.

    Attributes:
        base: the half-taught organism, its ignorance direction, and its activations on strangers and on what it knows
            highly about people whom no run trains on.
    """

    base: Baseline

    def looked(self, lm: LanguageModel, asked: Mapping[str, Sequence[Fact]]) -> dict[str, Any]:
        """Rates of every set; displacement of both sets of prompts; cosine drift at every layer."""
        after = self.base.capture(lm)
        direction, at = self.base.direction, self.base.direction.layer
        shift = {n: (after[n].double() - self.base.activations[n].double()).mean(0) for n in after}
        along = {n: float(direction.project(each[None])[0, at] / direction.separation[at]) for n, each in shift.items()}
        drift = cosine_drift(self.base.activations["known"], after["known"]).mean(0).tolist()
        return {"rates": asked_of(lm, asked), "displacement": along, "drift": drift}

    def at_the_end(self, lm: LanguageModel) -> dict[str, Any]:
        """Displacement with intervals and nulls, and the mean shift of known prompts at the direction's layer."""
        after, at = self.base.capture(lm), self.base.direction.layer
        shift = (after["known"].double() - self.base.activations["known"].double()).mean(0)[at]
        return {"displacement": self.base.displaced(after).summary(), "shift": shift.tolist()}


@cache
def watch(half_taught: Path) -> Watch:
    """Fit the direction on strangers and the organism's own people, whom no run trains on; once in a process."""
    half, split = start(half_taught)
    own = organism_facts("people")
    direction = fit_direction(half.lm, unknown=own.fit_unknown, known=own.fit_known)
    fit = {"fit_known": own.fit_known, "fit_unknown": own.fit_unknown}
    sets = FactSets(known=split.held_out, unknown=split.asked["unknown"], **fit)
    return Watch(baseline(half.lm, sets, direction, set_names=("unknown", "known")))
