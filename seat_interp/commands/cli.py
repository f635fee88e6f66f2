"""The command line, `seat-interp`.

Every option is a field of a command's dataclass, so `--help` and the settings saved with a run have one source. Only
the command that was asked for is loaded, and `run --help` loads no torch.
"""

import contextlib
import io
import logging
import os
import sys
import warnings
from dataclasses import make_dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Union

import tyro
from tyro.conf import subcommand

from seat_interp.core.errors import SeatError, reported

_DESCRIPTION = (
    "What fine-tuning does to a model's ability to say 'I do not know', and how to keep it. "
    "Start with `seat-interp demo`; `seat-interp COMMAND --help` explains a command and its options."
)

COMMANDS = {
    "demo": ("_run.Demo", "See it: base, full fine-tuning and SEAT on the embedded organism, with a report."),
    "run": ("_run.Run", "The same on your own model and facts, with any arms and seeds."),
    "sweep": ("_sweep.Sweep", "The arms and seeds of `run` as separate jobs, on Slurm or on this machine."),
    "compare": ("_compare.Compare", "Finished runs side by side in one page."),
    "align": (
        "_models.Align",
        "Teach a model to say that it does not know: what SEAT needs to have something to keep.",
    ),
    "select": ("_select.Select", "Select a mask: which neurons or weights may learn new facts."),
    "mask": ("_masks.MaskFiles", "Inspect mask files, compare them, or combine two."),
    "slick": ("_slick.Slick", "Measure how well a model knows facts, from HighlyKnown to Unknown (SLiCK)."),
    "fetch": ("_models.Fetch", "Get a model of the catalogue, ready to open by its name."),
    "organism": ("_models.Organism", "Build the embedded organism again from its recipe, or check it."),
    "doctor": ("doctor.command.Doctor", "Check versions, devices, models and folders, and tell how to get what lacks."),
    "completion": (
        "_completion.Completion",
        "Print the script that completes commands and options in bash, zsh or fish.",
    ),
}
"""By name: the dataclass in `seat_interp.commands`, and what `seat-interp --help` says of it."""
_WITH_SETTINGS = ("demo", "run", "sweep")
"""Commands that take the settings of a study, on the command line or from `--config FILE`."""


def commands(*loaded: str, config: Path | None = None, basic: bool = False) -> Any:
    """Build the type that tyro parses: all commands, of which only `loaded` ones have their options.

    Args:
        loaded: Names of commands.
        config: Settings file whose values become defaults.
        basic: Whether commands of studies show the options that most people need alone; these load without torch.

    Returns:
        A union of the commands' classes.
    """
    kinds = []
    for name, (path, summary) in COMMANDS.items():
        module, _, kind = path.rpartition(".")
        if name not in loaded:
            kinds.append(Annotated[make_dataclass(kind, ()), subcommand(name, description=summary)])
        elif name in _WITH_SETTINGS and not basic:
            from seat_interp.commands._settings import WITH_SETTINGS, defaults

            made = subcommand(name, default=defaults(name, config))
            kinds.append(Annotated[WITH_SETTINGS[name], made])  # type: ignore[misc]
        else:
            kinds.append(Annotated[getattr(import_module(f"seat_interp.commands.{module}"), kind), subcommand(name)])
    return Union[tuple(kinds)]  # noqa: UP007 -- of as many as there are


def _settings_file(arguments: list[str]) -> Path | None:
    """The file behind `--config`, if there is one."""
    for number, argument in enumerate(arguments):
        if argument.startswith("--config="):
            return Path(argument.removeprefix("--config="))
        if argument == "--config":
            if number + 1 >= len(arguments) or arguments[number + 1].startswith("--"):
                raise SeatError("--config needs a file: a JSON object with settings; `--help-all` lists them.")
            return Path(arguments[number + 1])
    return None


def parse(arguments: list[str]) -> Any:
    """Parse a command line; for `--help`, and for what it does not understand, it exits.

    Args:
        arguments: Words of the line behind `seat-interp`.

    Returns:
        The command, not run yet.

    Raises:
        SeatError: A setting has a value that makes no sense, or a settings file is missing or says something unknown.
    """
    of_study = bool(arguments) and arguments[0] in _WITH_SETTINGS
    asks_help, asks_all = bool({"--help", "-h"} & set(arguments)), "--help-all" in arguments
    words = ["--help" if word == "--help-all" else word for word in arguments]
    config = _settings_file(words) if of_study and not (asks_help or asks_all) else None
    messages = io.StringIO()
    try:
        kinds = commands(*words[:1], config=config, basic=asks_help and not asks_all)
        with contextlib.redirect_stderr(messages):
            return tyro.cli(kinds, prog="seat-interp", description=_DESCRIPTION, args=words)
    except SystemExit as stop:
        error: BaseException | None = stop
        while error is not None:  # tyro wraps what a dataclass refuses in an error of its own
            if isinstance(error, SeatError):
                raise error from None
            error = error.__cause__ or error.__context__
        sys.stderr.write(messages.getvalue())
        raise


def main(arguments: list[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: Words of the line behind `seat-interp`; those of this process if None.

    Returns:
        The exit status, see `reported`.
    """
    return reported(lambda: parse(sys.argv[1:] if arguments is None else arguments).run(), "seat-interp")


def entry_point() -> None:
    """Run the console script."""
    # Waiting OpenMP threads that spin make two processes on one machine many times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # What libraries say of themselves while they are imported is no message of ours.
    for name in ("torchao", "torch.utils._pytree"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    warnings.filterwarnings("ignore", category=FutureWarning)
    sys.exit(main())
