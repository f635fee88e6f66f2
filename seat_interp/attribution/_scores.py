"""Scores: how much each neuron or each single weight matters. A value with a file format."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from seat_interp.core.errors import SeatError
from seat_interp.core.files import load_tensors, require_entries, save_tensors
from seat_interp.models.axes import Granularity, coordinate_axes, neuron_axes
from seat_interp.models.open import LanguageModel, require_same_architecture

FORMAT = "seat_interp.scores"


@dataclass(frozen=True)
class Scores:
    """One number for each MLP neuron, or for each weight of the MLP and attention matrices.

    Attributes:
        granularity: "neuron" or "coordinate".
        values: Scores, float32: for neurons one vector a layer, named after the block's down projection, whose column a
            neuron is; for weights one tensor a matrix, named and shaped as in the Hugging Face `state_dict`.
        origin: Score, metric, number of facts and fingerprint of the model; `uses_evaluation_data` is true where known
            or unknown evaluation facts were used, so that tables can mark it.

    Example:
        >>> si.attribute(lm, facts.known[:4])
        Scores(neuron, gradient_times_activation: 2,048 in 4 tensors)
    """

    granularity: Granularity
    values: Mapping[str, Float[Tensor, "..."]]
    origin: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in self.values.items():
            if not bool(torch.isfinite(value).all()):
                raise SeatError(f"The scores of {name} are not finite. Look at the facts, and at the model's weights.")

    def __repr__(self) -> str:
        count = sum(value.numel() for value in self.values.values())
        return f"Scores({self.granularity}, {self.origin.get('score')}: {count:,} in {len(self.values)} tensors)"

    def flat(self) -> Float[Tensor, " all"]:
        """Join all scores end to end, in the order of `values`.

        Returns:
            Scores, [all].
        """
        return torch.cat([value.flatten() for value in self.values.values()])

    def map(self, rule: Callable[[Tensor], Tensor]) -> "Scores":
        """Apply a rule to each tensor.

        Args:
            rule: Function such as `torch.abs`.

        Returns:
            The new scores.
        """
        return replace(self, values={name: rule(value) for name, value in self.values.items()})

    def abs(self) -> "Scores":
        """Return the sizes without signs.

        Returns:
            The new scores.
        """
        return self.map(torch.abs)

    def per_neuron(self, lm: LanguageModel) -> "Scores":
        """Sum the scores of each neuron's own weights: its rows of the up projections and its column of the down one.

        Args:
            lm: Model that the scores are of.

        Returns:
            One score for each neuron.

        Raises:
            SeatError: The scores are per neuron already.
        """
        if self.granularity != "coordinate":
            raise SeatError("These scores are per neuron already.")
        summed = {}
        for mlp, axes in zip(lm.sites.mlps, neuron_axes(lm)):
            total = torch.zeros(mlp.neurons)
            for name, extent in axes.items():
                sums = self.values[name].sum(1 - extent.axis)  # type: ignore[operator]
                total += sums.view(-1, mlp.neurons).sum(0)  # a fused projection holds each neuron twice
            summed[f"{mlp.down}.weight"] = total
        return Scores("neuron", summed, self.origin)

    def save(self, path: str | Path) -> Path:
        """Write the scores as safetensors.

        Args:
            path: Path of the file.

        Returns:
            The path.
        """
        header = {
            "format": FORMAT,
            "version": 1,
            "granularity": self.granularity,
            "order": list(self.values),  # the file itself has its tensors by name
            "origin": dict(self.origin),
        }
        return save_tensors(path, self.values, header)

    @classmethod
    def load(cls, path: str | Path) -> "Scores":
        """Read a file of scores.

        Args:
            path: Path of the file.

        Returns:
            The scores.

        Raises:
            SeatError: The file is missing, truncated or holds no scores.
        """
        tensors, header = load_tensors(path, FORMAT)
        require_entries(path, header, ("granularity", "order", "origin"))
        return cls(header["granularity"], {name: tensors[name] for name in header["order"]}, header["origin"])

    def require_fits(self, lm: LanguageModel) -> None:
        """Check that the scores are of a model of this architecture, and of tensors that it has.

        Args:
            lm: Model with its tokenizer.

        Raises:
            SeatError: The scores are of another family, width or depth, or of other tensors.
        """
        if self.origin.get("model"):
            require_same_architecture(self.origin["model"], lm.architecture, "The scores")
        sizes: dict[str, tuple[int, ...]]
        if self.granularity == "neuron":
            sizes = {f"{mlp.down}.weight": (mlp.neurons,) for mlp in lm.sites.mlps}
        else:
            sizes = {name: extent.shape for name, extent in coordinate_axes(lm).items()}
        for name, value in self.values.items():
            if sizes.get(name) != tuple(value.shape):
                raise SeatError(
                    f"The scores hold {name} with shape {tuple(value.shape)}; {lm.name!r} has "
                    f"{sizes.get(name, 'no such tensor')} there. Score this model."
                )


def average(parts: Sequence[Scores]) -> Scores:
    """Average scores of one model, each with equal weight however many facts it is of.

    Args:
        parts: Scores of the same tensors.

    Returns:
        Their mean.

    Raises:
        SeatError: There are none, or they are of other tensors.
    """
    if not parts or any(part.values.keys() != parts[0].values.keys() for part in parts):
        raise SeatError(f"{len(parts)} scores cannot be averaged: give one or more of the same model and granularity.")
    values = {name: torch.stack([part.values[name] for part in parts]).mean(0) for name in parts[0].values}
    facts = [part.origin.get("facts") for part in parts]
    origin = {**parts[0].origin, "facts": facts[0] if len(facts) == 1 else facts}
    return replace(
        parts[0],
        values=values,
        origin=origin | {"uses_evaluation_data": any(p.origin.get("uses_evaluation_data") for p in parts)},
    )
