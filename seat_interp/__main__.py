"""`python -m seat_interp`."""

from seat_interp.cli import entry_point

entry_point()
