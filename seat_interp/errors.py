"""The one error that users meet: a sentence with the file, the value and the remedy."""

import sys
from collections.abc import Callable


class SeatError(Exception):
    """Bad input. The message says what is wrong with which file or value, and what to do about it.

    The command line prints it on one line and exits with status 2, without a traceback.
    """


def reported(job: Callable[[], object], name: str) -> int:
    """Run a job that a person started; returns the exit status: 0, 2 for bad input, 130 when interrupted.

    Bad input and failures of the file system become one sentence on standard error, without a traceback.
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
