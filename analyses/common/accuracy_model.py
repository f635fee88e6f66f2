"""What fitted facts do to test accuracy: the linear model of 2405.05904."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from analyses.common.learning_curves import accuracy
from seat_interp.core.errors import SeatError, require_package
from seat_interp.results.table import Table


class Point(NamedTuple):
    """A model at some moment of a training: test accuracy, and shares of the training set that it fits, 0 to 1."""

    run: str
    accuracy: float
    known: float
    unknown: float


@dataclass(frozen=True)
class Coefficient:
    """A value with its 95 % interval."""

    value: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class AccuracyModel:
    """accuracy = intercept + known x N_known / |D| + unknown x N_unknown / |D|, where N are the facts that are fitted.

    Attributes:
        intercept, known, unknown: its coefficients.
        r2: of the fit.
        points, runs: what it was fitted on.
    """

    intercept: Coefficient
    known: Coefficient
    unknown: Coefficient
    r2: float
    points: int
    runs: int

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        return asdict(self)


def accuracy_model(points: Sequence[Point]) -> AccuracyModel:
    """Least squares over the moments of several trainings.

    The moments of one training are alike, so that intervals are robust to clusters of runs; the paper gives none.

    Raises:
        SeatError: statsmodels is not installed, there are too few runs, or one kind of fact is fitted alike everywhere.
    """
    require_package("statsmodels", "stats", "The linear model")
    import statsmodels.api as sm

    runs = list(dict.fromkeys(point.run for point in points))
    if len(runs) < 3:
        raise SeatError(f"Points of {len(runs)} runs are too few for intervals; give those of at least 3.")
    features = np.array([[point.known, point.unknown] for point in points])
    for name, column in zip(("known", "unknown"), features.T):
        if np.ptp(column) == 0:
            raise SeatError(f"The share of {name} facts that are fitted is {column[0]} at every point: nothing varies.")
    fit = sm.OLS([point.accuracy for point in points], sm.add_constant(features)).fit(
        cov_type="cluster", cov_kwds={"groups": np.array([runs.index(point.run) for point in points])}, use_t=True
    )
    intercept, known, unknown = (
        Coefficient(float(b), (float(low), float(high))) for b, (low, high) in zip(fit.params, fit.conf_int())
    )
    return AccuracyModel(intercept, known, unknown, r2=float(fit.rsquared), points=len(points), runs=len(runs))


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
