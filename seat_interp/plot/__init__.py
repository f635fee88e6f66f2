"""Figures: functions that take what was measured and, if wanted, matplotlib axes, and return the axes.

import seat_interp as si
ax = si.plot.layer_scan(direction)
ax.figure.savefig("scan.pdf")

Where a figure shows several models or masks by their names, one alone will do. Without axes a figure is made that
pyplot does not know of, so that nothing stays open; `ax.figure` as the last line of a notebook's cell shows it. All are
drawn in the style of `seat_interp.mplstyle`, without changing anybody's settings.
"""

from seat_interp.plot.activations import activations
from seat_interp.plot.direction import layer_scan, projections, steering
from seat_interp.plot.displacement import displacement, displacement_by_layer
from seat_interp.plot.masks import fidelity, jaccard, overlap, places, shares
from seat_interp.plot.rates import rates, rates_by_row
from seat_interp.plot.style import new_axes
from seat_interp.plot.training import training

__all__ = [
    "activations",
    "displacement",
    "displacement_by_layer",
    "fidelity",
    "jaccard",
    "layer_scan",
    "new_axes",
    "overlap",
    "places",
    "projections",
    "rates",
    "rates_by_row",
    "shares",
    "steering",
    "training",
]
