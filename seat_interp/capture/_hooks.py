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
        """Run the backbone up to the last of the layers, and reduce each on the way.

        Args:
            batch: Padded prompts.
            layers: Layers, rising.
            kind: Residual stream or neurons.
            reduce: Reduction of each prompt's tokens.

        Returns:
            Reduced activations by layer, [batch, width].
        """

    def edit(self, edits: Mapping[int, Edit]) -> AbstractContextManager[None]:
        """Change what some layers write in all that the backend runs, within a block.

        Args:
            edits: Edits by layer.

        Returns:
            A context manager.
        """

    def generate(self, **inputs: Any) -> Tensor:
        """Generate as the model itself does, with the edits.

        Args:
            inputs: Keyword arguments of Hugging Face's `generate`.

        Returns:
            Token ids, [batch, sequence].
        """


class StopForward(Exception):
    """Raised where the last wanted layer has been seen: what lies above is not computed."""


@dataclass(frozen=True)
class TorchHooks:
    """Backend of torch hooks, which are there while something is captured or changed, and gone afterwards.

    Attributes:
        lm: Model that it runs.
    """

    lm: LanguageModel
    name: ClassVar[BackendName] = "hooks"

    def capture(self, batch: Batch, layers: Sequence[int], kind: Kind, reduce: Reduce) -> dict[int, Tensor]:
        """Run the backbone without its language-model head up to the last layer, and reduce each on the way.

        Args:
            batch: Padded prompts.
            layers: Layers, rising.
            kind: Residual stream or neurons.
            reduce: Reduction of each prompt's tokens.

        Returns:
            Reduced activations by layer, [batch, width].
        """
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
        """Change what some layers write within a block; `lm.model` itself is changed, whoever runs it.

        Args:
            edits: Edits by layer.
        """

        def apply(edit: Edit, module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
            return with_first(output, edit(first(output)))

        blocks = {layer: self.lm.model.get_submodule(self.lm.sites.blocks[layer]) for layer in edits}
        with hooked(blocks[layer].register_forward_hook(partial(apply, edit)) for layer, edit in edits.items()):
            yield

    def generate(self, **inputs: Any) -> Tensor:
        """Generate as the model itself does.

        Args:
            inputs: Keyword arguments of Hugging Face's `generate`.

        Returns:
            Token ids, [batch, sequence].
        """
        return self.lm.model.generate(**inputs)  # type: ignore[operator, no-any-return]


@contextlib.contextmanager
def hooked(handles: Iterator[Any]) -> Iterator[None]:
    """Keep hooks within the block and remove them at its end.

    Args:
        handles: Handles of the hooks, which are registered as this is iterated.
    """
    registered = []
    try:
        for handle in handles:
            registered.append(handle)
        yield
    finally:
        for handle in registered:
            handle.remove()
