"""Displacement of every arm and probe set at every layer: what the figures draw and the layer slider shows."""

from collections.abc import Mapping, Sequence

from seat_interp.aggregate import Moved, combine_displacement
from seat_interp.results.folder import RunFolder
from seat_interp.results.verdict import PROBE

ByLayer = Mapping[str, Mapping[str, Sequence[Moved]]]
"""By probe set and arm, one for each layer."""


def moved_by_layer(folder: RunFolder) -> dict[str, dict[str, list[Moved]]]:
    """Displacement over the seeds of each arm, by probe set (unknown first), arm and layer."""
    found: dict[str, dict[str, list[Moved]]] = {}
    for arm in folder.arms:
        runs = [run.displacement["sets"] for run in folder.of_arm(arm)]
        for probe in runs[0]:
            at_layers = zip(*(sets[probe] for sets in runs))
            found.setdefault(probe, {})[arm] = [combine_displacement(seeds) for seeds in at_layers]
    return dict(sorted(found.items(), key=lambda item: item[0] != PROBE))


def moved_cells(moved: Moved) -> list[str]:
    """A line of a table: along the direction, its interval, each null, the orthogonal part, beyond every null or not.

    Args:
        moved: one arm on one probe set at one layer.
    """
    along = moved.along
    interval = f"{along.low:+.2f} to {along.high:+.2f}" if along.kind != "none" else "–"
    nulls = [f"{low:+.2f} to {high:+.2f}" for low, high in moved.null.values()]
    return [f"{along.mean:+.2f}", interval, *nulls, f"{moved.orthogonal:.2f}", "yes" if moved.beyond_null else "no"]


def probe_cells(folder: RunFolder, arm: str, layer: int) -> list[str]:
    """Whether the base's direction still tells unknown from known, and how far a new one turned from it.

    Args:
        folder: of the study.
        arm: means are over its seeds.
        layer: of the direction.

    Returns:
        AUROC of the base's direction on the tuned model and on the base, then the angle in degrees to a direction
        fitted to the tuned model, and to one fitted to the base on the same prompts.
    """
    runs = [run.displacement for run in folder.of_arm(arm)]

    def mean(key: str) -> float:
        return sum(run[key][layer] for run in runs) / len(runs)

    aurocs = [f"{mean(key):.3f}" for key in ("probe_auroc", "base_auroc")]
    return aurocs + [f"{mean(key):.0f}°" for key in ("refit_angle", "base_refit_angle")]


def layer_tables(folder: RunFolder, moved: ByLayer) -> dict[str, list[list[list[str]]]]:
    """The lines of both tables, by the table's id and layer: a line for each set and arm, and one for each arm."""
    layers = range(len(folder.direction.gap))
    return {
        "moved-at-layer": [[moved_cells(rows[n]) for arms in moved.values() for rows in arms.values()] for n in layers],
        "probe-at-layer": [[probe_cells(folder, arm, n) for arm in folder.arms] for n in layers],
    }
