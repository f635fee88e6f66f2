"""Frozen dataclasses to and from JSON, so that a settings file says what went wrong where."""

import dataclasses
import enum
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from seat_interp.core.errors import SeatError

T = TypeVar("T")
LARGEST_SEED = 10**9
"""Largest seed of a study or a training: the seed of a step, made from it, must not overflow."""


def override(default: T, value: Any, where: str = "the settings") -> T:
    """Copy a settings dataclass with the values that plain JSON gives; fields that it leaves out keep theirs.

    Args:
        default: Settings, whose fields may be dataclasses, enums, literals, tuples, options and plain values.
        value: Content of a JSON file.
        where: Name of the settings in messages.

    Returns:
        Settings of the same class.

    Raises:
        SeatError: An unknown name, or a value of the wrong kind, with its path.
    """
    if not isinstance(value, dict):
        raise SeatError(f"{where} must be a JSON object, not {value!r}.")
    hints = typing.get_type_hints(type(default))
    names = [field.name for field in dataclasses.fields(default)]  # type: ignore[arg-type]
    if unknown := sorted(set(value) - set(names)):
        raise SeatError(f"{where} has no setting {unknown[0]!r}. Choose from {', '.join(names)}.")
    new = {}
    for name, item in value.items():
        old = getattr(default, name)
        nested = dataclasses.is_dataclass(old)
        new[name] = override(old, item, f"{where}.{name}") if nested else convert(hints[name], item, f"{where}.{name}")
    return dataclasses.replace(default, **new)  # type: ignore[type-var]


def convert(hint: Any, value: Any, where: str) -> Any:
    """Convert a JSON value to the type of a field.

    Args:
        hint: Type annotation of the field.
        value: Value as JSON gives it.
        where: Path of the field in messages.

    Returns:
        The value with tuples, enums and dataclasses where the annotation has them.

    Raises:
        SeatError: The value is of the wrong kind.
    """
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        return convert(next(arg for arg in args if arg is not type(None)), value, where)
    if origin is typing.Literal:
        if value not in args:
            raise SeatError(f"{where} is {value!r}; choose from {', '.join(map(str, args))}.")
        return value
    if origin is tuple and isinstance(value, list):
        kinds = [args[0]] * len(value) if args[-1] is Ellipsis else args
        if len(kinds) != len(value):
            raise SeatError(f"{where} must have {len(kinds)} values, not {len(value)}.")
        return tuple(convert(item, part, f"{where}[{i}]") for i, (item, part) in enumerate(zip(kinds, value)))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        try:
            return hint(value)
        except ValueError as error:
            raise SeatError(f"{where} is {value!r}; choose from {', '.join(m.value for m in hint)}.") from error
    if hint is Path and isinstance(value, str):
        return Path(value)
    if hint is float and type(value) is int:
        return float(value)
    if isinstance(hint, type) and type(value) is hint:
        return value
    raise SeatError(f"{where} is {value!r}; it must be {getattr(hint, '__name__', hint)}.")
