"""Draw every figure and write every table from the committed results: `make figures`. The same bytes every time.

Each analyses/results/<name>.json gives a table, figures/tables/<name> as Markdown, LaTeX (booktabs) and JSON, and most
give figures as PNG and PDF, each beside a JSON file of the numbers in it. `RESULTS` below says what each gives.
"""

import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib.style
import tyro
from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from tqdm import tqdm

from analyses.common import interference_runs, mask_runs
from analyses.common.benchmark_tables import benchmark_table, memory_table
from analyses.common.first_replies import replies_table
from analyses.plots import organism_tables, papers_tables, smollm2_tables
from analyses.plots.arms import plot_displacement, plot_rates, plot_shares
from analyses.plots.capture import plot_memory, plot_time_ratios
from analyses.plots.fidelity import plot_correlations
from analyses.plots.learning import plot_forgetting, plot_interference, plot_mixing
from analyses.plots.overlap import plot_stability
from analyses.plots.planes import plot_planes
from analyses.plots.prediction import plot_prediction
from analyses.plots.rounds import plot_rounds
from analyses.plots.sparsity import plot_sparsity
from analyses.plots.tradeoff import plot_by_budget, plot_tradeoff
from seat_interp.core.errors import SeatError, reported
from seat_interp.core.files import atomic_path, read_json, write_json, write_text
from seat_interp.core.progress import progress_bar
from seat_interp.plot.style import STYLE
from seat_interp.results.table import Table
from seat_interp.results.tables import arms_table, linear_probe_table

Summary = dict[str, Any]
Rows = Sequence[dict[str, Any]]
Draw = Callable[[Summary], Figure]
CURVES = ("all", "known only", "attention", "ffn", "self-distillation", "self-distillation, 0.1", "seat", "IDK")
"""Arms whose learning curves are drawn; all are in the table."""


@dataclass(frozen=True)
class Options:
    """Where to read and to draw."""

    results: Path = Path("analyses/results")
    """Saved results."""
    figures: Path = Path("figures")
    """Where the figures go."""


def laid_out(figure: Figure) -> Bbox:
    """Everything of a figure in its place, for good, and the frame around it, in inches.

    Saving would lay it out anew for each format, which takes longer than drawing it.
    """
    figure.set_dpi(rcParams["savefig.dpi"])
    figure.draw_without_rendering()
    figure.set_layout_engine(None)  # the style has none of its own
    return figure.get_tightbbox().padded(rcParams["savefig.pad_inches"])


def save(figure: Figure, stem: Path) -> Path:
    """Write PNG and PDF without dates or versions in the files, and return the PNG's path."""
    with matplotlib.style.context(STYLE):
        frame = laid_out(figure)
        for suffix, metadata in (
            ("png", {"Software": None}),
            ("pdf", {"CreationDate": None, "Producer": None, "Creator": None}),
        ):
            with atomic_path(stem.with_suffix(f".{suffix}")) as path:
                figure.savefig(path, format=suffix, metadata=metadata, bbox_inches=frame)
    return stem.with_suffix(".png")


def save_tables(tables: list[Table], stem: Path) -> Path:
    """Markdown, LaTeX and JSON, all tables of a result in one file of each; the Markdown's path."""
    write_text(stem.with_suffix(".md"), "\n".join(table.markdown() for table in tables))
    labels = [stem.name.replace("_", "-") + (f"-{number}" if len(tables) > 1 else "") for number in range(len(tables))]
    write_text(stem.with_suffix(".tex"), "\n".join(table.latex(label) for table, label in zip(tables, labels)))
    write_json(stem.with_suffix(".json"), [table.to_json() for table in tables])
    return stem.with_suffix(".md")


@dataclass(frozen=True)
class Shown:
    """What a result gives.

    Attributes:
        tables: of its rows; of arms, if none are given.
        figures: by what stands behind the result's name in theirs.
    """

    tables: Callable[[Rows], list[Table]] | None
    figures: Mapping[str, Draw] = field(default_factory=dict)


def by_rows(draw: Callable[..., Figure], *settings: Any) -> Draw:
    """A figure of the rows alone."""
    return lambda summary: draw(summary["rows"], *settings)


