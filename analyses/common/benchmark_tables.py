"""Tables of the benchmarks: time and memory of schemes against each other, and as the prompts grow."""

from collections.abc import Mapping, Sequence
from typing import Any

from seat_interp.results.table import Table

Rows = Sequence[Mapping[str, Any]]


def benchmark_table(rows: Rows) -> list[Table]:
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


def memory_table(rows: Rows) -> list[Table]:
    """Peak memory beyond that of the model, and time, by the number of prompts."""
    heads = ("scheme", "model", "prompts", "MiB", "seconds")
    lines = [
        (row["scheme"], row["model"], f"{row['prompts']:,}", f"{row['peak_memory_mib']:.1f}", f"{row['seconds']:.1f}")
        for row in rows
    ]
    return [Table.of(heads, lines, "Peak memory of a capture beyond that of the model, each in a process of its own.")]
