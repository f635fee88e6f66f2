"""The exported names with their signatures: `python tests/signatures.py` renews the list that a test compares with."""

import enum
import inspect
import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType

import seat_interp as si

LIST = Path(__file__).with_name("exported_signatures.txt")


def signatures() -> str:
    """Return one line for each exported name: parameters of a function, fields of a dataclass, values of an enum."""
    return "".join(f"{name}{_signature(getattr(si, name))}\n" for name in sorted(si.__all__))


def _signature(value: object) -> str:
    if isinstance(value, ModuleType):
        return f": {', '.join(sorted(value.__all__))}"
    if isinstance(value, type) and issubclass(value, enum.Enum):
        return f": {', '.join(member.value for member in value)}"
    if is_dataclass(value):
        return f"({', '.join(field.name for field in fields(value))})"
    if not callable(value):
        return f": {type(value).__name__}"
    if isinstance(value, type) and issubclass(value, Exception):
        return f": {value.__base__.__name__}"
    parts = []
    for parameter in inspect.signature(value).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in parts:
            parts.append("*")
        default = "" if parameter.default is parameter.empty else f"={parameter.default!r}"
        parts.append(re.sub(r" at 0x[0-9a-f]+", "", f"{parameter.name}{default}"))
    return f"({', '.join(parts)})"


if __name__ == "__main__":
    LIST.write_text(signatures())
