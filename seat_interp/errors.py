"""The one error that users meet: a sentence with the file, the value and the remedy."""


class SeatError(Exception):
    """Bad input. The message says what is wrong with which file or value, and what to do about it.

    The command line prints it on one line and exits with status 2, without a traceback.
    """
