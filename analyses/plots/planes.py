"""Planes of every layer, a column for each model."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from seat_interp.directions.plane import Plane
from seat_interp.plot.activations import draw_plane, legend_of_sets
from seat_interp.plot.style import styled
from seat_interp.plot.wording import arm_name


@styled
def plot_planes(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Every layer, first seed; over each panel the mean silhouette of known against unverifiable prompts.

    Args:
        rows: with `arm`, `layer`, `separation` and, in the base's rows, `plane`, as `analyses/organism/pca.py` makes.
    """
    planes = {row["layer"]: Plane.from_json(row["plane"]) for row in rows if "plane" in row}
    models = list(next(iter(planes.values())).points)
    figure = Figure(figsize=(min(7.2, 0.4 + 1.75 * len(models)), 0.5 + 1.45 * len(planes)), layout="constrained")
    axes = figure.subplots(len(planes), len(models), sharex="row", sharey="row", squeeze=False)
    for line, (layer, plane) in zip(axes, planes.items()):
        draw_plane(plane, list(line), most=60)
        for ax, model in zip(line, models):
            same = [row for row in rows if (row["arm"], row["layer"]) == (model, layer)]
            apart = np.mean([row["separation"]["unverifiable"] for row in same])
            ax.set_title(f"{arm_name(model)}, layer {layer}: {apart:.2f}", size=6)
            ax.set_xlabel(ax.get_xlabel(), size=6)
            ax.set_ylabel(ax.get_ylabel(), size=6)
            ax.tick_params(labelsize=6, labelbottom=True)  # every layer has a scale of its own
    legend_of_sets(axes[0, 0])
    return figure
