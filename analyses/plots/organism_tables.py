"""Tables of the organism's results, one function for each result file."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from analyses.common.accuracy_model import model_table
from analyses.common.learning_curves import COMPARED_AT, accuracy, early_stop, middle_drift, when_learnt
from analyses.common.mask_runs import RATES
from analyses.common.organism_arms import GRIDS
from analyses.common.prediction import rank_correlation
from analyses.common.tuning_grid import in_grid
from analyses.common.tuning_rule import trials_table
from seat_interp.evaluation.intervals import estimate, interval_of_share
from seat_interp.evaluation.slick import Category
from seat_interp.plot.wording import NULL_WORDS, arm_name, set_label
from seat_interp.results.table import Table
from seat_interp.results.tables import with_interval
from seat_interp.studies.aggregate import combine_displacement, four_rates


def limits_of(rows: Sequence[dict[str, Any]]) -> list[float | None]:
    """Every limit once, none last."""
    return sorted({row["limit"] for row in rows}, key=lambda limit: math.inf if limit is None else limit)


def told(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Rank correlation of the copies' drift with abstention on unknown prompts, over runs; beside it, of other signs.

    The bootstrap draws limits: runs of one limit are alike.

    Args:
        rows: of one target set.
    """
    kept = np.array([row["abstention"]["unknown"] for row in rows])

    def alone(sign: Sequence[float]) -> float:
        return float(spearmanr(np.abs(sign), kept).statistic)

    drift, limits = np.abs([row["drift"] for row in rows]), [row["limit"] for row in rows]
    correlation, low, high = rank_correlation(drift, kept, limits)
    random = [alone(each) for each in zip(*(row["random_drift"] for row in rows))]
    found = {"correlation": correlation, "interval": [low, high], "runs": len(rows)}
    return found | {"random": [min(random), max(random)], "kl": alone([row["kl_at_end"] for row in rows])}


def unknown_alone(row: dict[str, Any]) -> dict[str, Any]:
    """A row with the abstention on unknown prompts and on no other set."""
    name, over = "unknown", row["intervals"]
    return row | {
        "abstention": {name: row["abstention"][name]},
        "intervals": over | {"abstention": {name: over["abstention"][name]}},
    }


def drift_tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """Every limit: means over seeds, 95 % intervals."""
    heads = ("limit", "seeds", "drift of copies", "target recall", "abstention", "known recall", "over-abstention")
    found = []
    for target in dict.fromkeys(row["target"] for row in rows):
        here = [row for row in rows if row["target"] == target]
        lines = []
        for limit in limits_of(here):
            same = [row for row in here if row["limit"] == limit]
            rates = four_rates([unknown_alone(row) for row in same])
            cells = [rates[key] for key in RATES]
            drift = with_interval(estimate([row["drift"] for row in same]), "+")
            lines.append((same[0]["arm"], len(same), drift, *map(with_interval, cells)))
        said = told(here)
        low, high = said["interval"]
        about = f"Rank correlation of |drift| with abstention {said['correlation']:+.2f} [{low:+.2f}, {high:+.2f}]"
        null = "{:+.2f} to {:+.2f}".format(*said["random"])
        beside = f"along random directions {null}, of the KL in the last step {said['kl']:+.2f}"
        found.append(Table.of(heads, lines, f"{about} over {said['runs']} runs, {target}; {beside}. Unknown prompts."))
    return found


def fidelity_tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """Every metric: rank correlations of the scores with ablation, over seeds."""
    kinds = ("single", "grouped")
    halves = list(dict.fromkeys(row["ablated_on"] for row in rows))
    heads = ("score", *(f"{kind}, {half}" for half in halves for kind in kinds))
    found = []
    for metric in dict.fromkeys(row["metric"] for row in rows):
        here = [row for row in rows if row["metric"] == metric]
        lines = []
        for score in dict.fromkeys(row["score"] for row in here):
            same = [[row for row in here if (row["score"], row["ablated_on"]) == (score, half)] for half in halves]
            cells = [estimate([row[kind] for row in each], bounds=(-1.0, 1.0)) for each in same for kind in kinds]
            lines.append((score, *map(with_interval, cells)))
        found.append(Table.of(heads, lines, f"Spearman's correlation with exact ablation, {metric}."))
    return found


LOOKED_AT = (1, 2, 4, 8, 15, 25, 40)
"""Epochs after which everything is asked."""


DISTILLED = {"self-distillation": 1.0, "self-distillation, 0.3": 0.3, "self-distillation, 0.1": 0.1}
"""Weights; the first is the paper's, which lets this organism learn little of what is new."""


TOGETHER = ("all", *DISTILLED, "attention", "IDK", "seat", "tether")
"""Side by side in one table."""


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


