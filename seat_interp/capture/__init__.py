"""Recording activations."""

from seat_interp.capture.backend import Backend, BackendName, Kind
from seat_interp.capture.capture import Capture, capture, stream
from seat_interp.capture.open import open_backend
from seat_interp.capture.reduce import LAST_TOKEN, AtToken, MeanToken, Projection, Reduce
from seat_interp.capture.sets import capture_sets
from seat_interp.capture.shards import Shards, capture_to

__all__ = [
    "LAST_TOKEN",
    "AtToken",
    "Backend",
    "BackendName",
    "Capture",
    "Kind",
    "MeanToken",
    "Projection",
    "Reduce",
    "Shards",
    "capture",
    "capture_sets",
    "capture_to",
    "open_backend",
    "stream",
]
