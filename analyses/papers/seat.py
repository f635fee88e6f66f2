"""Does SEAT's paper hold here? Every pair of arms whose numbers are known, and SEAT's own numbers, against ours.

    python -m analyses.papers.seat            (seconds; after organism_arms.py and real_arms.py)

The paper's numbers are shares of abstention judged by people, who ask that a reply admits what is not known and refers
to the question (2506.14387 v3, Llama 3 8B; TOFU in Table 2, PISTOL in Table 3b), as third parties' notes give them,
most likely on its unverifiable questions. Ours are shares on unverifiable and on unknown prompts, of replies that
abstain by their phrase, and of those that name what was asked too, which is nearer to the paper's. Two arms are in
order if their intervals are apart and both have learnt what was taught.

The organism's masks are structured, the paper's and SmolLM2's unstructured; SEAT's prompts end in the base's
reply on the organism, in the true answer on SmolLM2. SmolLM2 is taught parts of the paper's own sets, with one seed;
SEAT is of a second base there, aligned by the same script: each row names the bases of its arms.
Writes analyses/results/papers_seat.json.
"""

import itertools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

import tyro

from analyses.common.organism_arms import LEARNT, Target
from analyses.common.result_file import write_result
from analyses.plots.papers_tables import MEASURES, Measure, Row, seat_tables
from seat_interp.core.errors import SeatError, reported
from seat_interp.core.files import read_json
from seat_interp.evaluation.intervals import Estimate, estimate, interval_of_share
from seat_interp.studies.arms import ArmName


@dataclass(frozen=True)
class Ordering:
    """One arm keeps more abstention than another in the paper."""

    more: ArmName
    less: ArmName
    paper: tuple[float, float]
    where: str


KNOWN: dict[str, dict[ArmName, float]] = {
    "TOFU": {"seat": 0.977, "replay": 0.487, "lora": 0.127, "ewc": 0.068, "full": 0.0},
    "PISTOL": {"seat": 0.954, "sparse": 0.806, "full_ep_kl": 0.63, "full": 0.0},
}
"""The paper's numbers that could be recovered, best first."""
ORDERINGS = tuple(
    Ordering(more, less, (numbers[more], numbers[less]), where)
    for where, numbers in KNOWN.items()
    for more, less in itertools.combinations(numbers, 2)
)
PROBES = ("unverifiable", "unknown")


@dataclass(frozen=True)
class Claim:
    """A number of the paper's SEAT, from the lowest to the highest that it gives, and our rate that is nearest."""

    what: str
    paper: tuple[float, float]
    where: str
    rate: str
    probe: str


CLAIMS = (
    Claim("what was taught is learnt", (0.987, 1.0), "Table 2", "target_recall", "target"),
    Claim("abstention, unverifiable", (0.954, 1.0), "Table 2", "abstention", "unverifiable"),
    Claim("the same, naming what was asked", (0.954, 1.0), "Table 2", "entity_naming_abstention", "unverifiable"),
    Claim("abstention, unknown of another set", (0.91, 0.96), "Table 3a", "abstention", "cross_domain"),
    Claim("the same, naming what was asked", (0.91, 0.96), "Table 3a", "entity_naming_abstention", "cross_domain"),
    Claim("what was known is answered", (0.991, 0.991), "Table 3a", "known_recall", "known"),
)
"""What people judged stands twice, since neither of our measures is theirs."""


