"""The ignorance direction: fit it, hold it against null directions, measure displacement along it, steer by it."""
