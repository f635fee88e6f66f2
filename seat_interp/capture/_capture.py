"""One `capture()`: the residual stream or the MLP neurons, any layers, reduced at once, through any backend."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from seat_interp.capture._backends import open_backend
from seat_interp.capture._hooks import Backend, BackendName, Kind
from seat_interp.capture._reduce import LAST_TOKEN, AtToken, Reduce
from seat_interp.core.errors import SeatError, require_type
from seat_interp.core.files import load_tensors, save_tensors, text_hash, versions
from seat_interp.core.processes import Processes, processes
from seat_interp.core.progress import progress_bar
from seat_interp.facts import Fact
from seat_interp.models.open import LanguageModel, require_same_architecture
from seat_interp.models.prompts import batches_by_length, encode_prompts, pad

FORMAT = "seat_interp.capture"
_PART = 2048
"""Prompts that are tokens at a time: all at once, the tokens would take more memory than what is kept of them."""


@dataclass(frozen=True)
class Capture:
    """Reduced activations of a set of prompts.

    Attributes:
        values: Activations in the order of the prompts, [prompts, layers, width]; float32 for half-precision models,
            else as the model computes.
        layers: Layers of the second axis, in its order.
        origin: Fingerprint of the model, kind, reduction, backend and its processing state, dtype.

    Example:
        >>> si.capture(lm, ["Where does Ada Moran live?"], layers=[0, -1]).layers
        (0, 3)
    """

    values: Float[Tensor, "prompts layers width"]
    layers: tuple[int, ...]
    origin: dict[str, Any]

    def __repr__(self) -> str:
        prompts, _, width = self.values.shape
        return f"Capture({prompts} prompts, layers {list(self.layers)}, width {width}, {self.origin.get('kind')})"

    def save(self, path: str | Path) -> Path:
        """Write the capture as safetensors with the origin in the header.

        Args:
            path: Path of the file.

        Returns:
            The path.
        """
        header = {"format": FORMAT, "version": 1, "layers": list(self.layers), "origin": self.origin}
        return save_tensors(path, {"values": self.values}, header)

    @classmethod
    def load(cls, path: str | Path) -> "Capture":
        """Read a capture file.

        Args:
            path: Path of the file.

        Returns:
            The capture.

        Raises:
            SeatError: The file is missing, truncated or not a capture.
        """
        tensors, header = load_tensors(path, FORMAT)
        return cls(tensors["values"], tuple(header["layers"]), header["origin"])

    def require_fits(self, lm: LanguageModel) -> None:
        """Check that the capture can be compared with activations of a model.

        Args:
            lm: Model with its tokenizer.

        Raises:
            SeatError: The model is of another family, width or depth.
        """
        require_same_architecture(self.origin["model"], lm.architecture, "The capture")


@dataclass(frozen=True)
class CaptureConfig:
    """Everything about a capture but its prompts; the arguments of `of` are those of `capture`.

    Attributes:
        backend: Backend that runs the model.
        given: Model in the form in which the caller holds it; a bridge gives the weights other names.
        layers: Layers, rising.
        kind: Residual stream or neurons.
        reduce: Reduction of each prompt's tokens.
        batch_size: Number of prompts in a forward pass.
        pad_left: Whether padding is on the left.
    """

    backend: Backend
    given: LanguageModel
    layers: tuple[int, ...]
    kind: Kind
    reduce: Reduce
    batch_size: int
    pad_left: bool

    @classmethod
    def of(
        cls,
        lm: Any,
        *,
        layers: Sequence[int] | None = None,
        kind: Kind = Kind.RESIDUAL,
        reduce: Reduce = LAST_TOKEN,
        batch_size: int = 32,
        pad_left: bool = False,
        backend: BackendName | None = None,
        remote: bool | Literal["local"] = False,
    ) -> "CaptureConfig":
        """Open the backend and count layers from the front.

        Args:
            lm: Model in any form that `capture` takes.
            layers: Blocks, negative from the end; all if None.
            kind: Residual stream or neurons.
            reduce: Reduction of each prompt's tokens.
            batch_size: Number of prompts in a forward pass.
            pad_left: Whether padding is on the left.
            backend: Name of the backend, as for `capture`.
            remote: Whether nnsight runs on its remote service, as for `capture`.

        Returns:
            The settings.

        Raises:
            SeatError: A layer does not exist, or as `open_backend`.
        """
        runner = open_backend(lm, backend, remote=remote)
        given = lm if isinstance(lm, LanguageModel) else runner.lm
        return cls(runner, given, tuple(given.sites.layer_list(layers)), kind, reduce, batch_size, pad_left)

    @torch.no_grad()
    def values(
        self, questions: Sequence[str], *, among: Processes | None = None, progress: bool = True
    ) -> Float[Tensor, "prompts layers width"]:
        """Run the questions and return the reduced activations in their order.

        Args:
            questions: Questions, one for each prompt.
            among: Processes that share the batches out; each gets all activations.
            progress: Whether a bar is shown.

        Returns:
            Activations, [prompts, layers, width].
        """
        among, size = among or Processes(), max(self.batch_size, _PART)
        starts = range(0, max(1, len(questions)), size)
        shown = progress and len(questions) >= 8 * self.batch_size * among.count
        total = -(-len(questions) // among.count)
        with progress_bar(total=total, desc="Capturing", unit="prompt", leave=False, show=shown) as bar:
            return torch.cat([self._part(questions[at : at + size], among, bar.update) for at in starts])

    def _part(
        self, questions: Sequence[str], among: Processes, done: Callable[[int], object]
    ) -> Float[Tensor, "prompts layers width"]:
        """Of prompts that are tokens all at once; `done` is told how many after each batch."""
        lm = self.backend.lm
        prompts = encode_prompts(lm, questions)
        groups = batches_by_length([len(prompt) for prompt in prompts], self.batch_size)
        kept: Tensor | None = None
        for group in among.shard(groups):
            batch = pad([prompts[i] for i in group], lm.tokenizer.pad_token_id, left=self.pad_left)
            if lm.model.device.type != "meta":  # the weights of a remote run are elsewhere
                batch = batch.to(lm.model.device)
            rows = self.backend.capture(batch, self.layers, self.kind, self.reduce)
            stacked = torch.stack([rows[layer].cpu() for layer in self.layers], dim=1)  # they may be on several devices
            stacked = stacked.float() if stacked.dtype in (torch.float16, torch.bfloat16) else stacked
            if not torch.isfinite(stacked).all():
                raise SeatError(
                    f"The activations of {questions[group[0]]!r} or its batch are not finite in {lm.name!r}."
                )
            if kept is None:
                kept = torch.zeros(len(prompts), *stacked.shape[1:], dtype=stacked.dtype)
            kept[group] = stacked
            done(len(group))
        shape, dtype = among.broadcast((kept.shape, kept.dtype) if kept is not None else ((0,), torch.float32))
        return among.all_reduce(torch.zeros(shape, dtype=dtype) if kept is None else kept)  # one may have no share

    def origin(self) -> dict[str, Any]:
        """Return what an artefact records of how it was made.

        Returns:
            JSON object.
        """
        return {
            "model": self.given.fingerprint,
            "kind": self.kind.value,
            "reduce": repr(self.reduce) if not hasattr(self.reduce, "vectors") else type(self.reduce).__name__,
            "backend": self.backend.name,
            "processing": "none",
            "dtype": str(self.given.model.dtype).removeprefix("torch."),
            "system": self.given.system,
            "versions": dict(versions()),
        }


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

    The backbone runs without its language-model head and stops after the last wanted layer. Results do not depend on
    batch size, order or padding side beyond float rounding. Under `accelerate launch` or torchrun the processes share
    the batches out, and each gets the whole capture, bit for bit that of one process.

    Args:
        lm: `LanguageModel`, or a TransformerBridge or a model of nnsight.
        questions: Questions, one for each prompt, put in the chat template.
        layers: Blocks, negative from the end; all if None.
        kind: Residual stream or neurons.
        reduce: Reduction of each prompt's tokens; the last token if not given.
        batch_size: Number of prompts in a forward pass; batches are ordered by length.
        pad_left: Whether padding is on the left in place of the right.
        backend: Name of the backend; torch hooks for a `LanguageModel` if None. "transformer_lens" and "nnsight" give
            the same numbers through those packages, TransformerLens on a copy, since its bridge replaces a model's
            modules.
        remote: Whether nnsight runs on its remote service, for a model that `nnsight.TransformersModel(hub_id)` opened
            without weights; "local" rehearses it on this machine.
        progress: Whether a bar is shown for anything longer than a few batches.

    Returns:
        Activations with their origin.

    Raises:
        SeatError: There are no questions, a layer does not exist, activations are not finite, or as `open_backend`.

    Example:
        >>> si.capture(lm, [fact.question for fact in facts.known[:3]]).values.shape
        torch.Size([3, 4, 128])
    """
    options = {"kind": kind, "reduce": reduce, "batch_size": batch_size, "pad_left": pad_left}
    config = CaptureConfig.of(lm, layers=layers, backend=backend, remote=remote, **options)  # type: ignore[arg-type]
    values = config.values(questions, among=processes(), progress=progress)
    return Capture(values, config.layers, {**config.origin(), "prompts": text_hash(questions)})