FORGETTING_ORDER = (
    "all", "known only", "attention", "ffn", "q_proj", "k_proj", "v_proj", "o_proj", "embeddings", "norms",
    "layers 0-1", "layers 2-3", *DISTILLED, "gradient-matched L2-SP", "gradient-matched L2-SP, 0.1", "seat", "tether",
    "IDK",
)  # fmt: skip
"""Arms of the study of forgetting, in the order of its table."""


def forgetting_tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """All arms at the end of training, means over seeds; then those that stand side by side, by the four rates."""
    unit: dict[str, Any] = {"bounds": (0.0, 1.0)}

    def last(arm: str) -> list[dict[str, Any]]:
        return [row for row in rows if row["arm"] == arm]

    def rate(found: list[dict[str, Any]], name: str, what: str = "correct") -> str:
        return with_interval(estimate([row["curve"][-1]["rates"][name][what] for row in found], **unit))

    there = [arm for arm in FORGETTING_ORDER if last(arm)]
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


SHARES = (0, 25, 50, 75, 100)
"""Per cent Unknown."""


ORDER = (
    *(f"{share} % Unknown" for share in SHARES),
    *(f"Known of {share} %" for share in SHARES[1:-1]),
    *("HighlyKnown", "MaybeKnown", "WeaklyKnown", "Natural", "IDK"),
)
"""Of the training sets in tables."""


def mixing_tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """Test accuracy by category at early stop and at convergence, and the linear model."""
    rows = sorted(rows, key=lambda row: (ORDER.index(row["arm"]), row["seed"]))
    unit, found = {"bounds": (0.0, 1.0)}, []
    for title, at in (
        ("Early stop", early_stop),
        ("Convergence", lambda curve: curve[-1]),
    ):
        lines = []
        for arm in dict.fromkeys(row["arm"] for row in rows):
            moments = [at(row["curve"]) for row in rows if row["arm"] == arm]
            cells = [estimate([accuracy(m, where) for m in moments], **unit) for where in ("test", "other")]  # type: ignore[arg-type]
            cells += [
                estimate([m["rates"][f"test {kind.value}"]["correct"] for m in moments], **unit)  # type: ignore[arg-type]
                for kind in Category
            ]
            lines.append((arm, len(moments), *map(with_interval, cells)))
        heads = ("training set", "seeds", "test", "other relations", *(kind.value for kind in Category))
        found.append(Table.of(heads, lines, f"{title}: test accuracy, all and by category."))
    return [*found, model_table(rows)]


def overlap_tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """Jaccard indices of masks made twice, and that of masks drawn at random."""
    heads = ("masks", *rows[0]["stability"], "by chance")
    lines = [
        (
            f"{row['arm']}, {row['granularity']}s",
            *(f"{np.mean(found):.2f} ({min(found):.2f} to {max(found):.2f})" for found in row["stability"].values()),
            f"{row['chance']:.2f}",
        )
        for row in rows
    ]
    return [Table.of(heads, lines, "Jaccard index of masks made twice: mean and range.")]


def paraphrases_tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """Every arm of each target set, means over seeds."""
    names, found = ("abstention", "entity_naming", "known_recall", "over_abstention"), []
    for target in dict.fromkeys(row["target"] for row in rows):
        lines = []
        here = [row for row in rows if row["target"] == target]
        for arm in sorted({row["arm"] for row in here}, key=lambda arm: (arm != "base", arm)):
            same = [row for row in here if row["arm"] == arm]
            cells = [
                estimate([row[n] for row in same], [row["intervals"][n] for row in same], bounds=(0.0, 1.0))
                for n in names
            ]
            lines.append((arm_name(arm), len(same), *map(with_interval, cells)))
        heads = ("arm", "seeds", "abstention, unknown", "and names what was asked", "known recall", "over-abstention")
        caption = (
            f"New {target}, asked in paraphrases that no training used; 95 % over seeds or prompts, outermost ends."
        )
        found.append(Table.of(heads, lines, caption))
    return found


def patching_tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """Abstention under every edit: mean over seeds with its 95 % interval, and the range over random directions."""
    tables = []
    for target in dict.fromkeys(row["target"] for row in rows):
        lines = []
        for arm in dict.fromkeys(row["arm"] for row in rows):
            same = [row for row in rows if (row["arm"], row["target"]) == (arm, target)]
            for name in same[0]["edits"] if same else ():
                plain = [row["base" if "in the base" in name else "tuned"] for row in same]
                found = [row["edits"][name]["along"] for row in same]
                over = [interval_of_share(rate, row["prompts"]) for rate, row in zip(found, same)]
                along = estimate(found, over, bounds=(0.0, 1.0))
                random = [rate for row in same for rate in row["edits"][name]["random"]]
                band = f"{min(random):.2f} to {max(random):.2f}"
                lines.append((arm_name(arm), name, f"{sum(plain) / len(plain):.2f}", with_interval(along), band))
        heads = ("arm", "edit", "as it is", "along the direction", "random directions")
        tables.append(Table.of(heads, lines, f"Abstention on unknown prompts, {target}."))
    return tables


