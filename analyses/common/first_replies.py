"""What the arms of a result said to a few unknown prompts, to be read beside its rates."""

from collections.abc import Mapping, Sequence
from typing import Any

from seat_interp.plot.wording import arm_name
from seat_interp.results.table import Table
from seat_interp.studies.run_folder import Run

REPLIES = 3
"""Unknown prompts whose replies a result keeps."""


def first_replies(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """What the base and one run of each arm said to the first unknown prompts, whatever they said."""
    asked = [[record for record in run.records if record["set_name"] == "unknown"][:REPLIES] for run in runs]
    kept = []
    for same in zip(*asked):
        said = {run.arm: " ".join(record["reply"].split()) for run, record in zip(runs, same)}
        kept.append({"question": same[0]["question"], "replies": said})
    return kept


def replies_table(summary: Mapping[str, Any]) -> Table:
    """One line an arm, one column a prompt."""
    asked = summary["replies"]
    lines = [(arm_name(arm), *(each["replies"][arm] for each in asked)) for arm in asked[0]["replies"]]
    caption = f"What each arm says to the first {len(asked)} unknown prompts, about invented names; its first seed."
    return Table.of(("arm", *(each["question"] for each in asked)), lines, caption)
