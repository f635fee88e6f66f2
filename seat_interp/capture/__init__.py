"""Recording activations."""

from seat_interp.capture._backends import open_backend
from seat_interp.capture._capture import Capture, CaptureConfig, capture, capture_sets, stream
from seat_interp.capture._hooks import Backend, BackendName, Edit, Kind, TorchHooks, hooked
from seat_interp.capture._reduce import LAST_TOKEN, AtToken, MeanToken, Projection, Reduce
from seat_interp.capture._shards import Shards, capture_to

__all__ = [
    "LAST_TOKEN",
    "AtToken",
    "Backend",
    "BackendName",
    "Capture",
    "CaptureConfig",
    "Edit",
    "Kind",
    "MeanToken",
    "Projection",
    "Reduce",
    "Shards",
    "TorchHooks",
    "capture",
    "capture_sets",
    "capture_to",
    "hooked",
    "open_backend",
    "stream",
]
