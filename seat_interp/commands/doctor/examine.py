"""What is installed and what this machine has, held against what seat_interp needs: looked at, never changed.

Torch and all that is heavy is imported where it is looked at, so that a broken one is a finding and not the end.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from seat_interp.commands.doctor import _machine as machine
from seat_interp.commands.doctor import _models as models
from seat_interp.commands.doctor import _packages as packages
from seat_interp.commands.doctor._finding import Finding, first_line

__all__ = ["Finding", "demo_runs", "examine"]


def examine(runs: Path = Path("runs"), *, network: bool = False) -> list[Finding]:
    """Look at everything; nothing is written or fetched.

    Args:
        runs: the folder that run folders are to lie in.
        network: also ask the Hugging Face hub whether it answers, for some seconds at most.
    """
    looks: list[tuple[str, str, bool, Callable[[], Iterable[Finding]]]] = [
        ("versions", "packages", True, packages.versions),
        ("versions", "imports", True, packages.loads),
        ("extras", "packages", False, packages.extras),
        ("machine", "processor", True, machine.processor),
        ("machine", "GPU", False, machine.accelerators),
        ("machine", "memory", False, machine.memory),
        ("folders", "runs", True, lambda: machine.disk(runs)),
        ("models", "organism", True, models.organism),
        ("models", "cache", False, models.cache),
        ("models", "hub", False, lambda: models.hub(network)),
    ]
    found: list[Finding] = []
    for part, name, needed, look in looks:
        try:
            found += look()
        except Exception as error:  # whatever a broken installation raises is what is wrong with it
            said = f"cannot be looked at: {type(error).__name__}, {first_line(error)}"
            found.append(Finding(part, name, "problem", said, needed=needed))
    return found


def demo_runs(findings: Iterable[Finding]) -> bool:
    """Whether all that `seat-interp demo` needs is well."""
    return all(each.status == "ok" for each in findings if each.needed)
