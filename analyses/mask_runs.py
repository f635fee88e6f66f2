"""Masks compared at equal budget: what each run of a comparison is, its row of rates, and the table of all rows.

Rows are kept one by one, so that a comparison goes on where it was cut off, and from the committed rows too.
"""

import itertools
import json
import multiprocessing
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from seat_interp.errors import SeatError
from seat_interp.evaluation.ask import ask
from seat_interp.evaluation.score import rates
from seat_interp.facts import FactSets
from seat_interp.files import read_json, read_jsonl, write_json
from seat_interp.masks.mask import Granularity, Mask
from seat_interp.models.open import LanguageModel
from seat_interp.results.aggregate import estimate
from seat_interp.results.environment import environment
from seat_interp.results.tables import with_interval
from seat_interp.training.objectives import Objective
from seat_interp.training.trainer import TrainConfig, train

Loss = Literal["ce", "seat"]


@dataclass(frozen=True)
class Cell:
    """One mask, trained once."""

    scheme: str
    granularity: Granularity
    loss: Loss
    target: str
    budget: float
    seed: int


def train_and_ask(
    lm: LanguageModel,
    sets: FactSets,
    mask: Mask,
    objective: Objective,
    config: TrainConfig,
    *,
    max_new_tokens: int,
    batch_size: int,
) -> dict[str, Any]:
    """Train within the mask, ask every set, and give the four rates."""
    began = time.perf_counter()
    tuned = train(lm, sets.target, objective=objective, mask=mask, config=config, names=sets.names())
    seconds = time.perf_counter() - began
    asked = {"target": sets.target, "known": sets.known, **sets.abstention_probes()}
    found = ask(tuned.model, asked, batch_size=batch_size, max_new_tokens=max_new_tokens, progress=False)
    rate = {name: rates(each) for name, each in found.items()}
    return {
        "target_recall": rate["target"].correct,
        "known_recall": rate["known"].correct,
        "over_abstention": rate["known"].abstain,
        "abstention": {name: rate[name].abstain for name in sets.abstention_probes()},
        "unscored": sum(round(r.unscored * r.n) for r in rate.values()),
        "loss_at_end": tuned.log[-1]["cross_entropy"],
        "probes": bool(mask.origin.get("probes")),
        "seconds": round(seconds, 2),
    }


def compare(
    wanted: Sequence[Cell],
    run: Callable[[Cell], dict[str, Any]],
    *,
    settings: dict[str, Any],
    work: Path,
    saved: Path,
    workers: int,
) -> None:
    """Every cell that is not there yet, in order; then the table, and all rows into the result file.

    Args:
        wanted: the runs.
        run: one of them, importable, in a process of its own; gives what `train_and_ask` gives.
        settings: what all rows share; rows of other settings are refused.
        work: folder for the rows as they come.
        saved: the result file; its rows count as done if they have the same settings.
        workers: processes.

    Raises:
        SeatError: the folder holds rows of other settings.
    """
    settings = json.loads(json.dumps(settings))
    path = work / "rows.jsonl"
    work.mkdir(parents=True, exist_ok=True)
    if (of := work / "settings.json").exists() and read_json(of) != settings:
        raise SeatError(f"{path} was made with other settings. Give another --work, or remove that folder.")
    write_json(of, settings)
    rows = {_cell(row): row for row in (read_jsonl(path) if path.exists() else ())}
    if saved.exists() and (before := read_json(saved))["config"] == settings:
        rows = {_cell(row): row for row in before["rows"]} | rows
    todo = [cell for cell in wanted if cell not in rows]
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))
    with path.open("a") as file:
        try:
            jobs = {pool.submit(run, cell): cell for cell in todo}
            for job in tqdm(as_completed(jobs), total=len(todo), unit="run"):
                cell = jobs[job]
                arm = f"{cell.scheme}, {cell.granularity}, {cell.loss}, {cell.target}, {cell.budget:g}"
                rows[cell] = {**asdict(cell), "arm": arm, **job.result()}
                file.write(json.dumps(rows[cell]) + "\n")
                file.flush()
        finally:  # one that fails does not wait for all that are still to come
            pool.shutdown(cancel_futures=True)
    print_table([rows[cell] for cell in wanted])
    summary = {
        "rows": [rows[cell] for cell in sorted(rows, key=lambda cell: tuple(map(str, asdict(cell).values())))],
        "config": settings,
        "environment": environment(),
        "command": shlex.join(["python", f"analyses/{Path(sys.argv[0]).name}", *sys.argv[1:]]),
    }
    write_json(saved, summary)


def print_table(rows: list[dict[str, Any]]) -> None:
    """Every way of making masks, setting by setting: means over seeds, 95 % intervals; * where probes were used."""
    setting = itemgetter("granularity", "loss", "target", "budget")
    console = Console()
    rows = sorted(rows, key=itemgetter("scheme"))
    for (granularity, loss, target, budget), found in itertools.groupby(sorted(rows, key=setting), key=setting):
        table = Table("Masks", "Seeds", box=SIMPLE_HEAD, padding=(0, 0))
        table.title = f"{budget:.0%} of {granularity}s, {target}, {loss}"
        for head in ("Target\nrecall", "Abstention,\nmean of sets", "Known\nrecall", "Over-\nabstention"):
            table.add_column(head, justify="right", no_wrap=True)
        for scheme, those in itertools.groupby(found, key=itemgetter("scheme")):
            same = list(those)
            kept = [sum(row["abstention"].values()) / len(row["abstention"]) for row in same]
            rates = [[row[key] for row in same] for key in ("target_recall", "known_recall", "over_abstention")]
            cells = [with_interval(estimate(values, bounds=(0.0, 1.0))) for values in (rates[0], kept, *rates[1:])]
            cells = [cell.replace(" [", "\n[") for cell in cells]  # fits 80 columns
            table.add_row(scheme + (" *" if same[0]["probes"] else ""), str(len(same)), *cells)
        console.print(table)


def _cell(row: dict[str, Any]) -> Cell:
    return Cell(*(row[name] for name in Cell.__dataclass_fields__))
