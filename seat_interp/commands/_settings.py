"""`demo`, `run` and `sweep` with every setting of the study, and the defaults that a settings file gives them."""

from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import tyro

from seat_interp.commands._run import FLAT, Demo, Run
from seat_interp.commands._sweep import Sweep
from seat_interp.core.config import convert, override
from seat_interp.core.errors import SeatError
from seat_interp.core.files import read_json
from seat_interp.organism.study import ORGANISM
from seat_interp.studies.study import StudyConfig


@dataclass(frozen=True)
class DemoWithSettings(Demo):
    study: Annotated[StudyConfig, FLAT] = field(default_factory=lambda: ORGANISM)


@dataclass(frozen=True)
class RunWithSettings(Run):
    study: Annotated[StudyConfig, FLAT] = field(default_factory=StudyConfig)


@dataclass(frozen=True)
class SweepWithSettings(Sweep):
    study: Annotated[RunWithSettings, FLAT]


WITH_SETTINGS: dict[str, type] = {"demo": DemoWithSettings, "run": RunWithSettings, "sweep": SweepWithSettings}
for _name, _basic in (("demo", Demo), ("run", Run), ("sweep", Sweep)):
    WITH_SETTINGS[_name].__doc__ = _basic.__doc__


def defaults(command: str, path: Path | None) -> Any:
    """The defaults of a command: its own, or those that a settings file gives.

    Raises:
        SeatError: The file is missing, is not a JSON object, or holds an unknown setting.
    """
    if command == "sweep":
        return SweepWithSettings(defaults("run", path))
    kind = WITH_SETTINGS[command]
    values: dict[str, Any] = {}
    for item in fields(kind):
        made = item.default_factory() if item.default_factory is not MISSING else item.default
        values[item.name] = tyro.MISSING if made is MISSING else made
    if path is None:
        return _unfilled(kind, values)
    given = read_json(path)
    if not isinstance(given, dict):
        raise SeatError(f"{path} must be a JSON object, not {given!r}.")
    own = [name for name in values if name not in ("study", "config")]
    allowed = [*own, *(item.name for item in fields(StudyConfig))]
    if unknown := sorted(set(given) - set(allowed)):
        raise SeatError(f"{path} has no setting {unknown[0]!r}. Choose from {', '.join(allowed)}.")
    values["study"] = override(values["study"], {k: v for k, v in given.items() if k not in own}, str(path))
    hints = get_type_hints(kind)
    values |= {name: convert(hints[name], given[name], f"{path}.{name}") for name in own if name in given}
    return _unfilled(kind, values)


def _unfilled(kind: type, values: dict[str, Any]) -> Any:
    """A command whose required options may still be missing: tyro asks for them."""
    command: Any = object.__new__(kind)
    for name, value in values.items():
        object.__setattr__(command, name, value)
    return command
