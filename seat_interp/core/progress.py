"""Progress bars, made in one place: tqdm's, so that `TQDM_DISABLE=1` switches all of them off."""

import sys
from typing import Any

from tqdm import tqdm


def progress_bar(*args: Any, show: bool = True, **settings: Any) -> Any:
    """Make a bar of tqdm over what is iterated, or one that shows nothing.

    Args:
        args: Positional arguments of tqdm.
        show: Whether a bar is shown. `disable` is left to tqdm otherwise: given a value of ours, tqdm would ignore its
            environment variable.
        settings: Keyword arguments of tqdm.

    Returns:
        The bar.
    """
    if not (sys.stderr.isatty() or "ipykernel" in sys.modules):  # a line each time in a log; a notebook redraws
        settings.setdefault("mininterval", 10.0)
    return tqdm(*args, **settings) if show else tqdm(*args, **settings, disable=True)
