"""Masks compared at equal budget: what each run of a comparison is, its row of rates, and the table of all rows."""

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Literal

from analyses.common.small_runs import run_cells
from seat_interp.evaluation.score import ask
from seat_interp.facts import FactSets
from seat_interp.masks.mask import Mask
from seat_interp.models.axes import Granularity
from seat_interp.models.open import LanguageModel
from seat_interp.results.table import Table
from seat_interp.results.tables import with_interval
from seat_interp.studies.aggregate import four_rates
from seat_interp.studies.measure import rates_of
from seat_interp.training.config import TrainConfig
from seat_interp.training.objectives import Objective
from seat_interp.training.trainer import train

Loss = Literal["ce", "seat"]
RATES = ("target_recall", "abstention", "known_recall", "over_abstention")


@dataclass(frozen=True)
class Cell:
    """One mask, trained once."""

    scheme: str
    granularity: Granularity
    loss: Loss
    target: str
    budget: float
    seed: int

    @property
    def arm(self) -> str:
        """All but the seed, in words."""
        return f"{self.scheme}, {self.granularity}, {self.loss}, {self.target}, {self.budget:g}"


def train_and_ask(
    lm: LanguageModel,
    sets: FactSets,
    mask: Mask,
    objective: Objective,
    config: TrainConfig,
    *,
    max_new_tokens: int,
    batch_size: int,
) -> dict[str, Any]:
    """Train within the mask, ask every set, and give the four rates."""
    began = time.perf_counter()
    tuned = train(lm, sets.target, objective=objective, mask=mask, config=config, names=sets.names())
    seconds = time.perf_counter() - began
    asked = {"target": sets.target, "known": sets.known, **sets.abstention_sets()}
    found = ask(tuned.model, asked, batch_size=batch_size, max_new_tokens=max_new_tokens, progress=False)
    return {
        **rates_of(found, list(sets.abstention_sets())),
        "loss_at_end": tuned.log[-1]["cross_entropy"],
        "uses_evaluation_data": bool(mask.origin.get("uses_evaluation_data")),
        "seconds": round(seconds, 2),
    }


def compare(wanted: Sequence[Cell], run: Callable[[Cell], dict[str, Any]], **where: Any) -> None:
    """Every cell that is not there yet, all rows into the result file, and the table of those that are wanted.

    Args:
        wanted: the runs.
        run: one of them, importable; gives what `train_and_ask` gives.
        where: as for `run_cells`.
    """
    rows = run_cells(wanted, run, **where)
    for table in tables([rows[cell] for cell in wanted]):
        table.print()


def tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """Every way of making masks, setting by setting: means over seeds; * where probes were used.

    In brackets 95 %, over seeds or over prompts, whichever end lies further out.
    """
    setting = itemgetter("granularity", "loss", "target", "budget")
    heads = ("masks", "seeds", "target recall", "abstention, mean of sets", "known recall", "over-abstention")
    made = []
    for (granularity, loss, target, budget), here in itertools.groupby(sorted(rows, key=setting), key=setting):
        lines = []
        for scheme, those in itertools.groupby(sorted(here, key=itemgetter("scheme")), key=itemgetter("scheme")):
            same = list(those)
            found = four_rates(same)
            cells = (with_interval(found[key]) for key in RATES)
            lines.append((scheme + (" *" if same[0]["uses_evaluation_data"] else ""), len(same), *cells))
        words = "SEAT" if loss == "seat" else "cross entropy"
        kind = "neurons (structured)" if granularity == "neuron" else "weights (unstructured)"
        made.append(Table.of(heads, lines, f"{budget:.0%} of the {kind}, {target}, {words}."))
    return made
