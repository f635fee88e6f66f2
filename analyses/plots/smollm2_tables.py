"""Tables of SmolLM2's results, one function for each result file."""

from collections.abc import Sequence
from typing import Any

from analyses.common.accuracy_model import model_table
from analyses.common.learning_curves import accuracy
from analyses.common.smollm2_arms import GRIDS
from analyses.common.tuning_grid import in_grid
from analyses.common.tuning_rule import trials_table
from seat_interp.evaluation.intervals import estimate
from seat_interp.evaluation.slick import Category
from seat_interp.plot.wording import arm_name
from seat_interp.results.table import Table
from seat_interp.results.tables import with_interval


def mixing_tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """Test accuracy at every epoch that was looked at, and the linear model."""
    unit: dict[str, Any] = {"bounds": (0.0, 1.0)}
    lines = []
    for arm in dict.fromkeys(row["arm"] for row in rows):
        same = [row for row in rows if row["arm"] == arm]
        for n, moment in enumerate(same[0]["curve"]):
            found = [
                [row["curve"][n]["rates"].get(f"train_{kind}", {}).get("correct") for row in same]
                for kind in ("known", "unknown")
            ]
            fitted = [with_interval(estimate(each, **unit)) if None not in each else "–" for each in found]
            tests = [
                with_interval(estimate([accuracy(row["curve"][n], at) for row in same], **unit))
                for at in ("test", "other")
            ]
            lines.append((arm, moment["epoch"], len(same), *fitted, *tests))
    heads = ("training set", "epoch", "seeds", "Known fitted", "Unknown fitted", "test", "other relations")
    return [Table.of(heads, lines, "SmolLM2-135M-Instruct, EntityQuestions."), model_table(rows)]


def slick_tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """Shares of the categories by relation."""
    names = [kind.value for kind in Category]
    lines = []
    for row in rows:
        total = sum(row[name] for name in names)
        lines.append((row["arm"], row["relation"], total, *(f"{row[name] / total:.2f}" for name in names)))
    heads = ("split", "relation", "facts", *names)
    return [Table.of(heads, lines, "What SmolLM2-135M-Instruct knows of EntityQuestions: shares of the facts.")]


def tuning_tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """Every trial of the grid as it is now."""
    return [trials_table([row for row in rows if in_grid(GRIDS, row)], "arm", arm_name)]
