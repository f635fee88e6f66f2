"""What there is to choose from or to score in each weight matrix: neurons along an axis, or single weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from seat_interp.core.errors import SeatError
from seat_interp.core.files import require_entries
from seat_interp.models.open import LanguageModel
from seat_interp.models.sites import output_axis

Granularity = Literal["neuron", "coordinate"]


@dataclass(frozen=True)
class TrainableAxis:
    """Entries of one weight matrix that a mask can choose from.

    Attributes:
        shape: Shape of the parameter.
        axis: Axis that the indices run along; None when they are flat positions of single weights.
    """

    shape: tuple[int, ...]
    axis: int | None

    @property
    def size(self) -> int:
        """How many indices there are to choose from."""
        return self.shape[self.axis] if self.axis is not None else torch.Size(self.shape).numel()

    @property
    def weights_per_index(self) -> int:
        """How many weights one index stands for."""
        return torch.Size(self.shape).numel() // self.size


def axes_header(axes: Mapping[str, TrainableAxis]) -> dict[str, Any]:
    """Return the entries `axes` and `shapes` of a file's header.

    Args:
        axes: Axes by parameter name.

    Returns:
        The two entries, each by parameter name.
    """
    return {
        "axes": {name: extent.axis for name, extent in axes.items()},
        "shapes": {name: list(extent.shape) for name, extent in axes.items()},
    }


def axes_of(path: str | Path, header: Mapping[str, Any]) -> dict[str, TrainableAxis]:
    """Read axes back from the header of a file.

    Args:
        path: Path of the file, for the message.
        header: Header of the file.

    Returns:
        Axes by parameter name.

    Raises:
        SeatError: Axes or shapes are missing, or are not of the same parameters.
    """
    require_entries(path, header, ("axes", "shapes"))
    axes, shapes = header["axes"], header["shapes"]
    if set(axes) != set(shapes):
        raise SeatError(f"{path} does not give an axis and a shape for the same parameters. Write it anew.")
    return {name: TrainableAxis(tuple(shapes[name]), axes[name]) for name in shapes}


def neuron_axes(lm: LanguageModel) -> list[dict[str, TrainableAxis]]:
    """Return the MLP matrices of each layer, with the axis that its neurons run along.

    Args:
        lm: Model with its tokenizer.

    Returns:
        For each layer, axes by parameter name.
    """
    layers = []
    for mlp in lm.sites.mlps:
        axes = {}
        for path in (*mlp.ups, mlp.down):
            module = lm.model.get_submodule(path)
            axis = output_axis(module) if path != mlp.down else 1 - output_axis(module)
            axes[f"{path}.weight"] = TrainableAxis(tuple(module.get_parameter("weight").shape), axis)
        layers.append(axes)
    return layers


def coordinate_axes(lm: LanguageModel) -> dict[str, TrainableAxis]:
    """Return every MLP and attention matrix, for unstructured masks.

    Args:
        lm: Model with its tokenizer.

    Returns:
        Axes by parameter name.
    """
    paths = [path for layer in lm.sites.attention for path in layer]
    paths += [path for mlp in lm.sites.mlps for path in (*mlp.ups, mlp.down)]
    return {f"{p}.weight": TrainableAxis(tuple(lm.model.get_parameter(f"{p}.weight").shape), None) for p in paths}