AGAINST_KNOWN = ("unverifiable", "unknown", "target")


def pca_tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """How far known prompts lie from others in the plane of every layer: mean silhouettes, means over seeds."""
    heads = ("model", "layer", "seeds", *(f"known against {name}" for name in AGAINST_KNOWN))
    lines = []
    for arm, layer in dict.fromkeys((row["arm"], row["layer"]) for row in rows):
        same = [row["separation"] for row in rows if (row["arm"], row["layer"]) == (arm, layer)]
        cells = [with_interval(estimate([each[name] for each in same])) for name in AGAINST_KNOWN]
        lines.append((arm_name(arm), layer, len(same), *cells))
    caption = "Mean silhouette in the plane of the unverifiable set's components; 95 % over seeds."
    return [Table.of(heads, lines, caption)]


def prediction_tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """Rank correlations with lost abstention, and the share of null directions that order the runs less well."""
    kinds = list(rows[0]["beats"])
    heads = (
        "prompts",
        "runs",
        "displacement",
        *(f"beats {NULL_WORDS[kind]}" for kind in kinds),
        "size",
        "ahead of size",
        "probe's AUROC",
    )
    lines = [
        (
            f"{row['target']}, {set_label(row['set'])}",
            row["runs"],
            f"{row['correlation']:+.2f} [{row['interval'][0]:+.2f}, {row['interval'][1]:+.2f}]",
            *(f"{row['beats'][kind]:.0%}" for kind in kinds),
            f"{row['size']:+.2f}",
            "{:+.2f} to {:+.2f}".format(*row["lead"]),
            f"{row['linear_probe_auroc']:+.2f}" if "linear_probe_auroc" in row else "–",
        )
        for row in rows
    ]
    caption = (
        "Spearman's correlation with what a run lost: abstention, or, of highly known prompts, recall. In brackets and "
        "of the lead over size 95 %, arms drawn again. The AUROC is of unknown against known prompts, whatever the set."
    )
    return [Table.of(heads, lines, caption)]


def rounds_tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """After the last round: means over seeds, 95 % intervals."""
    heads = ("arm", "seeds", "facts of this round", "of earlier rounds", "abstention", "known recall")
    heads += ("over-abstention", "displacement", "random null")
    found = []
    for target in sorted({row["target"] for row in rows}):
        lines = []
        for arm in dict.fromkeys(row["arm"] for row in rows):
            last = [row["rounds"][-1] for row in rows if (row["arm"], row["target"]) == (arm, target)]
            over = [each["intervals"] for each in last]
            unit = {"bounds": (0.0, 1.0)}
            cells = [
                estimate([each["target_recall"] for each in last], [each["target_recall"] for each in over], **unit),
                estimate([each["earlier_recall"] for each in last], **unit),
                estimate(
                    [each["abstention"]["unknown"] for each in last],
                    [each["abstention"]["unknown"] for each in over],
                    **unit,
                ),
                estimate([each["known_recall"] for each in last], [each["known_recall"] for each in over], **unit),
                estimate(
                    [each["over_abstention"] for each in last], [each["over_abstention"] for each in over], **unit
                ),
            ]
            moved = combine_displacement([each["displacement"]["unknown"] for each in last])
            null = "{:+.2f} to {:+.2f}".format(*moved.null["random"])
            lines.append((arm_name(arm), len(last), *map(with_interval, cells), with_interval(moved.along, "+"), null))
        found.append(Table.of(heads, lines, f"After the last round, {target}; unknown prompts."))
    return found


def slick_tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """Shares of the categories by how often a thing was said."""
    names = [kind.value for kind in Category]
    lines = [
        (row["arm"], sum(row[n] for n in names), *(f"{row[n] / sum(row[m] for m in names):.2f}" for n in names))
        for row in rows
    ]
    return [Table.of(("new things", "facts", *names), lines, "What the half-taught organism knows, by SLiCK.")]


def tuning_tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """Every trial of the grid as it is now."""
    return [trials_table([row for row in rows if in_grid(GRIDS, row)], "arm", arm_name)]


def tuning_sparsity_tables(rows: Sequence[dict[str, Any]]) -> list[Table]:
    """Every trial."""
    return [trials_table(rows, "budget", lambda budget: f"{budget:.1%}", ("rate",))]
