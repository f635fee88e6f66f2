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
        """Look, and say what was found."""
        from seat_interp.commands.doctor.examine import demo_runs, examine

        findings = examine(self.runs, network=self.network)
        well = demo_runs(findings)
        if self.json:
            print(json.dumps({"demo_runs": well, "findings": [each.to_json() for each in findings]}, indent=1))
        else:
            show(findings)
        if not well:
            wrong = [each.name for each in findings if each.needed and each.status != "ok"]
            raise SeatError(f"`seat-interp demo` cannot run before this is mended: {', '.join(wrong)}.")
        if not self.json:
            print("All that `seat-interp demo` needs is here.")


def show(findings: "list[Finding]") -> None:
    """As a table; what is to be done stands below what was found."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for head in ("Of", "", "", "Found"):
        table.add_column(head, no_wrap=head != "Found")
    part = ""
    for each in findings:
        found = Text(each.found)
        if each.remedy:
            found.append(f"\n{each.remedy}", style="bold")
        status = Text(each.status, style=COLOURS[each.status])
        table.add_row("" if each.part == part else each.part, each.name, status, found)
        part = each.part
    Console().print(table)
