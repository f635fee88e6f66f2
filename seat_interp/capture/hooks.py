"""One `capture()` on plain torch hooks: the residual stream or the MLP neurons, any layers, reduced at once."""

import contextlib
import enum
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from tqdm import tqdm

from seat_interp.capture.reduce import LAST_TOKEN, Reduce
from seat_interp.errors import SeatError
from seat_interp.files import load_tensors, save_tensors, text_hash, versions
from seat_interp.models.open import LanguageModel, require_same_architecture
from seat_interp.prompts import batches_by_length, encode_prompts, pad

FORMAT = "seat_interp.capture"


class Kind(enum.StrEnum):
    """What is recorded at a layer."""

    RESIDUAL = "residual"
    """The residual stream after the block, before any final norm."""
    NEURONS = "neurons"
    """The inputs of the MLP's down projection."""


@dataclass(frozen=True)
class Capture:
    """Reduced activations of a set of prompts.

    Attributes:
        values: in the order of the prompts; float32 for half-precision models, else as the model computes.
        layers: which layers, in the order of the second axis.
        origin: model fingerprint, kind, reduction, backend and its processing state, dtype.
    """

    values: Float[Tensor, "prompts layers width"]
    layers: tuple[int, ...]
    origin: dict[str, Any]

    def save(self, path: str | Path) -> Path:
        """Write as safetensors with the origin in the header."""
        header = {"format": FORMAT, "version": 1, "layers": list(self.layers), "origin": self.origin}
        return save_tensors(path, {"values": self.values}, header)

    @classmethod
    def load(cls, path: str | Path) -> "Capture":
        """Read a capture file.

        Raises:
            SeatError: missing, truncated or not a capture.
        """
        tensors, header = load_tensors(path, FORMAT)
        return cls(tensors["values"], tuple(header["layers"]), header["origin"])

    def require_fits(self, lm: LanguageModel) -> None:
        """Check that the capture can be compared with activations of a model.

        Raises:
            SeatError: another family, width or depth.
        """
        require_same_architecture(self.origin["model"], lm, "The capture")


class _Enough(Exception):
    """Raised by the last wanted hook: what lies above is not computed."""


@torch.no_grad()
def capture(
    lm: LanguageModel,
    questions: Sequence[str],
    *,
    layers: Sequence[int] | None = None,
    kind: Kind = Kind.RESIDUAL,
    reduce: Reduce = LAST_TOKEN,
    batch_size: int = 32,
    pad_left: bool = False,
    progress: bool = True,
) -> Capture:
    """Run the questions as prompts and keep the reduced activations.

    The backbone runs without its language-model head and stops after the last wanted layer. Results do not
    depend on batch size, order or padding side beyond float rounding.

    Args:
        lm: the model.
        questions: one prompt each, put in the chat template.
        layers: which blocks, negative from the end; all if None.
        kind: residual stream or neurons.
        reduce: what to keep of each prompt; the last token if not given.
        batch_size: prompts a forward pass; batches are ordered by length.
        pad_left: padding on the left in place of the right.
        progress: a bar for anything longer than a few batches.

    Raises:
        SeatError: no questions, a layer that does not exist, or activations that are not finite.
    """
    wanted = lm.sites.layer_list(layers)
    prompts = encode_prompts(lm, questions)
    kept: list[Tensor | None] = [None] * len(prompts)
    rows: dict[int, Tensor] = {}
    mask: list[Tensor] = []

    def keep(layer: int, module: nn.Module, args: tuple[Any, ...], output: Any = None) -> None:
        hidden = args[0] if kind is Kind.NEURONS else output[0] if isinstance(output, tuple) else output
        # OPT flattens batch and sequence before its projections.
        rows[layer] = reduce(hidden.reshape(*mask[0].shape, -1), mask[0], layer)
        if layer == wanted[-1]:
            raise _Enough

    handles = []
    for layer in wanted:
        if kind is Kind.NEURONS:
            module = lm.model.get_submodule(lm.sites.mlps[layer].down)
            handles.append(module.register_forward_pre_hook(partial(keep, layer)))
        else:
            module = lm.model.get_submodule(lm.sites.blocks[layer])
            handles.append(module.register_forward_hook(partial(keep, layer)))
    groups = batches_by_length([len(prompt) for prompt in prompts], batch_size)
    try:
        for group in tqdm(groups, desc="Capturing", unit="batch", leave=False, disable=not progress or len(groups) < 8):
            batch = pad([prompts[i] for i in group], lm.tokenizer.pad_token_id, left=pad_left).to(lm.model.device)
            mask[:] = [batch.attention_mask]
            with contextlib.suppress(_Enough):
                lm.model.base_model(**batch.inputs(), use_cache=False)
            stacked = torch.stack([rows[layer] for layer in wanted], dim=1).cpu()
            stacked = stacked.float() if stacked.dtype in (torch.float16, torch.bfloat16) else stacked
            if not torch.isfinite(stacked).all():
                raise SeatError(
                    f"The activations of {questions[group[0]]!r} or its batch are not finite in {lm.name!r}."
                )
            for index, row in zip(group, stacked):
                kept[index] = row
    finally:
        for handle in handles:
            handle.remove()
    origin = {
        "model": lm.fingerprint,
        "kind": kind.value,
        "reduce": repr(reduce) if not hasattr(reduce, "vectors") else type(reduce).__name__,
        "backend": "hooks",
        "processing": "none",
        "dtype": str(lm.model.dtype).removeprefix("torch."),
        "system": lm.system,
        "prompts": text_hash(questions),
        "versions": versions(),
    }
    return Capture(torch.stack([row for row in kept if row is not None]), tuple(wanted), origin)
