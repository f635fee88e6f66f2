"""What masked training changed, as a value: small differences that add up with the base to the tuned model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from seat_interp.core.errors import SeatError
from seat_interp.core.files import load_tensors, require_entries, save_tensors
from seat_interp.masks.mask import Mask
from seat_interp.models.axes import axes_header, axes_of

FORMAT = "seat_interp.delta"


@dataclass(frozen=True)
class SparseUpdate:
    """Differences from the base within a mask.

    Attributes:
        mask: Mask of the differences.
        values: Differences by parameter: for neurons one row each, [chosen, other axis], for single weights flat.

    Example:
        >>> tuned = lm.copy()
        >>> update = si.attach(tuned.model, si.random_neurons(lm, 0.1)).merge()
        >>> si.SparseUpdate.load(update.save("delta.safetensors")).mask.budget == update.mask.budget
        True
    """

    mask: Mask
    values: Mapping[str, Float[Tensor, "..."]]

    def __repr__(self) -> str:
        return f"SparseUpdate({len(self.values)} matrices within {self.mask!r})"

    @classmethod
    @torch.no_grad()
    def between(cls, *, base: nn.Module, tuned: nn.Module, mask: Mask) -> "SparseUpdate":
        """Take the update that leads from one model to another, for models that were tuned elsewhere within the mask.

        Args:
            base: Model before.
            tuned: Model after.
            mask: Mask that holds every difference.

        Returns:
            The update.

        Raises:
            SeatError: Something outside the mask differs too, or the models do not have the same parameters.
        """
        mask.require_shapes(base)
        values = {}
        other = dict(tuned.named_parameters())
        for name, parameter in base.named_parameters():
            if name not in other or other[name].shape != parameter.shape:
                raise SeatError(
                    f"The tuned model has no {name} of shape {tuple(parameter.shape)}. Compare it with its base."
                )
            change = other[name].float() - parameter.float()
            inside = (
                mask.dense(name).to(change.device)
                if name in mask.indices
                else torch.zeros_like(change, dtype=torch.bool)
            )
            if bool(change[~inside].any()):
                raise SeatError(f"{name} differs outside the mask, so that the mask does not hold the whole update.")
            if name in mask.indices and mask.indices[name].numel():
                entries = change.flatten()[cls(mask, {}).places(name).to(change.device)]
                values[name] = (
                    entries.view(len(mask.indices[name]), -1) if mask.axes[name].axis is not None else entries
                )
        return cls(mask, values)

    def places(self, name: str) -> Int[Tensor, " weights"]:
        """Return the places of the update's entries in the flattened parameter, in the order of
        `values[name].flatten()`.

        Args:
            name: Name of the parameter.

        Returns:
            Indices, [weights].
        """
        chosen, extent = self.mask.indices[name].long(), self.mask.axes[name]
        if extent.axis is None:
            return chosen
        rows, columns = extent.shape
        if extent.axis == 0:
            return (chosen[:, None] * columns + torch.arange(columns)).flatten()
        return (chosen[:, None] + columns * torch.arange(rows)).flatten()

    @torch.no_grad()
    def add_to(self, model: nn.Module) -> None:
        """Add the differences to a model's weights, in float32 at least, rounded once to the weight's dtype.

        Args:
            model: Model of the base's architecture; it is changed.

        Raises:
            SeatError: The model lacks a parameter, or has another shape.
        """
        self.mask.require_shapes(model)
        for name, value in self.values.items():
            flat = model.get_parameter(name).view(-1)
            where = self.places(name).to(flat.device)
            flat[where] = (flat[where] + value.flatten().to(flat.device)).to(flat.dtype)

    def save(self, path: str | Path) -> Path:
        """Write `delta.safetensors`: for each parameter NAME its flat `NAME.places` and the `NAME.values` to add.

        Without seat_interp::

            from safetensors.torch import load_file

            delta = load_file("delta.safetensors")
            for name, parameter in model.named_parameters():
                if f"{name}.places" in delta:
                    flat, where = parameter.data.view(-1), delta[f"{name}.places"].long()
                    flat[where] = (flat[where] + delta[f"{name}.values"]).to(flat.dtype)

        Args:
            path: Path of the file.

        Returns:
            The path.
        """
        tensors = {f"{name}.values": value.flatten() for name, value in self.values.items()}
        tensors |= {f"{name}.places": self.places(name).to(torch.int32) for name in self.values}
        header = {
            "format": FORMAT,
            "version": 1,
            "granularity": self.mask.granularity,
            **axes_header(self.mask.axes),
            "mask": dict(self.mask.origin),
        }
        return save_tensors(path, tensors, header)

    @classmethod
    def load(cls, path: str | Path) -> "SparseUpdate":
        """Read `delta.safetensors`: the differences, and the mask that they are within.

        Args:
            path: Path of the file.

        Returns:
            The update.

        Raises:
            SeatError: The file is missing, truncated, not an update, or has places without as many values.
        """
        tensors, header = load_tensors(path, FORMAT)
        require_entries(path, header, ("granularity", "mask"))
        axes = axes_of(path, header)
        indices, values, nothing = {}, {}, torch.empty(0, dtype=torch.int32)
        for name, extent in axes.items():
            places, value = (tensors.get(f"{name}.{part}", nothing) for part in ("places", "values"))
            if len(places) != len(value):
                raise SeatError(f"{path} does not hold as many values as places of {name}. Write the update anew.")
            if extent.axis is not None:
                places = places // extent.shape[1] if extent.axis == 0 else places % extent.shape[1]
            indices[name] = places.unique().to(torch.int32)
            if len(places):
                values[name] = value if extent.axis is None else value.view(len(indices[name]), -1)
        return cls(Mask(header["granularity"], indices, axes, header["mask"]), values)
