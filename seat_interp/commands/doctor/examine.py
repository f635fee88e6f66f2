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
    """Examine the machine; nothing is written or fetched.

    Args:
        runs: Folder that run folders are to lie in.
        network: Whether the Hugging Face hub is asked too, for some seconds at most.

    Returns:
        The findings.
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
    findings: list[Finding] = []
    for part, name, needed, look in looks:
        try:
            findings += look()
        except Exception as error:  # whatever a broken installation raises is what is wrong with it
            text = f"cannot be looked at: {type(error).__name__}, {first_line(error)}"
            findings.append(Finding(part, name, "problem", text, needed=needed))
    return findings


def demo_runs(findings: Iterable[Finding]) -> bool:
    """Return whether all that `seat-interp demo` needs is well.

    Args:
        findings: Findings of `examine`.

    Returns:
        True if it is.
    """
    return all(finding.status == "ok" for finding in findings if finding.needed)
