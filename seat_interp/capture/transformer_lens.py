"""TransformerLens as a backend: the hook points of a TransformerBridge, raw weights alone."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from torch import Tensor, nn
from transformer_lens.model_bridge import TransformerBridge
from transformer_lens.model_bridge.sources import build_bridge_from_module

from seat_interp.capture._hooks import BackendName, Edit, Kind, StopForward, hooked
from seat_interp.capture._reduce import Reduce
from seat_interp.core.errors import SeatError, see
from seat_interp.models.open import LanguageModel, sites_of_config
from seat_interp.models.prompts import Batch

POINTS = {Kind.RESIDUAL: "blocks.{}.hook_out", Kind.NEURONS: "blocks.{}.mlp.out.hook_in"}


@dataclass(frozen=True)
class Bridged:
    """TransformerLens bridge, and the Hugging Face model that it holds.

    Attributes:
        lm: Hugging Face model with tokenizer and sites.
        bridge: The bridge.
    """

    lm: LanguageModel
    bridge: TransformerBridge
    name: ClassVar[BackendName] = "transformer_lens"

    @classmethod
    def of(cls, held: LanguageModel | TransformerBridge) -> "Bridged":
        """Wrap a bridge, or a copy of a model: a bridge replaces its model's modules.

        Args:
            held: The one or the other.

        Returns:
            The backend.

        Raises:
            SeatError: The bridge folded or centred its weights, or no bridge can be built for this family.
        """
        if isinstance(held, TransformerBridge):
            return cls(_held(held), held)
        copy = held.copy()
        try:
            # Without a tokenizer: TransformerLens would set its own defaults on the one that is given.
            bridge = build_bridge_from_module(
                copy.model, architecture=type(copy.model).__name__, hf_config=copy.model.config
            )
        except (ValueError, NotImplementedError, KeyError) as error:
            raise SeatError(
                f"TransformerLens has no bridge for {held.name!r} ({type(copy.model).__name__}): {error}. "
                "Use backend='hooks', which needs none."
            ) from error
        return cls(copy, bridge)

    def capture(self, batch: Batch, layers: Sequence[int], kind: Kind, reduce: Reduce) -> dict[int, Tensor]:
        """Capture a batch.

        Args:
            batch: Padded prompts.
            layers: Layers, rising.
            kind: Residual stream or neurons.
            reduce: Reduction of each prompt's tokens.

        Returns:
            Reduced activations by layer, [batch, width].
        """
        activations: dict[int, Tensor] = {}

        def keep(hidden: Tensor, hook: Any, *, layer: int) -> None:
            activations[layer] = reduce(hidden.reshape(*batch.attention_mask.shape, -1), batch.attention_mask, layer)
            if layer == layers[-1]:
                raise StopForward

        with (
            self._hooked({layer: partial(keep, layer=layer) for layer in layers}, kind),
            contextlib.suppress(StopForward),
        ):
            # Its backbone and not the bridge's own forward: position ids come from the mask, and the head is left out.
            self.lm.model.base_model(**batch.inputs(), use_cache=False)
        return activations

    @contextlib.contextmanager
    def edit(self, edits: Mapping[int, Edit]) -> Iterator[None]:
        """Edit the residual stream within a block.

        Args:
            edits: Edits by layer.
        """
        with self._hooked({layer: hook_function(edit) for layer, edit in edits.items()}, Kind.RESIDUAL):
            yield

    def generate(self, **inputs: Any) -> Tensor:
        """Generate as the Hugging Face model does, which runs through the hook points.

        Args:
            inputs: Keyword arguments of Hugging Face's `generate`.

        Returns:
            Token ids, [batch, sequence].
        """
        with hooked(self._named_caches()):
            return self.lm.model.generate(**inputs)  # type: ignore[operator, no-any-return]

    def _named_caches(self) -> Iterator[Any]:
        """Hooks that hand attention its cache by the name that TransformerLens looks for.

        transformers 5.24 calls it `cache`; TransformerLens 4.3 knows `past_key_values`, leaves the cache empty without
        a word, and every token after the first sees itself alone.
        """

        def name(module: nn.Module, args: tuple[Any, ...], given: dict[str, Any]) -> Any:
            return args, given | {"past_key_values": given.get("past_key_values", given.get("cache"))}

        for module in self.lm.model.modules():
            if hasattr(module, "_update_kv_cache"):
                yield module.register_forward_pre_hook(name, with_kwargs=True)

    def _hooked(self, hooks: Mapping[int, Callable[..., Any]], kind: Kind) -> Any:
        return self.bridge.hooks(fwd_hooks=[(POINTS[kind].format(layer), hook) for layer, hook in hooks.items()])


def hook_function(edit: Edit) -> Callable[[Tensor, Any], Tensor]:
    """Turn an edit of the residual stream into a hook of TransformerLens, (activations, hook) -> activations.

    Args:
        edit: Edit of hidden states.

    Returns:
        Function for `bridge.run_with_hooks(..., fwd_hooks=[("blocks.3.hook_out", hook_function(edit))])`.
    """

    def hooked(hidden: Tensor, hook: Any) -> Tensor:
        return edit(hidden)

    return hooked


def _held(bridge: TransformerBridge) -> LanguageModel:
    """The model in a bridge.

    Raises:
        SeatError: its weights were folded or centred, or it has no tokenizer.
    """
    if bridge.compatibility_mode or bridge._weights_processed:
        raise SeatError(
            "This TransformerBridge is in compatibility mode: norms are folded and weights centred, so its residual "
            "stream is another space than the model's own (12 to 16 % apart on a GPT-2), and no direction or "
            "displacement can be compared with it. Give a bridge on which enable_compatibility_mode() was not called. "
            + see("how_to/backends")
        )
    if bridge.tokenizer is None:
        raise SeatError("This TransformerBridge has no tokenizer. Give one to it, or pass what wrap_model returns.")
    model: Any = bridge.original_model
    return LanguageModel(model, bridge.tokenizer, name=str(bridge.cfg.model_name), sites=sites_of_config(model.config))
