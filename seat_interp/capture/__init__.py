"""Recording activations."""

from seat_interp.capture.backend import Backend, BackendName, Kind, open_backend
from seat_interp.capture.capture import Capture, capture
from seat_interp.capture.reduce import LAST_TOKEN, AtToken, MeanToken, Projection, Reduce

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
    "capture",
    "open_backend",
]
