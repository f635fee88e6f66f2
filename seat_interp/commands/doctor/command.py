"""`doctor`: what is installed, what this machine has, what is missing and how to get it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seat_interp.core.errors import SeatError

if TYPE_CHECKING:
    from seat_interp.commands.doctor.examine import Finding

COLOURS = {"ok": "green", "missing": "yellow", "problem": "red"}


@dataclass(frozen=True)
class Doctor:
    """Look at versions, devices, models and folders: what is well, what is missing, and how to get it.

    Changes nothing, and asks nobody over the network unless --network. The exit status is 2 where something is wrong
    that `seat-interp demo` needs.

    For example:
        seat-interp doctor
        seat-interp doctor --json > doctor.json
    """

    json: bool = False
    """Print it as JSON, for machines."""
    network: bool = False
    """Also ask the Hugging Face hub whether it answers."""
    runs: Path = Path("runs")
    """Where run folders are to lie."""

    def run(self) -> None:
        """Examine the machine and print the findings.

        Raises:
            SystemExit: The demo would not run.
        """
        from seat_interp.commands.doctor.examine import demo_runs, examine

        findings = examine(self.runs, network=self.network)
        well = demo_runs(findings)
        if self.json:
            print(json.dumps({"demo_runs": well, "findings": [finding.to_json() for finding in findings]}, indent=1))
        else:
            show(findings)
        if not well:
            wrong = [finding.name for finding in findings if finding.needed and finding.status != "ok"]
            raise SeatError(f"`seat-interp demo` cannot run before this is mended: {', '.join(wrong)}.")
        if not self.json:
            print("All that `seat-interp demo` needs is here.")


def show(findings: "list[Finding]") -> None:
    """Print findings as a table, each remedy below its finding.

    Args:
        findings: Findings to print.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for head in ("Of", "", "", "Found"):
        table.add_column(head, no_wrap=head != "Found")
    part = ""
    for finding in findings:
        text = Text(finding.found)
        if finding.remedy:
            text.append(f"\n{finding.remedy}", style="bold")
        status = Text(finding.status, style=COLOURS[finding.status])
        table.add_row("" if finding.part == part else finding.part, finding.name, status, text)
        part = finding.part
    Console().print(table)
