"""What runs a model, shows its activations as they pass, and changes them: torch hooks, TransformerLens or nnsight."""

import enum
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from torch import Tensor

from seat_interp.capture.reduce import Reduce
from seat_interp.errors import SeatError
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


def open_backend(held: Any, name: BackendName | None = None, *, remote: bool | Literal["local"] = False) -> Backend:
    """The backend for a model in whatever form the caller holds it.

    Args:
        held: a `LanguageModel`, a TransformerBridge, a model of nnsight, or a backend, which comes back as it is.
        name: which one to use; torch hooks for a `LanguageModel` and the form's own for others if None.
        remote: nnsight alone: run on its remote service; "local" does so on this machine, as a rehearsal.

    Raises:
        SeatError: the package is missing, the form and the name do not go together, or the bridge changed its weights.
    """
    if isinstance(held, LanguageModel):
        name = name or "hooks"
    elif isinstance(held, Backend):
        return held
    else:
        own = next((each for each in _packages(held) if each in ("transformer_lens", "nnsight")), None)
        if own is None:
            raise SeatError(
                f"A {type(held).__name__} is not a model that can be looked into. Give what open_model or wrap_model "
                "returns, a TransformerBridge, or a model of nnsight."
            )
        if name not in (None, own):
            raise SeatError(f"A model held by {own} is looked into by {own}, not by {name!r}. Leave out `backend`.")
        name = own  # type: ignore[assignment]
    if remote and name != "nnsight":
        raise SeatError(f"Only nnsight runs remotely, and the backend is {name!r}. Give backend='nnsight'.")
    if name == "hooks":
        from seat_interp.capture.hooks import TorchHooks

        return TorchHooks(held)
    if name == "transformer_lens":
        _require(name, "lens")
        from seat_interp.capture.transformer_lens import Bridged

        return Bridged.of(held)
    if name == "nnsight":
        _require(name, "nnsight")
        from seat_interp.capture.nnsight import Traced

        return Traced.of(held, remote)
    raise SeatError(f"There is no backend {name!r}. Choose from 'hooks', 'transformer_lens', 'nnsight'.")


def _packages(held: Any) -> list[str]:
    """The packages that a model's classes are from, without importing any."""
    return [each.__module__.partition(".")[0] for each in type(held).__mro__]


def _require(package: str, extra: str) -> None:
    from importlib.util import find_spec

    if find_spec(package) is None:
        raise SeatError(f"The package {package} is not installed. Get it with: pip install 'seat_interp[{extra}]'.")
