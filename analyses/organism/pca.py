"""Activations at the last token on the components of the unverifiable set, every layer, base and tuned (2506.14387 v1).

    python -m analyses.organism.pca            (after organism_arms.py, whose tuned models it reads)

Beside each picture stands the mean silhouette of known against unverifiable, unknown and target prompts in that plane:
how far apart they lie. Writes analyses/results/organism_pca.json; `make figures` draws from it.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from torch import Tensor

from analyses.common.organism import Target
from analyses.common.result_file import write_result
from analyses.common.tuned_models import folder_of, run_of
from seat_interp.capture import capture_sets
from seat_interp.core.errors import reported
from seat_interp.directions.plane import principal_plane
from seat_interp.evaluation.intervals import estimate
from seat_interp.models.open import open_model
from seat_interp.organism.study import organism_facts
from seat_interp.plot.activations import thinned
from seat_interp.plot.wording import arm_name
from seat_interp.results.table import Table
from seat_interp.results.tables import with_interval

SETS = ("target", "known", "unknown", "neighbour", "cross_domain", "unverifiable")
AGAINST_KNOWN = ("unverifiable", "unknown", "target")


@dataclass(frozen=True)
class Options:
    """What to look at, and where things are."""

    target: Target = "people"
    """What was taught."""
    arms: tuple[str, ...] = ("full", "lora", "sparse", "seat", "tether")
    """Of organism_arms.py."""
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    """Of their runs; the first is drawn."""
    runs: Path = Path("runs/organism_studies")
    """The folders of organism_arms.py."""
    results: Path = Path("analyses/results")
    """Where the committed numbers go."""


def tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """How far known prompts lie from others in the plane of every layer: mean silhouettes, means over seeds."""
    heads = ("model", "layer", "seeds", *(f"known against {name}" for name in AGAINST_KNOWN))
    lines = []
    for arm, layer in dict.fromkeys((row["arm"], row["layer"]) for row in rows):
        same = [row["separation"] for row in rows if (row["arm"], row["layer"]) == (arm, layer)]
        cells = [with_interval(estimate([each[name] for each in same])) for name in AGAINST_KNOWN]
        lines.append((arm_name(arm), layer, len(same), *cells))
    caption = "Mean silhouette in the plane of the unverifiable set's components; 95 % over seeds."
    return [Table.of(heads, lines, caption)]


def main(options: Options) -> None:
    """A plane for every layer and seed."""
    folder = folder_of(options.runs / options.target)
    facts = organism_facts(options.target)
    sets = {name: getattr(facts, name) for name in SETS}
    base, rows = open_model("organism"), []
    before = capture_sets(base, sets, -1)
    for seed in options.seeds:
        found = {
            arm: capture_sets(open_model(run_of(folder, arm, seed).path / "model"), sets, -1) for arm in options.arms
        }
        rows += rows_of(before, found, base.sites.n_layers, seed, drawn=seed == options.seeds[0])
    for table in tables(rows):
        table.print()
    config = {"target": options.target, "arms": list(options.arms), "seeds": list(options.seeds), "position": -1}
    write_result(options.results / "organism_pca.json", rows, config)


def rows_of(
    before: dict[str, Tensor], found: dict[str, dict[str, Tensor]], layers: int, seed: int, drawn: bool
) -> list[dict[str, Any]]:
    """A row for each layer and model; the base's of the first seed holds the plane to draw."""
    rows = []
    for layer in range(layers):
        first, *others = [{n: v[:, layer] for n, v in each.items()} for each in (before, *found.values())]
        plane = principal_plane(first, dict(zip(found, others)))
        for name in ("base", *found):
            if name == "base" and not drawn:
                continue  # it has no seeds
            apart = {other: plane.silhouette(name, "known", other) for other in AGAINST_KNOWN}
            row: dict[str, Any] = {"arm": name, "seed": seed, "layer": layer, "separation": apart}
            rows.append(row | ({"plane": thinned(plane, 60).to_json()} if name == "base" else {}))
    return rows


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "organism_pca.py"))
