"""What SmolLM2-135M-Instruct knows of EntityQuestions, by SLiCK at the settings of its paper (2405.05904).

    python -m analyses.smollm2.slick --data DATA            (resumable in --work)

The paper's 12 relations, and the 7 that it keeps for tests out of the trained ones. Few-shot prompts are plain lines,
exemplars from the dev split, answers right by exact match with aliases. Writes analyses/results/smollm2_slick.json:
counts by relation, the time, how many facts get the same category from other prompts and samples, and how well P(True),
the rival measure, tells known from unknown ones.
"""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import tyro
from sklearn.metrics import roc_auc_score

from analyses.common.entity_questions import RELATIONS, TESTED, TRAINED, facts_of, prepare
from analyses.common.p_true import p_true
from analyses.common.result_file import write_result
from analyses.common.slick_categories import agreement
from analyses.plots.smollm2_tables import slick_tables
from seat_interp.core.errors import reported
from seat_interp.core.files import read_json
from seat_interp.evaluation.slick import SlickConfig, SlickResult, about_of, counts, slick_to
from seat_interp.models.open import LanguageModel

AGAIN = 20
"""Of each relation, asked once more with other prompts and samples."""


@dataclass(frozen=True)
class Options:
    """Where things are."""

    data: Path = Path("data")
    """Folder with entityquestions/; analyses/README.md says where it comes from."""
    work: Path = Path("runs/smollm2_slick")
    """What is kept between calls."""
    batch: int = 32
    """Facts at a time; a GPU takes 84."""
    results: Path = Path("analyses/results")
    """Where the committed numbers go."""


def rows_of(found: dict[str, list[SlickResult]]) -> list[dict[str, Any]]:
    """Counts by split and relation."""
    rows = []
    for split, asked in found.items():
        for relation in dict.fromkeys(each.fact.relation for each in asked):
            same = [each for each in asked if each.fact.relation == relation]
            rows.append({"arm": split, "seed": 0, "relation": relation, **counts(same)})
    return rows


def told_by_p_true(lm: LanguageModel, found: Sequence[SlickResult]) -> float:
    """AUROC of the probability of "True" for each fact's own answer, known facts against unknown ones."""
    judged = p_true(lm, [each.fact for each in found])
    return float(roc_auc_score([each.category.known for each in found], judged.numpy()))


def main(options: Options) -> None:
    """Sort, ask some once more, and say how long it took."""
    lm, found = prepare(options.data, options.work, options.batch)
    some = [fact for relation in RELATIONS for fact in facts_of(options.data, "train", [relation], TRAINED)[:AGAIN]]
    first = {each.fact: each for each in found["train"]}
    dev = facts_of(options.data, "dev", RELATIONS)
    other, kept = replace(SlickConfig(), seed=1), options.work / "again.jsonl"
    again = slick_to(lm, facts=some, dev=dev, path=kept, config=other, batch_size=options.batch)
    seconds = read_json(about_of(options.work / "train.jsonl"))["seconds"]
    tokens = sum(each.tokens for each in found["train"])
    rows = rows_of(found)
    config = {"model": lm.fingerprint, "slick": asdict(SlickConfig()), "trained": TRAINED, "tested": TESTED}
    measured = {
        "stability": agreement([first[fact] for fact in some], again),
        "p_true": {"auroc": told_by_p_true(lm, found["train"])},
        "speed": {"facts": len(found["train"]), "seconds": round(seconds, 1), "tokens_per_second": tokens / seconds},
    }
    write_result(options.results / "smollm2_slick.json", rows, config, **measured)
    for table in slick_tables(rows):
        table.print()
    print(measured)


if __name__ == "__main__":
    sys.exit(reported(lambda: main(tyro.cli(Options)), "smollm2_slick.py"))
