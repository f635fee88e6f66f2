"""The default backend: plain torch hooks on the model's own modules."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from torch import Tensor, nn

from seat_interp.capture.backend import BackendName, Edit, Kind
from seat_interp.capture.reduce import Reduce
from seat_interp.models.open import LanguageModel
from seat_interp.prompts import Batch
from seat_interp.sites import first, with_first


class Enough(Exception):
    """Raised where the last wanted layer has been seen: what lies above is not computed."""


@dataclass(frozen=True)
class TorchHooks:
    """Hooks that are there while something is looked at or changed, and gone afterwards."""

    lm: LanguageModel
    name: ClassVar[BackendName] = "hooks"

    def look(self, batch: Batch, layers: Sequence[int], kind: Kind, reduce: Reduce) -> dict[int, Tensor]:
        """As `Backend.look`; the backbone runs without its language-model head."""
        found: dict[int, Tensor] = {}

        def keep(layer: int, module: nn.Module, args: tuple[Any, ...], output: Any = None) -> None:
            hidden = args[0] if kind is Kind.NEURONS else first(output)
            # OPT flattens batch and sequence before its projections.
            mask = batch.attention_mask.to(hidden.device)
            found[layer] = reduce(hidden.reshape(*mask.shape, -1), mask, layer)
            if layer == layers[-1]:
                raise Enough

        def hook(layer: int) -> Any:
            if kind is Kind.NEURONS:
                module = self.lm.model.get_submodule(self.lm.sites.mlps[layer].down)
                return module.register_forward_pre_hook(partial(keep, layer))
            return self.lm.model.get_submodule(self.lm.sites.blocks[layer]).register_forward_hook(partial(keep, layer))

        with hooked(hook(layer) for layer in layers), contextlib.suppress(Enough):
            self.lm.model.base_model(**batch.inputs(), use_cache=False)
        return found

    @contextlib.contextmanager
    def edited(self, edits: Mapping[int, Edit]) -> Iterator[None]:
        """As `Backend.edited`; `lm.model` itself is changed while it lasts, whoever runs it."""

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
    """Within the block, hooks are there; their handles come as they are registered."""
    there = []
    try:
        for handle in handles:
            there.append(handle)
        yield
    finally:
        for handle in there:
            handle.remove()
