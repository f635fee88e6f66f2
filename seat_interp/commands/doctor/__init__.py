"""`doctor`: what is installed and what this machine has, held against what seat_interp needs."""
