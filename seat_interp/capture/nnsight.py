"""nnsight as a backend: traces on this machine, or on its remote service for models too big to hold."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import nnsight
import torch
from torch import Tensor

from seat_interp.capture._hooks import BackendName, Edit, Kind
from seat_interp.capture._reduce import Reduce
from seat_interp.core.errors import SeatError
from seat_interp.models.open import LanguageModel, sites_of_config
from seat_interp.models.prompts import Batch, last_token_mask
from seat_interp.models.sites import first, with_first


@dataclass(frozen=True)
class Traced:
    """Model of nnsight, and the Hugging Face model in it; for remote runs one without weights.

    Attributes:
        lm: Hugging Face model with tokenizer and sites.
        model: Model of nnsight.
        remote: Whether runs are remote; "local" rehearses them on this machine.
    """

    lm: LanguageModel
    model: Any
    remote: bool | Literal["local"] = False
    name: ClassVar[BackendName] = "nnsight"

    @classmethod
    def of(cls, held: Any, remote: bool | Literal["local"] = False) -> "Traced":
        """Wrap a model of nnsight, or a `LanguageModel`, whose modules stay as they are.

        Args:
            held: The one or the other.
            remote: Whether runs are remote; "local" rehearses them on this machine.

        Returns:
            The backend.

        Raises:
            SeatError: The model has no tokenizer, or nnsight does not know it by a name that its service knows.
        """
        if isinstance(held, LanguageModel):
            model = nnsight.NNsight(held.model)
            lm = held
        else:
            model = held
            module, tokenizer = held._module, getattr(held, "tokenizer", None)
            if tokenizer is None:
                raise SeatError(
                    "This model of nnsight has no tokenizer. Use nnsight.TransformersModel, or pass what wrap_model "
                    "returns with backend='nnsight'."
                )
            name = str(getattr(module.config, "name_or_path", "") or type(module).__name__)
            lm = LanguageModel(module, tokenizer, name=name, sites=sites_of_config(module.config))
        if remote and not hasattr(model, "_remoteable_model_key"):
            raise SeatError(
                "Only a model that nnsight opened by its hub id runs remotely. Pass "
                "nnsight.TransformersModel(hub_id) in place of the loaded model."
            )
        return cls(lm, model, remote)

    def capture(self, batch: Batch, layers: Sequence[int], kind: Kind, reduce: Reduce) -> dict[int, Tensor]:
        """Capture a batch; of a remote run, only the token that a reduction needs comes back.

        Args:
            batch: Padded prompts.
            layers: Layers, rising.
            kind: Residual stream or neurons.
            reduce: Reduction of each prompt's tokens.

        Returns:
            Reduced activations by layer, [batch, width].
        """
        sites, shape = self.lm.sites, batch.attention_mask.shape
        paths = {layer: sites.mlps[layer].down if kind is Kind.NEURONS else sites.blocks[layer] for layer in layers}
        neurons, inputs = kind is Kind.NEURONS, {**batch.inputs(), "use_cache": False}
        position = getattr(reduce, "position", None)
        rows, columns = last_token_mask(batch.attention_mask, position or -1).nonzero(as_tuple=True)
        one = position is not None and len(rows) == len(batch.attention_mask)
        model, remote = self.model, {"remote": self.remote} if self.remote else {}
        # A remote run takes the block's source along: nothing in it may belong to this package.
        with torch.no_grad(), model.trace(**inputs, **remote) as tracer:
            kept = []
            for path in paths.values():
                envoy = model.get(path)
                value = envoy.input if neurons else envoy.output
                hidden = value[0] if isinstance(value, tuple) else value
                hidden = hidden.reshape(*shape, -1)
                kept.append(hidden[rows, columns][:, None] if one else hidden)
            kept.save()  # type: ignore[attr-defined]
            tracer.stop()
        saved = dict(zip(paths, kept))
        if not one:
            return {layer: reduce(hidden, batch.attention_mask, layer) for layer, hidden in saved.items()}
        alone, last = torch.ones_like(batch.attention_mask[:, :1]), replace(reduce, position=-1)  # type: ignore[type-var]
        return {layer: last(hidden, alone, layer) for layer, hidden in saved.items()}

    @contextlib.contextmanager
    def edit(self, edits: Mapping[int, Edit]) -> Iterator[None]:
        """Edit the residual stream within a block; the edits stand on nnsight's model, and other edits of it stay.

        Args:
            edits: Edits by layer.
        """
        before = list(self.model._edits)
        try:
            for layer, edit in edits.items():
                intervene(self.model, self.lm.sites.blocks[layer], edit)
            yield
        finally:
            self.model._edits = before

    def generate(self, **inputs: Any) -> Tensor:
        """Generate as the model itself does, with nnsight's edits at every step.

        Args:
            inputs: Keyword arguments of Hugging Face's `generate`.

        Returns:
            Token ids, [batch, sequence].

        Raises:
            SeatError: The run is remote.
        """
        if self.remote:
            raise SeatError(
                "Replies are not generated remotely here. Capture remotely, and steer a model on this machine."
            )
        return self.model.interleave(self.lm.model.generate, **inputs)


def intervene(model: Any, path: str, edit: Edit) -> None:
    """Put an edit of the residual stream on a model of nnsight, at every step; `model.clear_edits()` takes it off.

    Args:
        model: Model of nnsight.
        path: Path of the block whose output is edited, as `lm.sites.blocks[3]`.
        edit: Edit of its hidden states.
    """
    # nnsight reads the source of each block: the two must stay apart.
    with model.edit(inplace=True) as tracer:  # noqa: SIM117
        with tracer.iter[:]:
            envoy = model.get(path)
            output = envoy.output
            envoy.output = with_first(output, edit(first(output)))
