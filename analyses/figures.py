"""Draw every figure and write every table from the committed results: `make figures`. The same bytes every time.

Each analyses/results/<name>.json gives figures as PNG and PDF, each beside a JSON file of the numbers in it:
a comparison of arms figures/<name>_rates and, where it holds the layers, figures/<name>_displacement; one of masks
figures/<name> and, of several budgets, figures/<name>_by_budget; where masks live figures/<name>_where and _stability;
scores against ablation, sparsity, rounds, planes and prediction figures/<name>. Each also gives figures/tables/<name>
as Markdown, LaTeX (booktabs) and JSON, which is all that tuning, patching, drift and orderings give.
"""

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import matplotlib.style
import tyro
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from tables import tables_of

from seat_interp.arms import ArmName
from seat_interp.errors import reported
from seat_interp.files import atomic_path, read_json, write_json, write_text
from seat_interp.masks.compare import Place
from seat_interp.results import plots
from seat_interp.results.aggregate import aggregate
from seat_interp.results.plots_arms import plot_arms
from seat_interp.results.plots_learning import plot_forgetting, plot_interference, plot_mixing
from seat_interp.results.plots_masks import plot_correlations, plot_places, plot_stability
from seat_interp.results.plots_prediction import plot_prediction
from seat_interp.results.plots_rounds import plot_rounds
from seat_interp.results.plots_runs import planes_by_layer
from seat_interp.results.plots_sparsity import plot_sparsity
from seat_interp.results.plots_tradeoff import plot_by_budget, plot_tradeoff
from seat_interp.results.style import STYLE, set_name, styled
from seat_interp.results.table import Table

CURVES = ("all", "known only", "attention", "ffn", "self-distillation", "matched pull", "seat", "IDK")
"""Arms whose learning curves are drawn; all are in the table."""
MOST_BARS = 6
"""Arms that bars beside each other can show."""
RANGE = (-2.2, 1.2)
"""Gaps shown in figures of displacement by layer."""


@dataclass(frozen=True)
class Options:
    """Where to read and to draw."""

    results: Path = Path("analyses/results")
    """Saved results."""
    figures: Path = Path("figures")
    """Where the figures go."""


def rates(summary: dict[str, Any]) -> tuple[Figure, Any]:
    """The rates of every arm: bars, or a row for each where there are many."""
    arms = aggregate(summary)
    figure = plot_arms(arms) if len(arms) > MOST_BARS else _figure(plots.four_rates(arms))
    return figure, [asdict(arm) for arm in arms]


@styled
def displacement(summary: dict[str, Any]) -> tuple[Figure, Any]:
    """Displacement by layer: one panel a probe set, first seed, cut at `RANGE`; of arms, not of their variants.

    Where there are variants alone, all are drawn. A variant has the colour of its arm: tables tell them apart.
    """
    layers = {arm: found for arm, found in summary["layers"].items() if arm in get_args(ArmName)} or summary["layers"]
    sets = list(next(iter(layers.values()))["sets"])
    figure = Figure(figsize=(7.2, 2.6 * len(sets)), layout="constrained")
    axes = figure.subplots(len(sets), 1, sharex=True, squeeze=False)[:, 0]
    for ax, name in zip(axes, sets):
        moved = {arm: found["sets"][name] for arm, found in layers.items()}
        plots.displacement_by_layer(moved, next(iter(layers.values()))["layer"], ax=ax)
        cut = any(not RANGE[0] <= row["mean"] <= RANGE[1] for rows in moved.values() for row in rows)
        note = "" if not cut else ", some layers beyond the panel"
        first = ", first seed" if ax is axes[0] else ""
        ax.set_title(f"{set_name(name)}{first}{note}", loc="left", size=9, pad=4)
        drawn = ax.get_legend()
        legend = [(handle, text.get_text()) for handle, text in zip(drawn.legend_handles, drawn.get_texts())]
        drawn.remove()
        if ax is not axes[-1]:
            ax.set_xlabel("")
    # One range for all panels. In lower layers the gap is small and all moves many gaps: those points run out of it.
    lows, highs = zip(*(ax.get_ylim() for ax in axes))
    for ax in axes:
        ax.set_ylim(max(min(lows), RANGE[0]), min(max(highs), RANGE[1]))
    handles, labels = zip(*legend)
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure, layers


