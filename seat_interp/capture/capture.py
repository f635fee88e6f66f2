"""One `capture()`: the residual stream or the MLP neurons, any layers, reduced at once, through any backend."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm

from seat_interp.capture.backend import BackendName, Kind, open_backend
from seat_interp.capture.reduce import LAST_TOKEN, Reduce
from seat_interp.errors import SeatError
from seat_interp.files import load_tensors, save_tensors, text_hash, versions
from seat_interp.models.open import LanguageModel, require_same_architecture
from seat_interp.prompts import batches_by_length, encode_prompts, pad

FORMAT = "seat_interp.capture"


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


@torch.no_grad()
def capture(
    lm: Any,
    questions: Sequence[str],
    *,
    layers: Sequence[int] | None = None,
    kind: Kind = Kind.RESIDUAL,
    reduce: Reduce = LAST_TOKEN,
    batch_size: int = 32,
    pad_left: bool = False,
    backend: BackendName | None = None,
    remote: bool | Literal["local"] = False,
    progress: bool = True,
) -> Capture:
    """Run the questions as prompts and keep the reduced activations.

    The backbone runs without its language-model head and stops after the last wanted layer. Results do not
    depend on batch size, order or padding side beyond float rounding.

    Args:
        lm: the model: a `LanguageModel`, or a TransformerBridge or a model of nnsight as you hold it.
        questions: one prompt each, put in the chat template.
        layers: which blocks, negative from the end; all if None.
        kind: residual stream or neurons.
        reduce: what to keep of each prompt; the last token if not given.
        batch_size: prompts a forward pass; batches are ordered by length.
        pad_left: padding on the left in place of the right.
        backend: torch hooks for a `LanguageModel` if None; "transformer_lens" and "nnsight" give the same numbers
            through those packages, TransformerLens on a copy, since its bridge replaces a model's modules.
        remote: nnsight alone: on its remote service, for a model that `nnsight.TransformersModel(hub_id)` opened
            without weights; "local" rehearses it on this machine.
        progress: a bar for anything longer than a few batches.

    Raises:
        SeatError: no questions, a layer that does not exist, activations that are not finite, or as `open_backend`.
    """
    with_what = open_backend(lm, backend, remote=remote)
    given = lm if isinstance(lm, LanguageModel) else with_what.lm
    lm = with_what.lm
    wanted = lm.sites.layer_list(layers)
    prompts = encode_prompts(lm, questions)
    kept: list[Tensor | None] = [None] * len(prompts)
    groups = batches_by_length([len(prompt) for prompt in prompts], batch_size)
    for group in tqdm(groups, desc="Capturing", unit="batch", leave=False, disable=not progress or len(groups) < 8):
        batch = pad([prompts[i] for i in group], lm.tokenizer.pad_token_id, left=pad_left)
        if lm.model.device.type != "meta":  # the weights of a remote run are elsewhere
            batch = batch.to(lm.model.device)
        rows = with_what.look(batch, wanted, kind, reduce)
        stacked = torch.stack([rows[layer].cpu() for layer in wanted], dim=1)  # layers may be on several devices
        stacked = stacked.float() if stacked.dtype in (torch.float16, torch.bfloat16) else stacked
        if not torch.isfinite(stacked).all():
            raise SeatError(f"The activations of {questions[group[0]]!r} or its batch are not finite in {lm.name!r}.")
        for index, row in zip(group, stacked):
            kept[index] = row
    origin = {
        "model": given.fingerprint,  # a bridge gives the weights other names
        "kind": kind.value,
        "reduce": repr(reduce) if not hasattr(reduce, "vectors") else type(reduce).__name__,
        "backend": with_what.name,
        "processing": "none",
        "dtype": str(lm.model.dtype).removeprefix("torch."),
        "system": lm.system,
        "prompts": text_hash(questions),
        "versions": versions(),
    }
    return Capture(torch.stack([row for row in kept if row is not None]), tuple(wanted), origin)
