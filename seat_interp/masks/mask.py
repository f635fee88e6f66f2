"""The mask: which neurons or which single weights may change. A value with an algebra and a file format."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn
from transformers import PretrainedConfig

from seat_interp.core.errors import SeatError, require_type
from seat_interp.core.files import load_tensors, require_entries, save_tensors
from seat_interp.models.axes import Granularity, TrainableAxis, axes_header, axes_of, neuron_axes
from seat_interp.models.open import LanguageModel, require_same_architecture

FORMAT = "seat_interp.mask"
_VERSION = 1


@dataclass(frozen=True)
class Mask:
    """Chosen indices of each weight matrix, named as in the Hugging Face `state_dict`.

    Neuron i of a layer is row i of that block's gate and up projections and column i of its down projection (fc1 and
    fc2, and GPT-2's transposed Conv1D, likewise); biases are not part of it. `&`, `|`, `^`, `-` and `~` work within the
    axes, which both sides must share.

    Attributes:
        granularity: "neuron" for a structured mask, "coordinate" for an unstructured one.
        indices: Sorted int32 indices by parameter, along the parameter's axis or flat.
        axes: Axis of each parameter that the mask may touch, also where nothing is chosen.
        origin: Score, selection, budget, seed and fingerprint of the model; kept in the file's header.

    Example:
        >>> one, other = si.random_neurons(lm, 0.1, seed=0), si.random_neurons(lm, 0.1, seed=1)
        >>> (one & other).budget < one.budget < (one | other).budget
        True
    """

    granularity: Granularity
    indices: Mapping[str, Int[Tensor, " chosen"]]
    axes: Mapping[str, TrainableAxis]
    origin: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if set(self.indices) != set(self.axes):
            odd = sorted(set(self.indices) ^ set(self.axes))
            raise SeatError(f"A mask needs an extent for each parameter with indices; {odd[0]} has only one of both.")
        for name, chosen in self.indices.items():
            if chosen.dtype is not torch.int32 or bool((chosen.diff() <= 0).any()):
                raise SeatError(f"The mask's indices of {name} must be int32, sorted and distinct.")
            if chosen.numel() and (int(chosen.min()) < 0 or int(chosen.max()) >= self.axes[name].size):
                raise SeatError(
                    f"Mask index {int(chosen.max())} of {name} does not fit its size {self.axes[name].size}."
                )

    def __repr__(self) -> str:
        return f"Mask({self.granularity}, {len(self):,} weights, budget {self.budget:.3g})"

    def __len__(self) -> int:
        """How many weights may change."""
        return sum(int(chosen.numel()) * self.axes[name].weights_per_index for name, chosen in self.indices.items())

    @property
    def budget(self) -> float:
        """Share of the weights within the axes that may change; for neurons also the share of neurons."""
        return len(self) / max(1, sum(extent.size * extent.weights_per_index for extent in self.axes.values()))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mask):
            return NotImplemented
        return (
            self.granularity == other.granularity
            and dict(self.axes) == dict(other.axes)
            and all(torch.equal(chosen, other.indices[name]) for name, chosen in self.indices.items())
        )

    __hash__ = None  # type: ignore[assignment]

    def _combine(self, other: "Mask", rule: Callable[[Tensor, Tensor], Tensor], sign: str) -> "Mask":
        require_type(f"on the right of {sign!r}", other, Mask, "a Mask")
        if self.granularity != other.granularity or dict(self.axes) != dict(other.axes):
            raise SeatError(
                f"Masks of granularity {self.granularity} and {other.granularity} over "
                f"{len(self.axes)} and {len(other.axes)} matrices cannot be combined: "
                "make both for the same model and granularity."
            )
        indices = {}
        for name, chosen in self.indices.items():
            left, right = (_dense(side, self.axes[name].size) for side in (chosen, other.indices[name]))
            indices[name] = _sparse(rule(left, right))
        return replace(self, indices=indices, origin={"combined": sign, **_inherited(self, other)})

    def __and__(self, other: "Mask") -> "Mask":
        return self._combine(other, torch.logical_and, "&")

    def __or__(self, other: "Mask") -> "Mask":
        return self._combine(other, torch.logical_or, "|")

    def __xor__(self, other: "Mask") -> "Mask":
        return self._combine(other, torch.logical_xor, "^")

    def __sub__(self, other: "Mask") -> "Mask":
        return self._combine(other, lambda left, right: left & ~right, "-")

    def __invert__(self) -> "Mask":
        indices = {n: _sparse(~_dense(chosen, self.axes[n].size)) for n, chosen in self.indices.items()}
        return replace(self, indices=indices, origin={"combined": "~", **_inherited(self)})

    def dense(self, name: str) -> Tensor:
        """Return the mask of one parameter as a bool tensor.

        Args:
            name: Name of the parameter.

        Returns:
            Tensor of the parameter's shape.
        """
        extent = self.axes[name]
        chosen = _dense(self.indices[name], extent.size)
        if extent.axis is None:
            return chosen.view(extent.shape)
        return chosen.unsqueeze(1 - extent.axis).expand(extent.shape).clone()

    def save(self, path: str | Path) -> Path:
        """Write the mask file: int32 indices by parameter name, and a JSON header in the metadata entry `seat_interp`.

        An index is a row of the parameter if its axis is 0, a column if it is 1, and a place in the flattened parameter
        if it is null. Without seat_interp, these lines give the dense mask of each parameter::

            import json, torch
            from safetensors import safe_open

            with safe_open("mask.safetensors", framework="pt") as file:
                header = json.loads(file.metadata()["seat_interp"])
                for name in file.keys():
                    chosen, axis = file.get_tensor(name).long(), header["axes"][name]
                    dense = torch.zeros(header["shapes"][name], dtype=torch.bool)
                    if axis is None:
                        dense.view(-1)[chosen] = True
                    else:
                        dense.index_fill_(axis, chosen, True)

        Args:
            path: Path of the file.

        Returns:
            The path.
        """
        header = {
            "format": FORMAT,
            "version": _VERSION,
            "granularity": self.granularity,
            "budget": self.budget,
            **axes_header(self.axes),
            "model": self.origin.get("model"),
            "seed": self.origin.get("seed"),
            "origin": dict(self.origin),
        }
        return save_tensors(path, self.indices, header)

    @classmethod
    def load(cls, path: str | Path) -> "Mask":
        """Read a mask file.

        Args:
            path: Path of the file.

        Returns:
            The mask.

        Raises:
            SeatError: The file is missing, truncated or not a mask.
        """
        tensors, header = load_tensors(path, FORMAT)
        require_entries(path, header, ("granularity", "origin"))
        return cls(header["granularity"], tensors, axes_of(path, header), header["origin"])

    def require_fits(self, lm: LanguageModel) -> None:
        """Check the mask against a model before anything is trained.

        Args:
            lm: Model with its tokenizer.

        Raises:
            SeatError: The mask was made for another architecture, or a parameter is missing or of another shape.
        """
        if self.origin.get("model"):
            require_same_architecture(self.origin["model"], lm.architecture, "The mask")
        self.require_shapes(lm.model)

    def require_shapes(self, model: nn.Module) -> None:
        """Check the mask against any model's parameters, and against its configuration where it has one.

        Args:
            model: Torch model.

        Raises:
            SeatError: PEFT has wrapped the model, it is of another family or depth, or a parameter is missing or of
            another shape.
        """
        if hasattr(model, "peft_config"):
            raise SeatError(
                "This model is wrapped by PEFT, which gives its weights other names. Merge or unload the adapter "
                "first, and give that model."
            )
        made, config = self.origin.get("model"), getattr(model, "config", None)
        if made and isinstance(config, PretrainedConfig):
            text = config.get_text_config()
            now = {"family": text.model_type, "layers": getattr(text, "num_hidden_layers", made.get("layers"))}
            require_same_architecture(made, now, "The mask")
        parameters = dict(model.named_parameters())
        for name, extent in self.axes.items():
            if name not in parameters:
                raise SeatError(f"The mask names {name}, which this model does not have. Select a mask on this model.")
            if tuple(parameters[name].shape) != extent.shape:
                raise SeatError(
                    f"The mask holds {name} with shape {extent.shape}, but in this model it is "
                    f"{tuple(parameters[name].shape)}. Select a mask on this model."
                )


def neuron_mask(lm: LanguageModel, chosen: list[Int[Tensor, " _"]], origin: Mapping[str, Any]) -> Mask:
    """Make a structured mask from the chosen neurons of each layer.

    Args:
        lm: Model with its tokenizer.
        chosen: Indices of the neurons of each layer.
        origin: Entries for the mask's header.

    Returns:
        The mask.
    """
    indices, axes = {}, {}
    for mlp, layer, neurons in zip(lm.sites.mlps, neuron_axes(lm), chosen):
        neurons = neurons.sort().values.to(torch.int32)
        for name, extent in layer.items():
            # A fused gate-and-up projection holds the neuron twice, one half above the other.
            halves = [neurons + half * mlp.neurons for half in range(extent.size // mlp.neurons)]
            indices[name] = torch.cat(halves)
            axes[name] = extent
    return Mask("neuron", indices, axes, {**origin, "model": lm.fingerprint})


def _inherited(*parts: Mask) -> dict[str, Any]:
    """Return the origin of a mask made of others: theirs, their model, and whether any used evaluation data."""
    made: dict[str, Any] = {"of": [dict(part.origin) for part in parts]}
    models = [part.origin["model"] for part in parts if part.origin.get("model")]
    if models and all(model == models[0] for model in models):
        made["model"] = models[0]
    return made | {"uses_evaluation_data": any(part.origin.get("uses_evaluation_data") for part in parts)}


def _dense(chosen: Tensor, size: int) -> Tensor:
    dense = torch.zeros(size, dtype=torch.bool)
    dense[chosen.long()] = True
    return dense


def _sparse(dense: Tensor) -> Tensor:
    return dense.nonzero().flatten().to(torch.int32)
