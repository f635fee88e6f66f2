"""Which runs lose abstention: displacement along the ignorance direction against its nulls, over all arms and seeds.

    python -m analyses.organism.prediction            (after organism_arms.py, whose runs it reads)

Reads the run folders that the studies of the organism share. For each probe set the mean shift of every run is
projected on the direction, on random, label-shuffled and principal directions, and correlated with the abstention that
was lost; beside it the AUROC of the base's direction on the tuned model: whether known and unknown can still be told
apart where abstention is gone (2511.12991). Writes analyses/results/organism_prediction.json; `make figures` draws from
it.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import tyro
from scipy.stats import spearmanr

from analyses.common.arm_runs import every_run
from analyses.common.organism_arms import Target, config_for, every_arm
from analyses.common.prediction import predict_loss
from analyses.common.result_file import write_result
from analyses.plots.organism_tables import prediction_tables
from seat_interp.core.errors import reported
from seat_interp.directions.nulls import nulls_of
from seat_interp.models.open import open_model
from seat_interp.organism.study import organism_facts
from seat_interp.studies.run_folder import RunFolder


@dataclass(frozen=True)
class Options:
    """Where things are."""

    targets: tuple[Target, ...] = ("people", "contracts")
    """What was taught."""
    work: Path = Path("runs/organism_studies")
    """The folders of organism_arms.py and the others."""
    results: Path = Path("analyses/results")
    """Where the committed numbers go."""


def rows_of(target: Target, folder: RunFolder) -> list[dict[str, Any]]:
    """A row for each probe set that loses abstention."""
    lm, sets, direction = open_model("organism"), organism_facts(target), folder.direction
    # Variants of SEAT that other scripts left there are no arms of their own: some are the very same run.
    runs = [run for run in folder.runs if run.arm in every_arm(target)]
    nulls = nulls_of(lm, sets, direction, draws=config_for(target).null_draws)
    at = direction.layer
    unit = {kind: vectors[:, at] for kind, vectors in nulls}
    rows = []
    for name in sets.abstention_sets():
        before = folder.base.activations[name].double().mean(0)
        shifts = torch.stack([run.activations[name].double().mean(0) - before for run in runs])
        lost = [folder.base.row["abstention"][name] - run.row["abstention"][name] for run in runs]
        arms = [run.arm.partition("_0")[0] for run in runs]  # replay at its several ratios is one kind of arm
        found = predict_loss(shifts, lost, direction.vectors[at], unit, groups=arms)
        told = spearmanr([run.row["linear_probe_auroc"] for run in runs], lost).statistic
        points = [
            {"arm": run.arm, "seed": run.seed, "displacement": run.row["displacement"][name]["mean"], "lost": loss}
            for run, loss in zip(runs, lost)
        ]
        about = {"arm": "all", "target": target, "set": name, **found.to_json()}
        rows.append(about | {"linear_probe_auroc": float(told), "points": points})
    return rows


def main(options: Options) -> None:
    """Correlations of every probe set."""
    rows = [row for target in options.targets for row in rows_of(target, every_run(options.work / target))]
    for table in prediction_tables(rows):
        table.print()
    config = {"targets": list(options.targets), "arms": sorted({p["arm"] for row in rows for p in row["points"]})}
    write_result(options.results / "organism_prediction.json", rows, config)


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "organism_prediction.py"))
