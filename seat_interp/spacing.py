"""Some of many things in a row, evenly spaced: what is shown where all would be too much."""

import numpy as np


def spaced(count: int, most: int) -> list[int]:
    """The numbers of at most `most` of `count` things in a row, evenly spaced from the first to the last."""
    return np.unique(np.linspace(0, count - 1, max(0, min(most, count))).round().astype(int)).tolist()
