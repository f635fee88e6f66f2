"""Progress bars, made in one place: tqdm's, so that `TQDM_DISABLE=1` switches all of them off."""

import sys
from typing import Any

from tqdm import tqdm


def progress_bar(*args: Any, show: bool = True, **settings: Any) -> Any:
    """tqdm's bar over what is iterated, or one that shows nothing.

    Args:
        args: as tqdm takes them.
        show: whether it is worth a bar. `disable` is left to tqdm where it is: given a value of ours, tqdm would not
            look at its environment variable.
        settings: as tqdm takes them.
    """
    if not (sys.stderr.isatty() or "ipykernel" in sys.modules):  # a line each time in a log; a notebook redraws
        settings.setdefault("mininterval", 10.0)
    return tqdm(*args, **settings) if show else tqdm(*args, **settings, disable=True)
