"""Many small runs, each named by a value and kept as a row, in several processes.

Rows are kept one by one, so that a comparison goes on where it was cut off, and from the committed rows too.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Protocol, TypeVar

from analyses.common.result_file import commands, write_result
from seat_interp.core import ledger
from seat_interp.core.errors import SeatError
from seat_interp.core.files import read_json

Row = dict[str, Any]


class Cell(Protocol):
    """What a run is: a frozen dataclass."""

    @property
    def arm(self) -> str:
        """How rows and tables call it."""


C = TypeVar("C", bound=Cell)


@dataclass(frozen=True)
class CellOptions:
    """What every script of small runs can be told."""

    workers: int = 2
    """Processes of one thread each."""
    results: Path = Path("analyses/results")
    """Where the committed numbers go."""


@dataclass(frozen=True)
class ArmSeed:
    """One arm, or training set, with one seed."""

    arm: str
    seed: int


def claim(work: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """Claim a work folder for settings, and return them as they are read back.

    Raises:
        SeatError: What is kept in the folder was made with other settings.
    """
    path = work / "settings.json"
    refusal = f"{work} was made with other settings. Name another folder, or remove that one."
    return ledger.claim(path, settings, begun=path.exists, refusal=refusal)


def run_cells(
    wanted: Sequence[C],
    run: Callable[[C], Row],
    *,
    settings: dict[str, Any],
    work: Path,
    saved: Path,
    workers: int,
) -> dict[C, Row]:
    """Every cell that is not there yet, in order; then all rows into the result file.

    Args:
        wanted: the runs, as values of one frozen dataclass; their fields are part of the rows.
        run: one of them, importable, in a process of its own.
        settings: what all rows share; rows of other settings are refused.
        work: folder for the rows as they come.
        saved: the result file; its rows count as done if they have the same settings.
        workers: processes.

    Returns:
        All rows that there are, wanted now or made before.

    Raises:
        SeatError: the folder holds rows of other settings.
    """
    if not wanted:
        raise SeatError("There is nothing to run: no arm or no seed is given.")
    kind = type(wanted[0])
    settings = claim(work, settings)
    kept = ledger.Rows(work / "rows.jsonl")

    def cell_of(row: Row) -> C:
        return kind(**{field.name: row[field.name] for field in fields(kind)})  # type: ignore[arg-type]

    before = read_json(saved) if saved.exists() else None
    if before and before["config"] != settings:
        before = None
    rows = {cell_of(row): row for row in [*(before["rows"] if before else []), *kept.read()]}
    todo = [cell for cell in wanted if cell not in rows]

    def keep(cell: C, row: Row) -> None:
        rows[cell] = {**asdict(cell), "arm": cell.arm, **row}  # type: ignore[call-overload]
        kept.append(rows[cell])

    ledger.run_cells(run, todo, ledger.Workers(workers), work, keep=keep)
    ordered = sorted(rows, key=lambda cell: tuple(map(str, asdict(cell).values())))  # type: ignore[call-overload]
    write_result(saved, [rows[cell] for cell in ordered], settings, command=commands(before, made=bool(todo)))
    return rows
