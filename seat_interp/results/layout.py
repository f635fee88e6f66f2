"""Where the runs of a study lie in its folder, which of them are finished, and what is common to all.

Several processes may fill one folder: each writes runs of its own, and the last joins them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seat_interp.errors import SeatError
from seat_interp.files import read_json, read_text, write_json, write_text
from seat_interp.results.environment import environment

BASE = "base"
ROW_FILE = "row.json"
"""Of a run; written last, so it means finished."""


def run_folder(out: Path, arm: str, seed: int) -> Path:
    """Of one arm with one seed, or of the base, which has none."""
    return out / (BASE if arm == BASE else f"{arm}-{seed}")


def is_finished(out: Path, arm: str, seed: int) -> bool:
    """Whether a run is."""
    return (run_folder(out, arm, seed) / ROW_FILE).exists()


def unfinished(out: Path, arms: Sequence[str], seeds: Sequence[int]) -> list[tuple[str, int]]:
    """Arms with their seeds that are still to be run, seeds outermost: what is cut off has whole comparisons."""
    return [(arm, seed) for seed in seeds for arm in arms if not is_finished(out, arm, seed)]


def finished_runs(out: Path) -> list[tuple[str, int]]:
    """Arms with their seeds that are finished in the folder, whoever ran them; without the base."""
    rows = (read_json(path) for path in out.glob(f"*/{ROW_FILE}"))
    return sorted((row["arm"], row["seed"]) for row in rows if row["arm"] != BASE)


def summary_of(out: Path, runs: Sequence[tuple[str, int]]) -> dict[str, Any]:
    """What `summary.json` holds of these arms with their seeds, all of them finished: rows, config, environment."""
    rows = [read_json(run_folder(out, *run) / ROW_FILE) for run in ((BASE, 0), *runs)]
    arms, seeds = (list(dict.fromkeys(values)) for values in (zip(*runs) if runs else ((), ())))
    return {
        "rows": rows,
        "config": read_json(out / "config.json") | {"arms": arms, "seeds": seeds},
        "environment": environment(),
    }


def join(out: Path, runs: Sequence[tuple[str, int]] | None = None) -> dict[str, Any]:
    """Write `records.jsonl` and `summary.json`, which are common to all runs; gives the summary.

    Args:
        out: the folder.
        runs: arms with their seeds, in the order of the summary; all that are finished if None.

    Raises:
        SeatError: no run is finished.
    """
    if runs is None:
        if not is_finished(out, BASE, 0):
            raise SeatError(f"There are no finished runs in {out}. Run the command or script that fills it again.")
        runs = finished_runs(out)
    summary = summary_of(out, runs)
    parts = (run_folder(out, *run) / "records.jsonl" for run in ((BASE, 0), *runs))
    write_text(out / "records.jsonl", "".join(map(read_text, parts)))
    write_json(out / "summary.json", summary)
    return summary