ARMS: dict[str, Draw] = {"_rates": plot_rates, "_displacement": plot_displacement}
MASKS: dict[str, Draw] = {"": by_rows(plot_tradeoff)}
SPARSITY = ARMS | {"": by_rows(plot_sparsity)}
LOST = "Known recall lost"
RESULTS: dict[str, Shown] = {
    "benchmark_attribution": Shown(benchmark_table),
    "benchmark_capture": Shown(benchmark_table, {"": by_rows(plot_time_ratios)}),
    "benchmark_capture_memory": Shown(memory_table, {"": by_rows(plot_memory)}),
    "benchmark_processes": Shown(benchmark_table),
    "benchmark_slick": Shown(benchmark_table),
    "benchmark_training": Shown(benchmark_table),
    "papers_known_unknown": Shown(papers_tables.known_unknown_tables),
    "organism_ablations_contracts": Shown(None, ARMS),
    "organism_ablations_people": Shown(None, ARMS),
    "organism_arms_contracts": Shown(None, ARMS),
    "organism_arms_people": Shown(None, ARMS),
    "organism_drift": Shown(organism_tables.drift_tables),
    "organism_fidelity": Shown(organism_tables.fidelity_tables, {"": by_rows(plot_correlations)}),
    "organism_forgetting": Shown(organism_tables.forgetting_tables, {"": by_rows(plot_forgetting, CURVES)}),
    "organism_forgetting_prediction": Shown(organism_tables.prediction_tables, {"": by_rows(plot_prediction, LOST)}),
    "organism_interference": Shown(interference_runs.tables, {"": by_rows(plot_interference)}),
    "organism_masks": Shown(mask_runs.tables, MASKS | {"_by_budget": by_rows(plot_by_budget)}),
    "organism_mixing": Shown(organism_tables.mixing_tables, {"": by_rows(plot_mixing)}),
    "organism_over_abstention_contracts": Shown(None, ARMS),
    "organism_over_abstention_people": Shown(None, ARMS),
    "organism_overlap": Shown(
        organism_tables.overlap_tables, {"_where": by_rows(plot_shares), "_stability": by_rows(plot_stability)}
    ),
    "organism_patching": Shown(organism_tables.patching_tables),
    "organism_pca": Shown(organism_tables.pca_tables, {"": by_rows(plot_planes)}),
    "organism_prediction": Shown(organism_tables.prediction_tables, {"": by_rows(plot_prediction)}),
    "organism_rounds": Shown(organism_tables.rounds_tables, {"": by_rows(plot_rounds)}),
    "organism_slick": Shown(organism_tables.slick_tables),
    "organism_sparsity_contracts": Shown(None, SPARSITY),
    "organism_sparsity_people": Shown(None, SPARSITY),
    "organism_tuning": Shown(organism_tables.tuning_tables),
    "organism_tuning_sparsity": Shown(organism_tables.tuning_sparsity_tables),
    "organism_paraphrases": Shown(organism_tables.paraphrases_tables),
    "papers_seat": Shown(papers_tables.seat_tables),
    "smollm2_arms_pistol": Shown(None, ARMS),
    "smollm2_arms_tofu": Shown(None, ARMS),
    "smollm2_arms_pistol_second": Shown(None, ARMS),
    "smollm2_arms_tofu_second": Shown(None, ARMS),
    "smollm2_masks": Shown(mask_runs.tables, MASKS),
    "smollm2_interference": Shown(interference_runs.tables, {"": by_rows(plot_interference)}),
    "smollm2_mixing": Shown(smollm2_tables.mixing_tables, {"": by_rows(plot_mixing)}),
    "smollm2_slick": Shown(smollm2_tables.slick_tables),
    "smollm2_tuning": Shown(smollm2_tables.tuning_tables),
    "smollm2_headline": Shown(None, ARMS),
}
"""Every result file, by its name without the ending."""


def shown(path: Path) -> Shown:
    """What a result file gives.

    Raises:
        SeatError: it is none of the results known here.
    """
    if path.stem not in RESULTS:
        raise SeatError(f"{path} is a result that no figure or table is known for. Add it to RESULTS in figures.py.")
    return RESULTS[path.stem]


def tables_of(gives: Shown, summary: Summary) -> list[Table]:
    """Those of a result."""
    if gives.tables:
        return gives.tables(summary["rows"])
    said = [replies_table(summary)] if summary.get("replies") else []  # older results kept none
    return [arms_table(summary), linear_probe_table(summary), *said]


def draw_all(path: Path, figures: Path) -> list[Path]:
    """Tables and figures of a result file; what was written."""
    summary, gives = read_json(path), shown(path)
    written = [save_tables(tables_of(gives, summary), figures / "tables" / path.stem)]
    return written + [save(draw(summary), figures / f"{path.stem}{suffix}") for suffix, draw in gives.figures.items()]


def main(options: Options) -> None:
    """Every figure and every table of every result, several results at a time."""
    found = sorted(options.results.glob("*.json"))
    # A forked process has all imports already, which take as long as half of the figures.
    method = "fork" if sys.platform == "linux" else "spawn"
    with ProcessPoolExecutor(min(4, os.cpu_count() or 1), multiprocessing.get_context(method)) as pool:
        drawn = pool.map(partial(draw_all, figures=options.figures), found)
        for written in progress_bar(drawn, total=len(found), desc="Drawing", unit="result"):
            tqdm.write("\n".join(map(str, written)))


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "figures.py"))
