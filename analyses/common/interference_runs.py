"""New facts whose keys are like names, or are strings (2604.15574): a run, its keys and values, the table of all."""

import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from analyses.common.learning_curves import loss, middle_drift
from seat_interp.evaluation.intervals import estimate
from seat_interp.results.table import Table
from seat_interp.results.tables import with_interval
from seat_interp.studies.aggregate import combine_displacement

Kind = Literal["names", "strings"]
COUNTS = (10, 80, 640)
"""Of facts, on the organism."""


@dataclass(frozen=True)
class Run:
    """Facts of one kind, so many, one seed."""

    keys: Kind
    values: Kind
    count: int
    seed: int
    distil: bool = False

    @property
    def arm(self) -> str:
        """The kinds in words."""
        values = {"names": "countries", "strings": "strings"}[self.values]
        return f"{self.keys} to {values}{', self-distillation' if self.distil else ''}"


def recombined(names: Sequence[str], rng: random.Random) -> str:
    """The beginning of one name and the end of another."""
    head, tail = rng.sample(list(names), 2)
    return head[: (len(head) + 1) // 2] + tail[len(tail) // 2 :]


def keys_and_values(
    run: Run, name: Callable[[random.Random], str], countries: Sequence[str], taken: Collection[str]
) -> list[tuple[str, str]]:
    """Those of a run: of a larger count the first are those of a smaller one. Each key is there once.

    Args:
        run: kinds, count and seed.
        name: makes a name-like key.
        countries: values that are no strings.
        taken: keys that there must not be.
    """
    rng = random.Random(f"{run.keys} {run.values} {run.seed}")
    found: dict[str, str] = {}
    while len(found) < run.count:
        key = name(rng) if run.keys == "names" else f"{rng.getrandbits(16):04x}-{rng.getrandbits(16):04x}"
        value = rng.choice(countries) if run.values == "names" else f"{rng.getrandbits(16):04x}"
        if key not in taken:
            found.setdefault(key, value)
    return list(found.items())


def tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """Every kind and count: means over seeds, 95 % intervals."""
    lines = []
    for arm in dict.fromkeys(row["arm"] for row in rows):
        for count in sorted({row["count"] for row in rows if row["arm"] == arm}):
            same = [row for row in rows if (row["arm"], row["count"]) == (arm, count)]
            learnt = estimate([row["curve"][-1]["rates"]["new"]["correct"] for row in same], bounds=(0.0, 1.0))
            cells = [estimate([loss(row["curve"], name) for row in same]) for name in ("H_K", "H_K same relation")]
            middle = estimate([middle_drift(row["curve"][-1]) for row in same])
            said = [with_interval(each) for each in (learnt, *cells, middle)]
            if "displacement" in same[0]:  # along the ignorance direction of a model that abstains
                said.append(with_interval(estimate([loss(row["curve"], "unknown", "abstain") for row in same])))
                moved = combine_displacement([row["displacement"]["known"] for row in same])
                said += [with_interval(moved.along, "+"), "{:+.2f} to {:+.2f}".format(*moved.null["random"])]
            lines.append((arm, count, len(same), *said))
    heads = ("keys and values", "facts", "seeds", "learnt", "loss of H_K", "same relation", "cosine drift")
    heads += ("loss of abstention", "displacement", "random null")
    epochs = rows[0]["curve"][-1]["epoch"]
    drift = (
        "drift, at the middle layer, and displacement are"
        if len(lines[0]) == len(heads)
        else "drift is, at the middle layer,"
    )
    caption = f"After {epochs} epochs; {drift} of H_K's prompts."
    return [Table.of(heads[: len(lines[0])], lines, caption)]
