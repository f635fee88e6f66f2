"""What keeps known facts while unknown ones are learnt: freezing, self-distillation and their rivals (2604.15574).

    python -m analyses.organism.forgetting            (resumable in --work)

On the half-taught organism. Half of the training facts are known and half unknown. Every arm goes on from the same
snapshot, one epoch on the known facts alone, which is also the teacher of self-distillation. D_U, T_K and H_K are the
shares of right answers on trained unknown facts, trained known facts and highly known facts about people who are not
trained on. Beside the paper's arms stand SEAT, tether and the relabelling of unknown facts as "I do not know"
(2405.05904): all on the same facts, by the same four rates, which no paper has. Displacement is measured along the
ignorance direction of the half-taught organism.

Writes analyses/results/organism_forgetting.json, and whether displacement tells the loss of H_K as
analyses/results/organism_forgetting_prediction.json; `make figures` draws from them.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
import tyro

from analyses.common.half_taught import STUDIES, HalfTaughtOptions, Splits, idk, start
from analyses.common.half_taught_callback import Watch, watch
from analyses.common.learning_curves import learn, loss
from analyses.common.matched_l2sp import GradientMatchedL2SP
from analyses.common.mixing import Mixture, mix, sizes_for
from analyses.common.organism_arms import TUNED, config_for, tuned
from analyses.common.prediction import predict_loss
from analyses.common.result_file import write_result
from analyses.common.slick_categories import KNOWN
from analyses.common.small_runs import ArmSeed, run_cells
from analyses.common.tuning_grid import chosen
from analyses.plots.organism_tables import DISTILLED, LOOKED_AT, forgetting_tables
from seat_interp.core.errors import reported
from seat_interp.evaluation.slick import Category
from seat_interp.models.open import LanguageModel
from seat_interp.organism.study import organism_facts
from seat_interp.studies.arms import ArmName
from seat_interp.training.freezing import of_layers, parameter_groups
from seat_interp.training.interpolation import interpolate_towards_base
from seat_interp.training.objectives import CrossEntropy, SelfDistillation, Term
from seat_interp.training.trainer import train

Make = Callable[[LanguageModel, int], dict[str, Any]]
"""(snapshot, seed) -> what `train` is told beside the facts."""


def by(*terms: Term) -> Make:
    """All weights, with more terms beside cross entropy."""
    return lambda lm, seed: {"objective": (CrossEntropy(), *terms)}


def group(name: str) -> Make:
    """One group of parameters alone."""
    return lambda lm, seed: {"only": parameter_groups(lm)[name]}


def layers(*numbers: int) -> Make:
    """Some blocks alone."""
    return lambda lm, seed: {"only": of_layers(lm, numbers)}


def tuned_arm(name: ArmName) -> Make:
    """An arm of organism_arms.py, at the rate and strength that were tuned for people and contracts."""

    def make(lm: LanguageModel, seed: int) -> dict[str, Any]:
        arm = tuned(name, config_for("people").settings, seed)
        mask = arm.make_mask(lm) if arm.make_mask else None
        return {
            "objective": arm.objective,
            "mask": mask,
            "rate": arm.config.learning_rate,
            "interpolate": arm.interpolate,
        }

    return make


GROUPS = ("attention", "ffn", "q_proj", "k_proj", "v_proj", "o_proj", "embeddings", "norms")
ARMS: dict[str, Make] = {
    "all": by(),
    "known only": by(),
    **{name: group(name) for name in GROUPS},
    "layers 0-1": layers(0, 1),
    "layers 2-3": layers(2, 3),
    **{name: by(SelfDistillation(weight=weight)) for name, weight in DISTILLED.items()},
    "gradient-matched L2-SP": by(GradientMatchedL2SP(SelfDistillation())),
    "gradient-matched L2-SP, 0.1": by(GradientMatchedL2SP(SelfDistillation(weight=0.1))),
    "seat": tuned_arm("seat"),
    "tether": tuned_arm("tether"),
    "IDK": by(),
}


@dataclass(frozen=True)
class Options(HalfTaughtOptions):
    """What to run and where."""

    arms: tuple[str, ...] = tuple(ARMS)
    """Ways of fine-tuning."""
    work: Path = Path("runs/organism_forgetting")
    """What is kept between calls."""


def mixture(split: Splits, seed: int) -> Mixture:
    """Half known, half unknown, in the same relations; twice as many as there are of the rarer kind."""
    known, unknown = [fact for kind in KNOWN for fact in split.train[kind]], split.train[Category.UNKNOWN]
    sizes = {relation: 2 * size for relation, size in sizes_for(known, unknown).items()}
    return mix(known, unknown, 0.5, sizes=sizes, seed=seed)


def run(half_taught: Path, cell: ArmSeed) -> dict[str, Any]:
    """Make the snapshot, train from it, look while it trains."""
    (half, split), watched = start(half_taught), watch(half_taught)
    mixed = mixture(split, cell.seed)
    facts = {"known only": list(mixed.known), "IDK": idk(mixed).facts}.get(cell.arm, mixed.facts)
    asked = {
        "D_U": list(mixed.unknown),
        "T_K": list(mixed.known),
        "H_K": split.held_out,
        "unknown": split.asked["unknown"],
    }
    config = replace(STUDIES, seed=cell.seed)
    first = replace(config, steps=max(1, len(mixed.known) // config.batch_size))
    snapshot = train(half.lm, mixed.known, config=first).model
    how = ARMS[cell.arm](snapshot, cell.seed)
    config = replace(config, learning_rate=how.pop("rate", config.learning_rate))
    taken_back = how.pop("interpolate", False)
    # No copy bears the name of one of the organism's people or of a new one.
    how["names"] = organism_facts("people").names().avoiding({each.fact.subject for each in half.asked})
    look = partial(watched.looked, asked=asked)
    found, curve = learn(snapshot, facts, look, LOOKED_AT, config, **how)
    model = found.model
    if taken_back:
        model = interpolate_towards_base(base=snapshot, tuned=model, facts=facts).model
        curve[-1] |= look(model)
    return {"curve": curve, "size": len(facts), **watched.at_the_end(model)}


def predicted(rows: Sequence[dict[str, Any]], watched: Watch) -> dict[str, Any]:
    """Whether displacement of the prompts of H_K tells its loss, over all arms and seeds."""
    base, layer = watched.base, watched.base.direction.layer
    shifts = torch.tensor([row["shift"] for row in rows], dtype=torch.float64)
    lost = [loss(row["curve"], "H_K") for row in rows]
    nulls = {kind: vectors[:, layer] for kind, vectors in base.nulls}
    arms = [row["arm"] for row in rows]
    found = predict_loss(shifts, lost, base.direction.vectors[layer], nulls, groups=arms)
    points = [
        {"arm": row["arm"], "seed": row["seed"], "displacement": row["displacement"]["known"]["mean"], "lost": each}
        for row, each in zip(rows, lost)
    ]
    return {"arm": "all", "target": "half-taught", "set": "known", **found.to_json(), "points": points}


def main(options: Options) -> None:
    """Every run that is not there yet, then the tables and the prediction."""
    (half, _), watched = start(options.half_taught), watch(options.half_taught)
    settings = {
        "training": asdict(STUDIES),
        "looked_at": LOOKED_AT,
        "model": half.lm.fingerprint,
        "tuned": chosen(TUNED),
    }
    wanted = [ArmSeed(arm, seed) for seed in options.seeds for arm in options.arms]
    saved = options.results / "organism_forgetting.json"
    how = {"settings": settings, "work": options.work, "saved": saved, "workers": options.workers}
    rows = list(run_cells(wanted, partial(run, options.half_taught), **how).values())  # type: ignore[arg-type]
    for table in forgetting_tables(rows):
        table.print()
    write_result(options.results / "organism_forgetting_prediction.json", [predicted(rows, watched)], settings)


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "organism_forgetting.py"))
