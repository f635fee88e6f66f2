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

from analyses.common.curves import loss, middle_drift
from analyses.common.half_taught import STUDIES, HalfTaughtOptions, Splits, idk, start
from analyses.common.learning import COMPARED_AT, learn, when_learnt
from analyses.common.matched_l2sp import GradientMatchedL2SP
from analyses.common.mixing import Mixture, mix, sizes_for
from analyses.common.organism import TUNED, config_for, tuned
from analyses.common.prediction import predict_loss
from analyses.common.result_file import write_result
from analyses.common.slick_shares import KNOWN
from analyses.common.small_runs import ArmSeed, run_cells
from analyses.common.tuning_grid import chosen
from analyses.common.watched import Watch, watch
from seat_interp.core.errors import reported
from seat_interp.evaluation.intervals import estimate
from seat_interp.evaluation.slick import Category
from seat_interp.models.open import LanguageModel
from seat_interp.organism.study import organism_facts
from seat_interp.results.table import Table
from seat_interp.results.tables import with_interval
from seat_interp.studies.aggregate import combine_displacement
from seat_interp.studies.arms import ArmName
from seat_interp.training.freezing import of_layers, parameter_groups
from seat_interp.training.interpolation import interpolate_towards_base
from seat_interp.training.objectives import CrossEntropy, SelfDistillation, Term
from seat_interp.training.trainer import train

LOOKED_AT = (1, 2, 4, 8, 15, 25, 40)
"""Epochs after which everything is asked."""
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
DISTILLED = {"self-distillation": 1.0, "self-distillation, 0.3": 0.3, "self-distillation, 0.1": 0.1}
"""Weights; the first is the paper's, which lets this organism learn little of what is new."""
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
TOGETHER = ("all", *DISTILLED, "attention", "IDK", "seat", "tether")
"""Side by side in one table."""


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


def dropped(row: dict[str, Any]) -> float:
    """The paper's measure of hallucination: the loss of H_K from its peak, relative to it."""
    held = [each["rates"]["H_K"]["correct"] for each in row["curve"]]
    return (max(held) - held[-1]) / max(held) if max(held) else 0.0


def when_learnt_by(rows: Sequence[dict[str, Any]], name: str, what: str) -> str:
    """That rate over the seeds that come so far, nothing if none does."""
    values = [each for row in rows if (each := when_learnt(row, name, what)) is not None]
    return with_interval(estimate(values, bounds=(0.0, 1.0))) if values else ""


def equally_learnt(rows: Sequence[dict[str, Any]]) -> Table:
    """What every arm keeps when it has learnt as much as the others; seeds that come so far, out of all."""
    lines = []
    for arm in dict.fromkeys(row["arm"] for row in rows):
        found = [row for row in rows if row["arm"] == arm]
        there = sum(when_learnt(row, "H_K") is not None for row in found)
        # Tether takes half of its update back at the end: the moments before are not its own.
        if arm not in ("known only", "IDK", "tether"):
            asked = (("H_K", "correct"), ("T_K", "correct"), ("unknown", "abstain"))
            lines.append((arm, f"{there} of {len(found)}", *(when_learnt_by(found, *each) for each in asked)))
    return Table.of(
        ("arm", f"seeds that reach D_U {COMPARED_AT}", "H_K", "T_K", "abstention"),
        lines,
        f"At equal learning: where the curve first reaches D_U = {COMPARED_AT}.",
    )


def tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """All arms at the end of training, means over seeds; then those that stand side by side, by the four rates."""
    unit: dict[str, Any] = {"bounds": (0.0, 1.0)}

    def last(arm: str) -> list[dict[str, Any]]:
        return [row for row in rows if row["arm"] == arm]

    def rate(found: list[dict[str, Any]], name: str, what: str = "correct") -> str:
        return with_interval(estimate([row["curve"][-1]["rates"][name][what] for row in found], **unit))

    there = [arm for arm in ARMS if last(arm)]
    lines, beside = [], []
    for arm in there:
        found = last(arm)
        moved = combine_displacement([row["displacement"]["unknown"] for row in found])
        known = combine_displacement([row["displacement"]["known"] for row in found])
        drift = estimate([middle_drift(row["curve"][-1]) for row in found])
        nulls = ["{:+.2f} to {:+.2f}".format(*each.null["random"]) for each in (known, moved)]
        drop = with_interval(estimate([dropped(row) for row in found], **unit))
        lines.append((arm, len(found), *(rate(found, name) for name in ("D_U", "T_K", "H_K")), drop,
                      with_interval(known.along, "+"), nulls[0], with_interval(drift)))  # fmt: skip
        beside.append((arm, rate(found, "D_U"), rate(found, "unknown", "abstain"), rate(found, "H_K"),
                       rate(found, "H_K", "abstain"), with_interval(moved.along, "+"), nulls[1]))  # fmt: skip
    heads = (
        "arm",
        "seeds",
        "D_U",
        "T_K",
        "H_K",
        "drop of H_K",
        "displacement of H_K",
        "random null",
        "cosine drift, middle layer",
    )
    four = ("arm", "target recall", "abstention", "known recall", "over-abstention", "displacement", "random null")
    return [
        Table.of(
            heads,
            lines,
            f"After {LOOKED_AT[-1]} epochs; the drop is from the peak, relative to it; drift at the middle layer.",
        ),
        Table.of(four, [line for line in beside if line[0] in TOGETHER], "Side by side: unknown facts are the target."),
        equally_learnt(rows),
    ]


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
    for table in tables(rows):
        table.print()
    write_result(options.results / "organism_forgetting_prediction.json", [predicted(rows, watched)], settings)


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "organism_forgetting.py"))
