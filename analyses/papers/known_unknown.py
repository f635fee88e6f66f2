"""What the papers on known and unknown facts find, against the half-taught organism: agree, disagree or inconclusive.

    python -m analyses.papers.known_unknown            (seconds; after organism_{mixing,forgetting,interference}.py)

Each finding of 2405.05904 and 2604.15574 is a difference that is above zero where the paper is right: one for each
seed, with a 95 % interval over seeds, or a coefficient of the linear model with its own. The papers' models have
billions of weights and learnt from the world; the organism has learnt facts that were drawn at random.
Writes analyses/results/papers_known_unknown.json.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tyro

from analyses.common.accuracy_model import accuracy_model, points
from analyses.common.interference_runs import COUNTS
from analyses.common.learning_curves import COMPARED_AT, accuracy, early_stop, loss, middle_drift, when_learnt
from analyses.common.result_file import write_result
from analyses.plots.papers_tables import Row, known_unknown_tables
from seat_interp.core.errors import SeatError, reported
from seat_interp.core.files import read_json
from seat_interp.evaluation.intervals import Estimate, estimate
from seat_interp.evaluation.slick import Category

Rows = Mapping[str, Sequence[Row]]
"""Of each study by its name: `mixing`, `forgetting`, `interference`."""
MIXING, FORGETTING = "2405.05904", "2604.15574"
WEAKER = "self-distillation, 0.1"
"""The weight at which self-distillation lets the organism learn: the paper's weight does not."""


@dataclass(frozen=True)
class Found:
    """A difference over seeds, or a coefficient, with its interval.

    Attributes:
        value: it.
        seeds: that it rests on.
        of: seeds that there are.
    """

    value: Estimate
    seeds: int
    of: int


@dataclass(frozen=True)
class Claim:
    """A finding.

    Attributes:
        paper: whose.
        says: in words.
        theirs: its numbers.
        ours: the difference or coefficient, above zero if the paper is right here.
        within: where the paper finds no difference, how large a one still counts as none; ours.
    """

    paper: str
    says: str
    theirs: str
    ours: Callable[[Rows], Found]
    within: float | None = None


def over_seeds(study: str, value: Callable[..., float | None], *arms: str, **which: Any) -> Callable[[Rows], Found]:
    """One value for each seed that has all of these arms; where there is none, the seed drops out."""

    def found(rows: Rows) -> Found:
        by = {
            arm: {row["seed"]: row for row in rows[study] if row["arm"] == arm and which.items() <= row.items()}
            for arm in arms
        }
        seeds = sorted(set.intersection(*(set(each) for each in by.values())))
        values = [value(*(each[seed] for each in by.values())) for seed in seeds]
        there = [each for each in values if each is not None]
        if not there:
            raise SeatError(f"There are no runs of {', '.join(arms)}. Make them with organism_{study}.py.")
        return Found(estimate(there), len(there), len(seeds))

    return found


def coefficient(kind: str, where: str, sign: int) -> Callable[[Rows], Found]:
    """Of the linear model, turned so that the paper's sign is above zero; its interval is over runs."""

    def found(rows: Rows) -> Found:
        model = accuracy_model(points(rows["mixing"], where))
        each, seeds = getattr(model, kind), len({row["seed"] for row in rows["mixing"]})
        low, high = sorted(sign * end for end in each.interval)
        return Found(Estimate(sign * each.value, low, high, "t"), seeds, seeds)

    return found


def right(row: Row, name: str, at: int = -1) -> float:
    """Share of right answers in a set, at some moment of the training."""
    return float(row["curve"][at]["rates"][name]["correct"])


def fell(row: Row) -> float:
    """Loss of H_K from the start to the end."""
    return loss(row["curve"], "H_K")


def fell_when_learnt(row: Row) -> float | None:
    """The same up to where D_U reaches `COMPARED_AT`."""
    kept = when_learnt(row, "H_K")
    return None if kept is None else right(row, "H_K", 0) - kept


def spared(plain: Row, other: Row) -> float | None:
    """How much less of H_K another arm loses when it has learnt as much, less half of what plain fine-tuning loses."""
    losses = fell_when_learnt(plain), fell_when_learnt(other)
    return None if None in losses else losses[0] / 2 - losses[1]  # type: ignore[operator]


def early_less_late(row: Row) -> float:
    """Test accuracy at early stop less that at the end."""
    return accuracy(early_stop(row["curve"]), "test") - accuracy(row["curve"][-1], "test")


def at_the_end(row: Row) -> float:
    """Test accuracy at the end."""
    return float(accuracy(row["curve"][-1], "test"))


def drift(row: Row) -> float:
    """Cosine drift at the middle layer at the end."""
    return middle_drift(row["curve"][-1])


def on_answered(row: Row) -> float:
    """Share of right answers among those that are no abstention, over all test facts at the end."""
    asked = [row["curve"][-1]["rates"][f"test {kind.value}"] for kind in Category]
    return sum(each["n"] * each["correct"] for each in asked) / sum(each["n"] * (1 - each["abstain"]) for each in asked)


EARLY = 2
"""Epochs after which it shows who is learnt first; both are fitted in the end."""


def known_first(row: Row) -> float:
    """Of what is not right at the start, how much more is fitted early of the Known than of the Unknown."""

    def gained(kind: str) -> float:
        before, early = right(row, f"train_{kind}", 0), right(row, f"train_{kind}", EARLY)
        return (early - before) / (1 - before)

    return gained("known") - gained("unknown")


