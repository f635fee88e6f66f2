"""Which table each result file gives; `figures.py` writes them beside the figures, as JSON, Markdown and LaTeX."""

from collections.abc import Callable, Sequence
from typing import Any

import half_taught
import mask_runs
import orderings
import organism_drift
import organism_fidelity
import organism_forgetting
import organism_interference
import organism_mixing
import organism_overlap
import organism_patching
import organism_pca
import organism_prediction
import organism_rounds
import organism_tuning
import organism_tuning_sparsity
import real_mixing
import real_slick

from seat_interp.results.table import Table
from seat_interp.results.tables import arms_table

Rows = Sequence[dict[str, Any]]


def benchmark(rows: Rows) -> list[Table]:
    """Time of a step and its extra peak of memory, as ratios against another scheme of the same run."""
    heads = ("scheme", "model", "seconds", "MiB", "against", "time ratio", "its range", "memory ratio")
    lines = [
        (
            row["scheme"] + (f", {row['share']:.1%}" if row.get("share") else ""),
            f"{row['model']}, batch {row['batch']}",
            f"{row['seconds']:.3f}",
            f"{row['peak_memory_mib']:.0f}",
            row["against"] or "–",
            *(f"{row['time_ratio']:.2f}" if row["time_ratio"] else "–",),
            "{:.2f} to {:.2f}".format(*row["time_ratio_spread"]) if row["time_ratio_spread"] else "–",
            f"{row['memory_ratio']:.2f}" if row["memory_ratio"] else "–",
        )
        for row in rows
    ]
    return [Table.of(heads, lines, f"Medians of {rows[0]['rounds']} interleaved rounds.")]


BUILDERS: dict[str, Callable[[Rows], list[Table]]] = {
    "benchmark_attribution": benchmark,
    "benchmark_slick": benchmark,
    "benchmark_training": benchmark,
    "organism_drift": organism_drift.tables,
    "organism_fidelity": organism_fidelity.tables,
    "organism_forgetting": organism_forgetting.tables,
    "organism_forgetting_prediction": organism_prediction.tables,
    "organism_interference": organism_interference.tables,
    "organism_masks": mask_runs.tables,
    "organism_mixing": organism_mixing.tables,
    "organism_overlap": organism_overlap.tables,
    "organism_patching": organism_patching.tables,
    "organism_pca": organism_pca.tables,
    "organism_prediction": organism_prediction.tables,
    "organism_rounds": organism_rounds.tables,
    "organism_tuning": organism_tuning.tables,
    "organism_tuning_sparsity": organism_tuning_sparsity.tables,
    "orderings": orderings.tables,
    "organism_slick": half_taught.tables,
    "real_masks": mask_runs.tables,
    "real_mixing": real_mixing.tables,
    "real_slick": real_slick.tables,
}
"""By name of the result; all others compare arms."""


def tables_of(name: str, summary: dict[str, Any]) -> list[Table]:
    """Those of a result.

    Args:
        name: of its file, without the ending.
        summary: what it holds.
    """
    return BUILDERS[name](summary["rows"]) if name in BUILDERS else [arms_table(summary)]
