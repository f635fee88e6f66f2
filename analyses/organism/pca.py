"""Activations at the last token on the components of the unverifiable set, every layer, base and tuned (2506.14387 v1).

    python -m analyses.organism.pca            (after organism_arms.py, whose tuned models it reads)

Beside each picture stands the mean silhouette of known against unverifiable, unknown and target prompts in that plane:
how far apart they lie. Writes analyses/results/organism_pca.json; `make figures` draws from it.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from torch import Tensor

from analyses.common.organism_arms import Target
from analyses.common.result_file import write_result
from analyses.common.saved_models import folder_of, run_of
from analyses.plots.organism_tables import AGAINST_KNOWN, pca_tables
from seat_interp.capture import capture_sets
from seat_interp.core.errors import reported
from seat_interp.directions.plane import principal_plane
from seat_interp.models.open import open_model
from seat_interp.organism.study import organism_facts
from seat_interp.plot.activations import thinned

SETS = ("target", "known", "unknown", "neighbour", "cross_domain", "unverifiable")


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
    for table in pca_tables(rows):
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
