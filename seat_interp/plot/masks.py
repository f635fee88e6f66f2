"""Masks and scores: where a mask lives, how masks overlap, and how far a score can be trusted."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from seat_interp.attribution import Fidelity
from seat_interp.masks.compare import Place, jaccard_matrix, where
from seat_interp.masks.mask import Mask
from seat_interp.plot.style import by_name, new_axes, styled


def places(masks: Mask | Mapping[str, Mask], axes: Sequence[Axes] | None = None) -> Sequence[Axes]:
    """Draw the share of each matrix in each layer that a mask holds, 0 to 1: one panel a mask, on one scale.

    Args:
        masks: Mask, or several by their titles.
        axes: Axes, one for each mask; new ones if None.

    Returns:
        The axes.
    """
    named = by_name(masks, "mask")
    return shares({f"{name} (budget {mask.budget:.3g})": where(mask) for name, mask in named.items()}, axes)


@styled
def shares(by_mask: Mapping[str, Sequence[Place]], axes: Sequence[Axes] | None = None) -> Sequence[Axes]:
    """Draw the places of each mask as `places` does.

    Args:
        by_mask: Places of each mask by its title.
        axes: Axes, one for each mask; new ones if None.

    Returns:
        The axes.
    """
    columns = min(3, len(by_mask))
    if axes is None:
        rows = max(len({place.layer for place in places}) for places in by_mask.values())
        lines = -(-len(by_mask) // columns)
        figure = Figure(figsize=(1.6 + 2.6 * columns, (1.6 + 0.17 * rows) * lines), layout="constrained")
        grid = figure.subplots(lines, columns, squeeze=False).flatten()
        for spare in grid[len(by_mask) :]:
            spare.remove()
        axes = list(grid[: len(by_mask)])
    most = max(place.share for places in by_mask.values() for place in places)
    for at, (ax, (name, places)) in enumerate(zip(axes, by_mask.items())):
        kinds = list(dict.fromkeys(place.matrix for place in places))
        layers = sorted({place.layer for place in places})
        held = np.full((len(layers), len(kinds)), np.nan)
        for place in places:
            held[layers.index(place.layer), kinds.index(place.matrix)] = place.share
        image = ax.imshow(held, aspect="auto", cmap="viridis", vmin=0, vmax=most, origin="lower")
        ax.set_xticks(range(len(kinds)), [kind.split(".")[-1] for kind in kinds], rotation=45, ha="right")
        ax.set(title=name, ylabel="" if at % columns else "Layer")
        ax.set_yticks(range(0, len(layers), max(1, len(layers) // 8)))
        ax.grid(False)
    axes[0].figure.colorbar(image, ax=list(axes), label="Share of the matrix")
    return axes


def overlap(masks: Mapping[str, Mask], ax: Axes | None = None) -> Axes:
    """Draw the Jaccard index of every pair of masks: weights in both over weights in either, 0 to 1.

    Args:
        masks: Masks by name, of one model and granularity.
        ax: Axes to draw on; new ones if None.

    Returns:
        The axes.

    Raises:
        SeatError: The masks cannot be compared.
    """
    return jaccard(list(masks), jaccard_matrix(masks), ax)


@styled
def jaccard(names: Sequence[str], indices: Float[np.ndarray, "masks masks"], ax: Axes | None = None) -> Axes:
    """Draw Jaccard indices as `overlap` does.

    Args:
        names: Names of the masks.
        indices: Jaccard index of every pair, [masks, masks].
        ax: Axes to draw on; new ones if None.

    Returns:
        The axes.
    """
    size = 1.8 + 0.55 * len(names)
    ax = ax or new_axes(size + 0.8, size)
    image = ax.imshow(indices, cmap="viridis", vmin=0, vmax=1)
    for (row, column), value in np.ndenumerate(indices):
        ax.text(
            column, row, f"{value:.2f}", ha="center", va="center", size=7, color="white" if value < 0.6 else "black"
        )
    ax.set_xticks(range(len(names)), list(names), rotation=45, ha="right")
    ax.set_yticks(range(len(names)), list(names))
    ax.grid(False)
    ax.figure.colorbar(image, ax=ax, label="Jaccard index")
    return ax


@styled
def fidelity(
    fidelities: Fidelity | Mapping[str, Fidelity], axes: Sequence[Sequence[Axes]] | None = None
) -> Sequence[Sequence[Axes]]:
    """Draw each score against exact ablation, single neurons above and groups below, with Spearman's correlation.

    Effects are falls of the mean metric, in its units.

    Args:
        fidelities: Fidelity of one score, or of several by their names.
        axes: Axes in two rows, one column for each score; new ones if None.

    Returns:
        The axes.
    """
    fidelities = by_name(fidelities, "score")
    if axes is None:
        figure = Figure(figsize=(1 + 2.1 * len(fidelities), 4.4), layout="constrained")
        axes = figure.subplots(2, len(fidelities), squeeze=False).tolist()
    for column, (name, result) in enumerate(fidelities.items()):
        rows = (
            (result.scores, result.effects, result.single),
            (result.group_scores, result.group_effects, result.grouped),
        )
        for row, (scores, effects, correlation) in enumerate(rows):
            ax = axes[row][column]
            ax.plot(scores, effects, ".", ms=3, alpha=0.5, color="#0072B2", mew=0)
            ax.set_title(f"{name}: {correlation:.2f}" if row == 0 else f"groups: {correlation:.2f}", size=8)
            ax.set(xlabel="Score" if row else "", ylabel=("Effect of ablation", "of groups")[row] if not column else "")
            ax.ticklabel_format(style="sci", scilimits=(-2, 2))
    return axes