def stream(
    lm: Any, questions: Iterable[str], *, chunk: int = 512, **options: Any
) -> Iterator[Float[Tensor, "chunk layers width"]]:
    """Capture chunk by chunk: what is not kept needs no memory, and there may be any number of questions.

    Args:
        lm: Model in any form that `capture` takes.
        questions: Questions, read as they are needed.
        chunk: Number of prompts in a chunk.
        options: Other arguments of `capture`, without `progress`.

    Yields:
        Activations of a chunk, [chunk, layers, width].

    Raises:
        SeatError: As `capture`.
    """
    config = CaptureConfig.of(lm, **options)
    for part in chunks(questions, chunk):
        yield config.values(part, progress=False)


def chunks(questions: Iterable[str], size: int) -> Iterator[list[str]]:
    """Lists of so many, in order; the last may be shorter."""
    rest = iter(questions)
    while part := list(itertools.islice(rest, size)):
        yield part


def capture_sets(
    lm: LanguageModel, sets: Mapping[str, Sequence[Fact]], position: int = -1, *, batch_size: int = 32
) -> dict[str, Float[Tensor, "_ layers width"]]:
    """Capture the residual stream of every set at one token, after every block, in one pass over all prompts.

    Args:
        lm: Model with its tokenizer.
        sets: Facts by set, whose questions are the prompts.
        position: Token counted from the end of the prompt; a direction has its own.
        batch_size: Number of prompts in a forward pass.

    Returns:
        Activations by set, [prompts, layers, width].

    Example:
        >>> si.capture_sets(lm, {"known": facts.known[:3]})["known"].shape
        torch.Size([3, 4, 128])
    """
    require_type("sets", sets, Mapping, "a mapping from names of sets to lists of facts")
    questions = [fact.question for facts in sets.values() for fact in facts]
    values = capture(lm, questions, reduce=AtToken(position), batch_size=batch_size).values
    return dict(zip(sets, values.split([len(facts) for facts in sets.values()])))
