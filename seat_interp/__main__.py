"""`python -m seat_interp`."""

from seat_interp.commands.cli import entry_point

entry_point()