MOST = {"count": COUNTS[-1]}
"""The runs with most new facts."""
LEAST_SEEDS = 3
"""For a verdict: two have no interval over seeds."""
CLAIMS = (
    Claim(MIXING, "Unknown facts are fitted more slowly than Known ones", "Fig. 1",
          over_seeds("mixing", known_first, "50 % Unknown")),
    Claim(MIXING, "fitted Unknown lower test accuracy", "-8.3 points", coefficient("unknown", "test", -1)),
    Claim(MIXING, "fitted Known raise it", "+7.3 points", coefficient("known", "test", 1)),
    Claim(MIXING, "fitted Unknown lower it in other relations", "-3.0 points", coefficient("unknown", "other", -1)),
    Claim(MIXING, "without its Unknown a half-Unknown set keeps more", "Fig. 3b",
          over_seeds("mixing", lambda r, k: at_the_end(k) - at_the_end(r), "50 % Unknown", "Known of 50 %")),
    Claim(MIXING, "early stop avoids harm, all Unknown", "37.5 to 25.8",
          over_seeds("mixing", early_less_late, "100 % Unknown")),
    Claim(MIXING, "MaybeKnown train better than HighlyKnown", "43.2 against 40.0",
          over_seeds("mixing", lambda m, h: at_the_end(m) - at_the_end(h), "MaybeKnown", "HighlyKnown")),
    Claim(MIXING, "relabelled as \"I do not know\", more of what is answered is right", "61.8 against 38.8",
          over_seeds("mixing", lambda i, r: on_answered(i) - on_answered(r), "IDK", "50 % Unknown")),
    Claim(FORGETTING, "fine-tuning on Unknown too loses more of H_K than on Known alone", ".780 against .958",
          over_seeds("forgetting", lambda a, k: fell(a) - fell(k), "all", "known only")),
    Claim(FORGETTING, "attention alone learns less of the Unknown than all weights", ".010 against .946",
          over_seeds("forgetting", lambda t, a: right(a, "D_U") - right(t, "D_U"), "attention", "all")),
    Claim(FORGETTING, "attention alone keeps more of H_K than FFN alone", ".931 against .782",
          over_seeds("forgetting", lambda t, f: right(t, "H_K") - right(f, "H_K"), "attention", "ffn")),
    Claim(FORGETTING, "self-distillation (weight 0.1) loses less of H_K than plain fine-tuning", "3 against 15 %",
          over_seeds("forgetting", lambda a, d: fell(a) - fell(d), "all", WEAKER)),
    Claim(FORGETTING, "it more than halves that loss, at the end", "3 against 15 %",
          over_seeds("forgetting", lambda a, d: fell(a) / 2 - fell(d), "all", WEAKER)),
    Claim(FORGETTING, f"it more than halves that loss where D_U reaches {COMPARED_AT}", "",
          over_seeds("forgetting", spared, "all", WEAKER)),
    Claim(FORGETTING, "new names hurt H_K more than new strings, most facts", "38 to 41 against 0 to 4 %",
          over_seeds("interference", lambda n, s: fell(n) - fell(s),
                     "names to countries", "strings to countries", **MOST)),
    Claim(FORGETTING, "what is said of them, countries or strings, does not matter", "no role",
          over_seeds("interference", lambda c, s: fell(c) - fell(s),
                     "names to countries", "names to strings", **MOST), within=0.05),
    Claim(FORGETTING, "new names drift further than new strings, most facts", "11 against 5 %",
          over_seeds("interference", lambda n, s: drift(n) - drift(s),
                     "names to countries", "strings to countries", **MOST)),
    Claim(FORGETTING, "self-distillation (weight 0.1) keeps H_K among new names, most facts", "in words",
          over_seeds("interference", lambda n, d: fell(n) - fell(d),
                     "names to countries", "names to countries, self-distillation", **MOST)),
)  # fmt: skip


@dataclass(frozen=True)
class Options:
    """Where results are read and written."""

    results: Path = Path("analyses/results")
    """A folder."""


def verdict(found: Found, within: float | None) -> str:
    """`agree` or `disagree` where the interval says so and all seeds are in it, at least three; else `inconclusive`."""
    low, high = found.value.low, found.value.high
    if found.seeds < max(LEAST_SEEDS, found.of):
        return "inconclusive"
    if within is None:
        return "agree" if low > 0 else "disagree" if high <= 0 else "inconclusive"
    return "agree" if max(-low, high) <= within else "disagree" if max(low, -high) > within else "inconclusive"


def main(options: Options) -> None:
    """Every finding."""
    studies = ("mixing", "forgetting", "interference")
    found = {name: read_json(options.results / f"organism_{name}.json")["rows"] for name in studies}
    rows = []
    for claim in CLAIMS:
        ours = claim.ours(found)
        about = {"paper": claim.paper, "says": claim.says, "theirs": claim.theirs, "within": claim.within}
        measured = {"ours": asdict(ours.value), "seeds": ours.seeds, "seeds_there": ours.of}
        rows.append({**about, **measured, "verdict": verdict(ours, claim.within)})
    for table in known_unknown_tables(rows):
        table.print()
    write_result(options.results / "papers_known_unknown.json", rows, {"learnt": COMPARED_AT})


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "papers_known_unknown.py"))
