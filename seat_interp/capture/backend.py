"""What runs a model, shows its activations as they pass, and changes them: torch hooks, TransformerLens or nnsight."""

import enum
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from torch import Tensor

from seat_interp.capture.reduce import Reduce
from seat_interp.models.open import LanguageModel
from seat_interp.prompts import Batch


class Kind(enum.StrEnum):
    """What is recorded at a layer."""

    RESIDUAL = "residual"
    """The residual stream after the block, before any final norm."""
    NEURONS = "neurons"
    """The inputs of the MLP's down projection."""


BackendName = Literal["hooks", "transformer_lens", "nnsight"]
Edit = Callable[[Tensor], Tensor]
"""Residual stream [batch, sequence, width] -> what stands in its place."""


@runtime_checkable
class Backend(Protocol):
    """One way to run a model."""

    name: ClassVar[BackendName]
    """As `backend=` names it."""

    @property
    def lm(self) -> LanguageModel:
        """The model that it runs."""

    def look(self, batch: Batch, layers: Sequence[int], kind: Kind, reduce: Reduce) -> dict[int, Tensor]:
        """Run the backbone up to the last of the layers, which rise, and reduce each on the way."""

    def edited(self, edits: Mapping[int, Edit]) -> AbstractContextManager[None]:
        """Within the block, what these layers write is changed in all that the backend runs."""

    def generate(self, **inputs: Any) -> Tensor:
        """As the model's own `generate`, edits included."""
