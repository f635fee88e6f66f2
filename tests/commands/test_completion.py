"""What `seat-interp completion` prints, sourced in bash."""

import shutil
import subprocess

import pytest

from seat_interp.commands.cli import COMMANDS, main

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash here")


@pytest.fixture(scope="module")
def scripts():
    from seat_interp.commands._completion import script

    return {shell: script(shell) for shell in ("bash", "zsh", "fish")}


def complete(script: str, folder, *words: str) -> list[str]:
    """What bash offers for the last word: of the script, else, as it does by default, file names."""
    drive = """
source script.bash
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
"$(complete -p seat-interp | sed -E 's/.*-F ([^ ]+).*/\\1/')" seat-interp "${COMP_WORDS[COMP_CWORD]}" ""
if [ ${#COMPREPLY[@]} -eq 0 ] && complete -p seat-interp | grep -q -- '-o default'; then
    compgen -f -- "${COMP_WORDS[COMP_CWORD]}"
else
    printf '%s\\n' "${COMPREPLY[@]}"
fi
"""
    (folder / "script.bash").write_text(script)
    (folder / "drive.bash").write_text(drive)
    found = subprocess.run(
        ["bash", "--norc", "drive.bash", "seat-interp", *words], cwd=folder, check=True, capture_output=True, text=True
    )
    assert not found.stderr
    return found.stdout.split("\n")[:-1]


def test_bash_accepts_the_script(scripts, tmp_path):
    (tmp_path / "script.bash").write_text(scripts["bash"])
    subprocess.run(["bash", "-n", tmp_path / "script.bash"], check=True)


def test_commands_options_and_choices(scripts, tmp_path):
    assert complete(scripts["bash"], tmp_path, "ru") == ["run"]
    assert set(COMMANDS) <= set(complete(scripts["bash"], tmp_path, ""))
    assert complete(scripts["bash"], tmp_path, "run", "--targ") == ["--target"]
    assert complete(scripts["bash"], tmp_path, "run", "--settings.mask.gran") == ["--settings.mask.granularity"]
    assert complete(scripts["bash"], tmp_path, "run", "--arms", "full", "se") == ["seat", "seat_selfdistill"]


def test_files_wherever_there_is_nothing_else(scripts, tmp_path):
    (tmp_path / "new.jsonl").touch()
    (tmp_path / "new model").mkdir()
    for words in (["run", "--target"], ["run", "--target", "a.jsonl"], ["run", "--model"], ["mask", "show"]):
        assert sorted(complete(scripts["bash"], tmp_path, *words, "ne")) == ["new model", "new.jsonl"], words


def test_every_shell_has_every_command(scripts):
    for script in scripts.values():
        assert all(name in script for name in COMMANDS)


def test_it_is_printed_and_nothing_else(capsys, scripts):
    assert main(["completion", "bash"]) == 0
    assert capsys.readouterr().out == scripts["bash"] + "\n"
    with pytest.raises(SystemExit):
        main(["completion", "powershell"])
