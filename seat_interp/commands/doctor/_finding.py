"""What was looked at and what came out."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["ok", "missing", "problem"]


@dataclass(frozen=True)
class Finding:
    """Result of one check.

    Attributes:
        part: Part that it belongs to: versions, extras, machine, models, folders.
        name: Name of the thing.
        status: "ok", "missing" for what could be there, or "problem" for what should not be so.
        found: Result in words.
        remedy: Remedy; empty where there is nothing to do.
        needed: Whether `seat-interp demo` needs it.
        value: Result for programs: a version, bytes, a table.
    """

    part: str
    name: str
    status: Status
    found: str
    remedy: str = ""
    needed: bool = False
    value: Any = None

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        return asdict(self)


def first_line(error: BaseException) -> str:
    """What an exception says, on one line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def in_gib(size: int) -> str:
    """Bytes in words."""
    return f"{size / 2**30:.1f} GiB"


def in_mib(size: int) -> str:
    """Bytes in words."""
    return f"{size / 2**20:.0f} MiB"
