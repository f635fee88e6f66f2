"""Choosing the backend: torch hooks, TransformerLens or nnsight, by the form in which the caller holds a model."""

from typing import Any, Literal

from seat_interp.capture._hooks import Backend, BackendName, TorchHooks
from seat_interp.core.errors import SeatError, require_package
from seat_interp.models.open import LanguageModel


def open_backend(held: Any, name: BackendName | None = None, *, remote: bool | Literal["local"] = False) -> Backend:
    """Return the backend for a model in whatever form the caller holds it.

    Args:
        held: `LanguageModel`, TransformerBridge, model of nnsight, or a backend, which comes back as it is.
        name: Name of the backend; torch hooks for a `LanguageModel` and the form's own for others if None.
        remote: Whether nnsight runs on its remote service; "local" does so on this machine, as a rehearsal.

    Returns:
        The backend.

    Raises:
        SeatError: The package is missing, the form and the name do not go together, or the bridge changed its weights.
    """
    if isinstance(held, LanguageModel):
        name = name or "hooks"
    elif isinstance(held, Backend):
        return held
    else:
        own = next((package for package in _packages(held) if package in ("transformer_lens", "nnsight")), None)
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
        return TorchHooks(held)
    if name == "transformer_lens":
        require_package(name, "lens", f"The backend {name!r}")
        from seat_interp.capture.transformer_lens import Bridged

        return Bridged.of(held)
    if name == "nnsight":
        require_package(name, "nnsight", f"The backend {name!r}")
        from seat_interp.capture.nnsight import Traced

        return Traced.of(held, remote)
    raise SeatError(f"There is no backend {name!r}. Choose from 'hooks', 'transformer_lens', 'nnsight'.")


def _packages(held: Any) -> list[str]:
    """The packages that a model's classes are from, without importing any."""
    return [kind.__module__.partition(".")[0] for kind in type(held).__mro__]
