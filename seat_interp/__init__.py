"""seat_interp."""
