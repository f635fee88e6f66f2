"""The linear model of test accuracy by fitted Known and Unknown facts (2405.05904): its points and its table."""

from collections.abc import Sequence
from typing import Any

from analyses.common.accuracy_model import Point, accuracy_model
from analyses.common.curves import accuracy
from seat_interp.results.table import Table


def points(rows: Sequence[dict[str, Any]], where: str) -> list[Point]:
    """All moments of the mixtures; fitted facts as shares of the whole set."""
    found = []
    for row in rows:
        if not row["arm"].endswith("% Unknown"):
            continue
        size = row["size"]["known"] + row["size"]["unknown"]
        for moment in row["curve"][1:]:
            fitted = [
                moment["rates"].get(f"train_{kind}", {"correct": 0.0})["correct"] * row["size"][kind] / size
                for kind in ("known", "unknown")
            ]
            found.append(Point(f"{row['arm']} {row['seed']}", accuracy(moment, where), *fitted))
    return found


def model_table(rows: Sequence[dict[str, Any]]) -> Table:
    """The linear model, in and out of the trained relations."""
    lines = []
    for where in ("test", "other"):
        model = accuracy_model(points(rows, where))
        each = (model.intercept, model.known, model.unknown)
        said = [f"{c.value:+.3f} [{c.interval[0]:+.3f}, {c.interval[1]:+.3f}]" for c in each]
        lines.append((where, *said, f"{model.r2:.2f}", model.points, model.runs))
    heads = ("relations", "intercept", "fitted Known", "fitted Unknown", "R2", "points", "runs")
    return Table.of(
        heads, lines, "Test accuracy = intercept + shares of the set that are fitted; 95 %, clusters of runs."
    )