def places(rows: list[dict[str, Any]]) -> Figure:
    """Where masks live: one panel for each way of making them."""
    kinds = {"neuron": "neurons", "coordinate": "weights"}
    return plot_places(
        {f"{row['arm']}, {kinds[row['granularity']]}": [Place(**each) for each in row["places"]] for row in rows}
    )


def _figure(ax: Axes) -> Figure:
    figure = ax.get_figure()
    assert isinstance(figure, Figure)
    return figure


def save(figure: Figure, numbers: Any, stem: Path) -> None:
    """PNG, PDF and the numbers, without dates or versions in the files."""
    with matplotlib.style.context(STYLE):
        for suffix, metadata in (
            ("png", {"Software": None}),
            ("pdf", {"CreationDate": None, "Producer": None, "Creator": None}),
        ):
            with atomic_path(stem.with_suffix(f".{suffix}")) as path:
                figure.savefig(path, format=suffix, metadata=metadata, dpi=200, bbox_inches="tight")
    write_json(stem.with_suffix(".json"), numbers)
    print(stem.with_suffix(".png"))


def save_tables(tables: list[Table], stem: Path) -> None:
    """Markdown, LaTeX and JSON, all tables of a result in one file of each."""
    write_text(stem.with_suffix(".md"), "\n".join(table.markdown() for table in tables))
    labels = [stem.name.replace("_", "-") + (f"-{number}" if len(tables) > 1 else "") for number in range(len(tables))]
    write_text(stem.with_suffix(".tex"), "\n".join(table.latex(label) for table, label in zip(tables, labels)))
    write_json(stem.with_suffix(".json"), [table.to_json() for table in tables])
    print(stem.with_suffix(".md"))


def main(options: Options) -> None:
    """Every figure and every table of every result."""
    for path in sorted(options.results.glob("*.json")):
        summary = read_json(path)
        save_tables(tables_of(path.stem, summary), options.figures / "tables" / path.stem)
        first = next(iter(summary["rows"]), {})
        if first.get("arm") == "base" and "abstention" in first:
            save(*rates(summary), options.figures / f"{path.stem}_rates")
        if "layers" in summary:
            save(*displacement(summary), options.figures / f"{path.stem}_displacement")
        if "places" in first:
            save(places(summary["rows"]), summary["rows"], options.figures / f"{path.stem}_where")
            save(plot_stability(summary["rows"]), summary["rows"], options.figures / f"{path.stem}_stability")
        elif "granularity" in first:
            save(plot_tradeoff(summary["rows"]), summary["rows"], options.figures / path.stem)
            if len({row["budget"] for row in summary["rows"]}) > 1:
                save(plot_by_budget(summary["rows"]), summary["rows"], options.figures / f"{path.stem}_by_budget")
        if path.stem.startswith("organism_sparsity"):
            save(plot_sparsity(summary["rows"]), summary["rows"], options.figures / path.stem)
        if isinstance(first.get("rounds"), list):
            save(plot_rounds(summary["rows"]), summary["rows"], options.figures / path.stem)
        if path.stem == "organism_mixing":
            save(plot_mixing(summary["rows"]), summary["rows"], options.figures / path.stem)
        if path.stem == "organism_forgetting":
            save(plot_forgetting(summary["rows"], CURVES), summary["rows"], options.figures / path.stem)
        if path.stem == "organism_interference":
            save(plot_interference(summary["rows"]), summary["rows"], options.figures / path.stem)
        if "plane" in first:
            save(planes_by_layer(summary["rows"]), summary["rows"], options.figures / path.stem)
        if "points" in first:
            lost = "Known recall lost" if "forgetting" in path.stem else "Abstention lost"
            save(plot_prediction(summary["rows"], lost), summary["rows"], options.figures / path.stem)
        if "grouped" in first:
            save(plot_correlations(summary["rows"]), summary["rows"], options.figures / path.stem)


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "figures.py"))
