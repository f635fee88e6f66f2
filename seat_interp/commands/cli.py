"""The command line, `seat-interp`.

Every option is a field of a command's dataclass, so `--help` and the settings saved with a run have one source. Only
the command that was asked for is loaded, so that help need not wait for torch.
"""

import os
import sys
from dataclasses import make_dataclass
from importlib import import_module
from typing import Annotated, Any, Union

import tyro
from tyro.conf import subcommand

from seat_interp.core.errors import SeatError, reported

DESCRIPTION = (
    "What fine-tuning does to a model's ability to say 'I do not know', and how to keep it. "
    "Start with `seat-interp demo`; `seat-interp COMMAND --help` explains a command and its options."
)

COMMANDS = {
    "demo": ("run.Demo", "See it: base, full fine-tuning and SEAT on the embedded organism, with a report."),
    "run": ("run.Run", "The same on your own model and facts, with any arms and seeds."),
    "sweep": ("sweep.Sweep", "The arms and seeds of `run` as jobs of their own, on Slurm or on this machine."),
    "compare": ("compare.Compare", "Finished runs side by side in one page."),
    "align": ("models.Align", "Teach a model to say that it does not know: what SEAT needs to have something to keep."),
    "select": ("select.Select", "Select a mask: which neurons or weights are to learn new facts."),
    "mask": ("masks.MaskFiles", "Look at mask files, hold them against each other, or make one of two."),
    "slick": ("slick.Slick", "How well a model knows facts, from HighlyKnown to Unknown (SLiCK)."),
    "fetch": ("models.Fetch", "Get a model of the catalogue, ready to open by its name."),
    "organism": ("models.Organism", "Make the embedded organism again from its recipe, or check it."),
    "doctor": ("doctor.command.Doctor", "What is installed, what this machine has, what is missing and how to get it."),
    "completion": ("completion.Completion", "Print what makes bash, zsh or fish complete commands and options at Tab."),
}
"""By name: the dataclass in `seat_interp.commands`, and what `seat-interp --help` says of it."""
WITH_SETTINGS = ("demo", "run", "sweep")
"""Those that take `--config FILE`."""


def commands(*loaded: str) -> Any:
    """The type that tyro parses: all commands, of which only these have their options."""
    kinds = []
    for name, (path, summary) in COMMANDS.items():
        module, _, kind = path.rpartition(".")
        if name in loaded:
            made = getattr(import_module(f"seat_interp.commands.{module}"), kind)
            kinds.append(Annotated[made, subcommand(name)])
        else:
            kinds.append(Annotated[make_dataclass(kind, ()), subcommand(name, description=summary)])
    return Union[tuple(kinds)]  # noqa: UP007 -- of as many as there are


def _take_settings_file(arguments: list[str]) -> tuple[list[str], str | None]:
    """Take `--config FILE` out of the arguments; what stands beside it on the line wins over the file."""
    split = (each.split("=", 1) if each.startswith("--config=") else [each] for each in arguments)
    arguments = [part for parts in split for part in parts]
    if "--config" not in arguments or arguments[0] not in WITH_SETTINGS:
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
    if rest and rest[0] in WITH_SETTINGS:
        from seat_interp.commands.run import use_settings

        rest[1:1] = use_settings(path, rest[0])  # before the others, which win
    return tyro.cli(commands(*rest[:1]), prog="seat-interp", description=DESCRIPTION, args=rest)


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit status, see `reported`."""
    return reported(lambda: parse(sys.argv[1:] if arguments is None else arguments).run(), "seat-interp")


def entry_point() -> None:
    """Console script."""
    # Waiting OpenMP threads that spin make two processes on one machine many times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    sys.exit(main())
