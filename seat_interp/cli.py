"""The command line: `seat-interp demo | run | sweep | compare | align | select | mask | slick | fetch | organism`.

Every option is a field of a command's dataclass, so `--help` and the settings saved with a run have one source.
"""

import os
import sys
from typing import Annotated, Any

import tyro
from tyro.conf import subcommand

from seat_interp.commands.compare import Compare
from seat_interp.commands.masks import MaskFiles
from seat_interp.commands.models import Align, Fetch, Organism
from seat_interp.commands.select import Select
from seat_interp.commands.slick import Slick
from seat_interp.commands.study import Demo, Run, settings_file, study_settings, take_settings
from seat_interp.commands.sweep import Sweep
from seat_interp.errors import SeatError, reported
from seat_interp.study import StudyConfig

DESCRIPTION = "What fine-tuning does to a model's ability to say 'I do not know', and how to keep it."

Command = (
    Annotated[Demo, subcommand("demo")]
    | Annotated[Run, subcommand("run")]
    | Annotated[Sweep, subcommand("sweep")]
    | Annotated[Compare, subcommand("compare")]
    | Annotated[Align, subcommand("align")]
    | Annotated[Select, subcommand("select")]
    | Annotated[MaskFiles, subcommand("mask")]
    | Annotated[Slick, subcommand("slick")]
    | Annotated[Fetch, subcommand("fetch")]
    | Annotated[Organism, subcommand("organism")]
)


def _take_settings_file(arguments: list[str]) -> tuple[list[str], str | None]:
    """Take `--config FILE` out of the arguments; what stands beside it on the line wins over the file."""
    split = (each.split("=", 1) if each.startswith("--config=") else [each] for each in arguments)
    arguments = [part for parts in split for part in parts]
    if "--config" not in arguments or arguments[0] not in ("demo", "run", "sweep"):
        return arguments, None
    at = arguments.index("--config")
    if at + 1 >= len(arguments):
        raise SeatError("--config needs a file: a JSON object with the settings shown by `seat-interp run --help`.")
    return arguments[:at] + arguments[at + 2 :], arguments[at + 1]


def parse(arguments: list[str]) -> Any:
    """The command that a line asks for, not run yet; for `--help`, and for what it does not understand, it exits.

    Raises:
        SeatError: a settings file that is not there or says something unknown.
    """
    rest, path = _take_settings_file(list(arguments))
    settings_file.set(None)
    if path:
        own, study = take_settings(path, rest[0])
        rest[1:1] = own  # before the others, which win
        settings_file.set((path, study))
        study_settings(StudyConfig())  # tyro would wrap an error in the file in one of its own
    return tyro.cli(Command, prog="seat-interp", description=DESCRIPTION, args=rest)  # type: ignore[call-overload]


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit status, see `reported`."""
    return reported(lambda: parse(sys.argv[1:] if arguments is None else arguments).run(), "seat-interp")


def entry_point() -> None:
    """Console script."""
    # Waiting OpenMP threads that spin make two processes on one machine many times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    sys.exit(main())
