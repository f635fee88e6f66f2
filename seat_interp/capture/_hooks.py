"""What runs a model, shows its activations as they pass, and changes them: torch hooks, TransformerLens or nnsight."""

import contextlib
import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from torch import Tensor, nn

from seat_interp.capture._reduce import Reduce
from seat_interp.models.open import LanguageModel
from seat_interp.models.prompts import Batch
from seat_interp.models.sites import first, with_first


class Kind(enum.StrEnum):
    """Kind of the activations at a layer.

    Example:
        >>> si.capture(lm, ["Where does Ada Moran live?"], kind=si.Kind.NEURONS).values.shape
        torch.Size([1, 4, 512])
    """

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

    def capture(self, batch: Batch, layers: Sequence[int], kind: Kind, reduce: Reduce) -> dict[int, Tensor]:
        """Run the backbone up to the last of the layers, which rise, and reduce each on the way."""

    def edit(self, edits: Mapping[int, Edit]) -> AbstractContextManager[None]:
        """Within the block, what these layers write is changed in all that the backend runs."""

    def generate(self, **inputs: Any) -> Tensor:
        """As the model's own `generate`, edits included."""


class StopForward(Exception):
    """Raised where the last wanted layer has been seen: what lies above is not computed."""


@dataclass(frozen=True)
class TorchHooks:
    """Hooks that are there while something is looked at or changed, and gone afterwards."""

    lm: LanguageModel
    name: ClassVar[BackendName] = "hooks"

    def capture(self, batch: Batch, layers: Sequence[int], kind: Kind, reduce: Reduce) -> dict[int, Tensor]:
        """Capture as the protocol says; the backbone runs without its language-model head."""
        activations: dict[int, Tensor] = {}

        def keep(layer: int, module: nn.Module, args: tuple[Any, ...], output: Any = None) -> None:
            hidden = args[0] if kind is Kind.NEURONS else first(output)
            # OPT flattens batch and sequence before its projections.
            mask = batch.attention_mask.to(hidden.device)
            activations[layer] = reduce(hidden.reshape(*mask.shape, -1), mask, layer)
            if layer == layers[-1]:
                raise StopForward

        def hook(layer: int) -> Any:
            if kind is Kind.NEURONS:
                module = self.lm.model.get_submodule(self.lm.sites.mlps[layer].down)
                return module.register_forward_pre_hook(partial(keep, layer))
            return self.lm.model.get_submodule(self.lm.sites.blocks[layer]).register_forward_hook(partial(keep, layer))

        with hooked(hook(layer) for layer in layers), contextlib.suppress(StopForward):
            self.lm.model.base_model(**batch.inputs(), use_cache=False)
        return activations

    @contextlib.contextmanager
    def edit(self, edits: Mapping[int, Edit]) -> Iterator[None]:
        """Edit as the protocol says; `lm.model` itself is changed within the block, whoever runs it."""

        def apply(edit: Edit, module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
            return with_first(output, edit(first(output)))

        blocks = {layer: self.lm.model.get_submodule(self.lm.sites.blocks[layer]) for layer in edits}
        with hooked(blocks[layer].register_forward_hook(partial(apply, edit)) for layer, edit in edits.items()):
            yield

    def generate(self, **inputs: Any) -> Tensor:
        """As the model's own."""
        return self.lm.model.generate(**inputs)  # type: ignore[operator, no-any-return]


@contextlib.contextmanager
def hooked(handles: Iterator[Any]) -> Iterator[None]:
    """Keep hooks within the block and remove them at its end; they are registered as `handles` is iterated."""
    registered = []
    try:
        for handle in handles:
            registered.append(handle)
        yield
    finally:
        for handle in registered:
            handle.remove()
