"""One loaded model with PEFT adapters, seen with one of them on or with all of them off; never merged or unmerged."""

import contextlib
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

from torch import nn

from seat_interp.core.errors import SeatError
from seat_interp.models.open import LanguageModel


@contextlib.contextmanager
def adapter(lm: LanguageModel, name: str | Sequence[str] | None) -> Iterator[LanguageModel]:
    """Run the model with one of its adapters, or with none, within a block; afterwards it runs as it did before.

    Switching is exact where merging and unmerging round. For a displacement from one model::

        with si.adapter(lm, None):
            before = si.capture_sets(lm, sets, direction.position)
        after = si.capture_sets(lm, sets, direction.position)
        moved = si.displace(base=before, tuned=after, direction=direction, sets=sets)

    Args:
        lm: Model that `wrap_model(peft_model, tokenizer)` returned.
        name: Name of one of its adapters, names of several that are on together, or None for the base model.

    Yields:
        The same model.

    Raises:
        SeatError: The model has no adapters, or none of that name.

    Example:
        >>> from peft import LoraConfig, get_peft_model
        >>> peft = get_peft_model(lm.copy().model, LoraConfig(target_modules=["up_proj"], init_lora_weights=False))
        >>> tuned, question = si.wrap_model(peft, lm.tokenizer), [facts.known[0].question]
        >>> with si.adapter(tuned, None):
        ...     si.generate(tuned, question) == si.generate(lm, question)
        True
    """
    layers = _adapted(lm.model)
    if not layers:
        raise SeatError(
            f"The model {lm.name!r} has no adapters to switch. Wrap a PeftModel: wrap_model(peft_model, tokenizer)."
        )
    names = [name] if isinstance(name, str) else list(name or ())
    present = sorted({kind for of_layer in layers.values() for kind in of_layer})
    if unknown := [kind for kind in names if kind not in present]:
        raise SeatError(f"The model {lm.name!r} has no adapter {unknown[0]!r}. It has {', '.join(present)}.")
    trained = [(parameter, parameter.requires_grad) for parameter in lm.model.parameters()]
    before = [(layer, list(layer.active_adapters), layer.disable_adapters) for layer in layers]
    try:
        for layer, of_layer in layers.items():
            _switch(layer, [kind for kind in names if kind in of_layer])
        yield lm
    finally:
        for layer, active, off in before:
            _switch(layer, active)
            layer.enable_adapters(not off)
        for parameter, gradient in trained:  # PEFT turns gradients on and off as it switches
            parameter.requires_grad_(gradient)


def _adapted(model: nn.Module) -> dict[Any, set[str]]:
    """The modules that PEFT put adapters around, with the names of those that each has."""
    if find_spec("peft") is None:
        return {}
    from peft.tuners.tuners_utils import BaseTunerLayer
    from peft.utils.other import AuxiliaryTrainingWrapper

    adapters: dict[Any, set[str]] = {}
    for module in model.modules():
        if isinstance(module, BaseTunerLayer):
            adapters[module] = {
                adapter_name for kind in module.adapter_layer_names for adapter_name in getattr(module, kind)
            }
        elif isinstance(module, AuxiliaryTrainingWrapper):
            adapters[module] = module._get_available_adapters()
    return adapters


def _switch(layer: Any, names: list[str]) -> None:
    if names:
        layer.set_adapter(names if len(names) > 1 else names[0])
    layer.enable_adapters(bool(names))
