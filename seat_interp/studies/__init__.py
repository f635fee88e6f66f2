"""Studies: arms, their runs with every seed, the folder that they fill, and means over seeds."""
