"""The one error that users meet: a sentence with the file, the value and the remedy."""

import math
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


class SeatError(ValueError):
    """Bad input: the message names the file or value, what is wrong with it, and what to do.

    The command line prints it on one line and exits with status 2, without a traceback.

    Example:
        >>> try:
        ...     si.open_model("no-such-model")
        ... except si.SeatError as error:
        ...     isinstance(error, ValueError)
        True
    """


def see(page: str) -> str:
    """Return the sentence that ends a message with the page that says more.

    Args:
        page: Path of the page below `docs/`, without the ending.

    Returns:
        "See docs/PAGE.md." in the form that messages use.
    """
    return f"See docs/{page}.md."


def require_within(
    settings: object, name: str, least: float | int = -math.inf, most: float | int = math.inf, *, above: bool = False
) -> None:
    """Check that a setting is None or a number in a range.

    Args:
        settings: Dataclass of settings.
        name: Name of its field.
        least: Lowest number that is allowed.
        most: Highest number that is allowed.
        above: Whether the lowest number itself is refused.

    Raises:
        SeatError: The number is outside the range.
    """
    value = getattr(settings, name)
    if value is None or (least <= value <= most and not (above and value == least)):
        return
    low = f"above {least:g}" if above else f"at least {least:g}"
    high = f" and at most {most:g}" if most < math.inf else ""
    raise SeatError(f"The setting {name} is {value}; it must be {low}{high}.")


def require_type(name: str, value: object, kinds: type | tuple[type, ...], expected: str) -> None:
    """Check the type of an argument.

    Args:
        name: Name of the argument, as the caller wrote it.
        value: Value that was given.
        kinds: Types that will do.
        expected: Description of what the argument must be: "a list of facts".

    Raises:
        TypeError: The value is of another type; the message names the argument and what was expected.
    """
    if not isinstance(value, kinds):
        raise TypeError(f"The argument {name} must be {expected}, not a {type(value).__name__}: {str(value)[:60]!r}.")


def require_package(name: str, extra: str, subject: str) -> Any:
    """Import a package that not every installation has.

    Args:
        name: Name that is imported.
        extra: Extra of this package that brings it.
        subject: Subject of the message: "Submitting jobs".

    Returns:
        The module.

    Raises:
        SeatError: The package cannot be imported.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise SeatError(f"{subject} needs {name}: pip install 'seat_interp[{extra}]'.") from error


def reported(job: Callable[[], object], name: str) -> int:
    """Run a job for a person at a terminal and return the exit status.

    Bad input and failures of the file system become one sentence on standard error, without a traceback.

    Args:
        job: Function without arguments.
        name: Name of the program, in front of the sentence.

    Returns:
        0, 2 for bad input, 130 when interrupted.
    """
    try:
        job()
    except SeatError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of our output, such as `head`, has seen enough
        sys.stderr.close()
    except KeyboardInterrupt:
        print(f"{name}: interrupted. The same command goes on with what it had finished.", file=sys.stderr)
        return 130
    except OSError as error:
        print(f"{name}: {error.strerror or error} ({error.filename or 'no file named'}).", file=sys.stderr)
        return 2
    return 0
