"""What jobs do in tests; they import it from here."""

import os
import time
from pathlib import Path

from seat_interp.core.errors import SeatError


def failing(cell) -> None:
    _, seed = cell
    if seed == 1:
        raise SeatError("This one cannot be done.")
    Path(f"done-{seed}").write_text(os.environ.get("CUDA_VISIBLE_DEVICES", ""))


def slow(cell) -> None:
    time.sleep(60)
