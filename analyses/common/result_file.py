"""A result file: rows, what they were made with, where, and by which commands."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from seat_interp.core.environment import environment
from seat_interp.core.files import write_json


def write_result(path: Path, rows: Sequence[Mapping[str, Any]], config: Mapping[str, Any], **more: Any) -> None:
    """Write a result, with this environment and command.

    Args:
        path: the file.
        rows: one for each run or comparison.
        config: what all rows share.
        more: what else the result holds; or a `command` in place of this call.
    """
    about = {"environment": environment(), "command": command(sys.argv)}
    write_json(path, {"rows": rows, "config": config, **about, **more})


def commands(before: Mapping[str, Any] | None, *, made: bool = True) -> str:
    """The calls that made a result.

    Args:
        before: the result whose rows are kept: its calls come first.
        made: whether this call made any row; one that only reads them back is none of them.
    """
    earlier = before["command"].split("; ") if before else []
    return "; ".join(dict.fromkeys([*earlier, *([command(sys.argv)] if made or not earlier else [])]))


def command(argv: Sequence[str]) -> str:
    """The call as others would make it: a folder of this machine is called after its option, as in `--data DATA`.

    Where results are written is no part of how they are made: `--results` is left out.
    """
    pairs = [pair for pair in pairwise(argv) if "--results" not in pair]
    said = [before.removeprefix("--").upper() if Path(each).is_absolute() else each for before, each in pairs]
    script = Path(argv[0])
    folders = script.with_suffix("").parts
    if "analyses" not in folders:
        return shlex.join([script.name, *said])
    module = ".".join(folders[len(folders) - 1 - folders[::-1].index("analyses") :])
    return shlex.join(["python", "-m", module, *said])
