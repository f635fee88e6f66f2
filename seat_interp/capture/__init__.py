"""Recording activations."""

from seat_interp.capture.hooks import Capture, Kind, capture
from seat_interp.capture.reduce import LAST_TOKEN, AtToken, MeanToken, Projection, Reduce

__all__ = ["LAST_TOKEN", "AtToken", "Capture", "Kind", "MeanToken", "Projection", "Reduce", "capture"]