@dataclass(frozen=True)
class Ours:
    """The runs of every arm on one target set.

    Attributes:
        target: what was taught.
        rows: of organism_arms.py or real_arms.py, each with its `base`.
        sizes: prompts of each set.
    """

    target: str
    rows: Sequence[Row]
    sizes: Mapping[str, int]

    def of(self, arm: str, base: str | None = None) -> list[Row]:
        """An arm's rows, one for each seed; of runs from one base, if its weights' hash is given.

        Raises:
            SeatError: there are none.
        """
        found = [row for row in self.rows if row["arm"] == arm and base in (None, row["base"])]
        if not found:
            raise SeatError(
                f"There are no runs of {arm} on {self.target}. Make them with organism_arms.py or real_arms.py."
            )
        return found

    def rate(self, arm: str, rate: str, probe: str, base: str | None = None) -> Estimate:
        """A rate of an arm, with its interval over prompts and seeds."""
        values = [row[rate][probe] if isinstance(row[rate], dict) else row[rate] for row in self.of(arm, base)]
        over_prompts = [interval_of_share(value, self.sizes[probe]) for value in values]
        return estimate(values, over_prompts, bounds=(0.0, 1.0))

    def bases(self, *arms: str) -> list[str]:
        """What each arm was tuned from, by the hash of its weights."""
        return [self.of(arm)[0]["base"] for arm in arms]


@dataclass(frozen=True)
class Options:
    """Where results are read and written."""

    results: Path = Path("analyses/results")
    """A folder."""


def verdict(more: Estimate, less: Estimate, learnt: Sequence[float]) -> str:
    """`agree` or `disagree` where both arms have learnt and their intervals are apart, else `inconclusive`."""
    if more.overlaps(less) or min(learnt) < LEARNT:
        return "inconclusive"
    return "agree" if more.mean > less.mean else "disagree"


def compare(ordering: Ordering, measure: Measure, probe: str, ours: Ours) -> Row:
    """The paper's pair, ours, and whether the order is the same.

    Args:
        ordering: the paper's.
        measure: of abstention.
        probe: on which prompts.
        ours: where both arms are.

    Raises:
        SeatError: an arm has not been run.
    """
    arms = (ordering.more, ordering.less)
    more, less = (ours.rate(arm, measure, probe) for arm in arms)
    learnt = [ours.rate(arm, "target_recall", "target").mean for arm in arms]
    about = {"target": ours.target, "measure": measure, "probe": probe, "bases": ours.bases(*arms)}
    found = {"ours": [asdict(more), asdict(less)], "learnt": learnt, "verdict": verdict(more, less, learnt)}
    return asdict(ordering) | about | found


def set_beside(claim: Claim, ours: Ours) -> Row:
    """A number of the paper's SEAT, ours, and that of the base that ours was tuned from."""
    (tuned_from,) = ours.bases("seat")
    found = asdict(ours.rate("seat", claim.rate, claim.probe))
    before = ours.rate("base", claim.rate, claim.probe, tuned_from).mean
    return asdict(claim) | {"target": ours.target, "bases": [tuned_from], "ours": found, "base": before}


def read(results: Path, target: str, *names: str) -> Ours:
    """The runs of result files, each arm's of the first file that has it; the bases of all.

    Args:
        results: the folder.
        target: what was taught.
        names: of the files, without the ending.
    """
    rows: list[Row] = []
    for name in names:
        summary = read_json(results / f"{name}.json")
        there = {row["arm"] for row in rows} - {"base"}
        base = summary["config"]["model"]["weights"]
        rows += [{**row, "base": base} for row in summary["rows"] if row["arm"] not in there]
    return Ours(target, rows, summary["config"]["sizes"])


def main(options: Options) -> None:
    """Every number and every pair with every target set of the organism, and with its own on SmolLM2."""
    ours = {target: read(options.results, target, f"organism_arms_{target}") for target in get_args(Target)}
    for own in map(str.lower, KNOWN):
        ours[own] = read(options.results, own, f"smollm2_arms_{own}", f"smollm2_arms_{own}_second")
    rows = [set_beside(claim, each) for claim in CLAIMS for each in ours.values()]
    rows += [
        compare(ordering, measure, probe, ours[target])
        for ordering in ORDERINGS
        for target in (*get_args(Target), ordering.where.lower())
        for measure in MEASURES
        for probe in PROBES
    ]
    for table in seat_tables(rows):
        table.print()
    write_result(options.results / "papers_seat.json", rows, {})


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "papers_seat.py"))
