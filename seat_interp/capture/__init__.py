"""Recording activations."""

from seat_interp.capture.backends import open_backend
from seat_interp.capture.capture import Capture, capture, capture_sets, stream
from seat_interp.capture.hooks import Backend, BackendName, Kind
from seat_interp.capture.reduce import LAST_TOKEN, AtToken, MeanToken, Projection, Reduce
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
