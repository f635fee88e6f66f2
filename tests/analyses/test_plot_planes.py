"""Planes of every layer."""

import numpy as np
import torch

from analyses.plots.planes import plot_planes
from seat_interp.directions.plane import principal_plane

SETS = ("unverifiable", "known")


def test_planes_by_layer_say_how_far_apart():
    base = {name: torch.randn(9, 4, generator=torch.Generator().manual_seed(i)) for i, name in enumerate(SETS)}
    rows = []
    for layer in (0, 1):
        plane = principal_plane(base, {"full": base})
        rows.append({"arm": "base", "layer": layer, "separation": {"unverifiable": 0.5}, "plane": plane.to_json()})
        rows.append({"arm": "full", "layer": layer, "separation": {"unverifiable": 0.1 * layer}})
    figure = plot_planes(rows)
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles[0] == "Base, layer 0: 0.50"
    assert titles[3] == "Full fine-tuning, layer 1: 0.10"
    points = np.concatenate(
        [np.asarray(c.get_offsets()) for c in figure.axes[1].collections if len(c.get_offsets()) > 1]
    )
    assert len(points) == 9 * len(SETS)
