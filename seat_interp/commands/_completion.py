"""`completion`: commands, options and file names at the Tab key."""

import contextlib
import io
from dataclasses import dataclass
from typing import Literal

import tyro
from tyro.conf import Positional

FILES = "__TYRO_COMPLETE_FILES__"
CHANGES = (
    # bash and zsh, then fish: where there is nothing else to offer there may be files.
    (f'[[ "$completions" == "{FILES}" ]]', f'[[ -z "$completions" || "$completions" == "{FILES}" ]]'),
    (f'if test "$results" = {FILES}', f'if test -z "$results"; or test "$results" = {FILES}'),
    # bash: by its own rules, which know of folders and of spaces in names.
    ('COMPREPLY=($(compgen -f -- "$cur"))', "COMPREPLY=()"),
    ("complete -F ", "complete -o default -F "),
)
"""What is changed in the scripts that tyro writes: by themselves they complete no list of files."""


@dataclass(frozen=True)
class Completion:
    """Print a script that makes a shell complete commands, options and file names. It is written once, to a file.

    Install it, and open a new shell:
        bash: seat-interp completion bash > ~/.local/share/bash-completion/completions/seat-interp
        zsh: seat-interp completion zsh > "${fpath[1]}/_seat-interp"
        fish: seat-interp completion fish > ~/.config/fish/completions/seat-interp.fish
    """

    shell: Positional[Literal["bash", "zsh", "fish"]]
    """Which shell."""

    def run(self) -> None:
        """Print it."""
        print(script(self.shell))


def script(shell: str) -> str:
    """The completion script for a shell, with every option of every command."""
    from seat_interp.commands.cli import COMMANDS, commands

    printed = io.StringIO()
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(printed):
        tyro.cli(commands(*COMMANDS), prog="seat-interp", args=["--tyro-write-completion", shell, "-"])
    text = printed.getvalue()
    for old, new in CHANGES:
        text = text.replace(old, new)
    return text
