"""Open a causal language model with its tokenizer and its sites, from a folder, the hub or the catalogue."""

import shutil
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from seat_interp.core.errors import SeatError, see
from seat_interp.core.processes import local_rank
from seat_interp.models.catalogue import CATALOGUE
from seat_interp.models.fetch import fetch
from seat_interp.models.fingerprint import plain, weights_hash
from seat_interp.models.sites import Sites, check_sites, find_sites

ORGANISM_FOLDER = Path(__file__).parent.parent / "organism" / "weights"


@dataclass(frozen=True)
class LanguageModel:
    """Model in evaluation mode, its tokenizer, and the places of its parts.

    Attributes:
        model: Hugging Face causal LM.
        tokenizer: Fast tokenizer of the model, with a padding token.
        name: Name under which it was opened.
        sites: Module paths of blocks, MLPs and attention matrices.
        system: System prompt; None leaves the chat template's own default.

    Example:
        >>> lm.name, len(lm.sites.blocks), lm.sites.width
        ('organism', 4, 128)
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    name: str
    sites: Sites
    system: str | None = None

    def __repr__(self) -> str:
        has, weights = self.architecture, f"{self.model.dtype}".removeprefix("torch.")
        sizes = f"{has['layers']} layers of width {has['width']}, {has['neurons']:,} MLP neurons"
        return f"LanguageModel({self.name!r}: {has['family']}, {sizes}, {weights} on {self.model.device})"

    @property
    def architecture(self) -> dict[str, str | int]:
        """Family and sizes: what an artefact must share with a model that it is used on."""
        config = self.model.config.get_text_config()
        return {
            "family": config.model_type,
            "width": self.sites.width,
            "layers": self.sites.n_layers,
            "neurons": self.sites.neurons,
            "vocabulary": config.vocab_size,
        }

    @property
    def fingerprint(self) -> dict[str, str | int]:
        """What artefacts remember of the model: the architecture and a hash of the weights as they are now."""
        return {**self.architecture, "weights": weights_hash(self.model)}

    def copy(self) -> "LanguageModel":
        """Copy the weights; tokenizer and sites are shared.

        Returns:
            A model that can be changed without a change of this one.
        """
        return replace(self, model=deepcopy(self.model))


def require_same_architecture(made_with: Mapping[str, Any], now: Mapping[str, Any], artefact: str) -> None:
    """Check the architecture that an artefact remembers against another one.

    Args:
        made_with: Fingerprint of the artefact's model.
        now: `LanguageModel.architecture`, or as much of it as is known.
        artefact: Name of the artefact at the beginning of a sentence.

    Raises:
        SeatError: Family, width or depth differ; the message names both models.
    """
    for key in now:
        if made_with.get(key) != now[key]:
            raise SeatError(
                f"{artefact} was made with a {made_with.get('family')} model ({key} {made_with.get(key)}), "
                f"but this is a {now['family']} model ({key} {now[key]}). Make it again with this model. "
                + see("file_formats")
            )


def open_model(
    name: str | Path,
    *,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device | None = None,
    system: str | None = None,
    sites: Callable[[PreTrainedModel], Sites] = find_sites,
) -> LanguageModel:
    """Open a model for reading and for training.

    Args:
        name: Local Hugging Face folder, catalogue name (`organism`, `smollm2-135m-instruct`) or hub id. A folder of
            that name comes first.
        dtype: Type of the weights.
        device: Device of the weights; the first GPU if there is one (of several processes, each its own), else the CPU.
        system: System prompt for the chat template; None for the template's own.
        sites: Function that finds the sites; pass `lambda model: sites_from_paths(model, ...)` to override.

    Returns:
        The model in evaluation mode.

    Raises:
        SeatError: There is no such model, the folder holds none, weights are broken, or the sites are not recognised.

    Example:
        >>> si.open_model("organism").model.config.model_type
        'llama'
    """
    folder = _resolve(str(name))
    try:
        opened: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, output_loading_info=True)
        tokenizer = AutoTokenizer.from_pretrained(folder)
    except Exception as error:  # from_pretrained raises a dozen kinds; all mean the same to the user
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise SeatError(
            f"Cannot open the model {str(name)!r}: {first_line} Give a folder that holds a Hugging Face model, "
            f"a hub id, or one of {['organism', *CATALOGUE]}."
        ) from error
    model, loaded = opened
    if missing := sorted(loaded["missing_keys"]):  # transformers would fill them with random numbers
        raise SeatError(
            f"The weights of {str(name)!r} lack {missing[0]} ({len(missing)} missing in all). "
            "They are of another model or incomplete: get them again."
        )
    ours = torch.device("cuda", local_rank()) if torch.cuda.is_available() else torch.device("cpu")
    target = ours if device is None else torch.device(device)
    return wrap_model(model.to(target), tokenizer, name=str(name), system=system, sites=sites)  # type: ignore[arg-type]


def wrap_model(
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    *,
    name: str = "",
    system: str | None = None,
    sites: Callable[[PreTrainedModel], Sites] = find_sites,
) -> LanguageModel:
    """Wrap a model that is already loaded: a Hugging Face causal LM, or a PeftModel around one (see `adapter`).

    What `torch.compile(model)` returns is used uncompiled: hooks that come later are not compiled along.

    Args:
        model: Loaded model.
        tokenizer: Fast tokenizer of the model.
        name: Name of the model in messages and files; its config's if empty.
        system: System prompt for the chat template; None for the template's own.
        sites: Function that finds the sites, as for `open_model`.

    Returns:
        The same model, in evaluation mode, with its sites.

    Raises:
        SeatError: The sites are not recognised, a weight is not finite, the tokenizer has no end token, or parts of the
        model were compiled in place, where hooks would be passed over in silence.

    Example:
        >>> mine = si.wrap_model(lm.model, lm.tokenizer, name="mine")
        >>> mine.fingerprint == lm.fingerprint
        True
    """
    model, sites = _inner(model, sites)
    for parameter_name, parameter in model.named_parameters():
        if not parameter.is_meta and not torch.isfinite(plain(parameter)).all():
            raise SeatError(f"The model {name!r} holds NaN or infinity in {parameter_name}. Load intact weights.")
    if tokenizer.eos_token_id is None:
        raise SeatError(f"The tokenizer of {name!r} has no end-of-text token. Set tokenizer.eos_token.")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    model_sites = sites(model)
    check_sites(model, model_sites)
    return LanguageModel(model.eval(), tokenizer, name, model_sites, system)


def _inner(model: Any, sites: Callable[[PreTrainedModel], Sites]) -> tuple[Any, Callable[[PreTrainedModel], Sites]]:
    """The Hugging Face model in what is given, and how to find its sites."""
    model = getattr(model, "_orig_mod", model)
    if hasattr(model, "get_base_model") and hasattr(model, "peft_config"):
        # Adapters stand in the place of matrices, at the same paths.
        model, sites = model.get_base_model(), lambda inner: sites_of_config(inner.config)
    if not isinstance(model, PreTrainedModel):
        raise SeatError(
            f"A {type(model).__name__} is not a Hugging Face causal language model, nor a PeftModel of one."
        )
    compiled = next((n for n, part in model.named_modules() if part._compiled_call_impl is not None), None)
    if compiled is not None:
        raise SeatError(
            f"{compiled or 'The model'} was compiled in place (module.compile()), and hooks that come later are passed "
            "over there. Wrap the model before it is compiled, or what torch.compile(model) returns."
        )
    return model, sites


def sites_of_config(config: PreTrainedConfig) -> Sites:
    """Find the sites of a model whose own modules were replaced or are not loaded, in a twin without weights.

    Args:
        config: Config of the model.

    Returns:
        Its sites.

    Raises:
        SeatError: The sites are not recognised.
    """
    with torch.device("meta"):
        return find_sites(AutoModelForCausalLM.from_config(config))


def require_named(path: str | Path) -> Path:
    """Check that a path has a name of its own, beside which other files can be kept.

    Args:
        path: Path of a file or folder.

    Returns:
        The path.

    Raises:
        SeatError: It is `.` or `/`.
    """
    path = Path(path)
    if not path.name:
        raise SeatError(f"{path} has no name of its own. Give --out a name, such as runs/mine.")
    return path


def require_new(folder: str | Path) -> Path:
    """Check that a folder does not exist yet, or is empty, before work is done for it.

    Args:
        folder: Path of the folder.

    Returns:
        The path.

    Raises:
        SeatError: The folder exists and holds something, or is no name for a folder (`.`).
    """
    folder = require_named(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SeatError(f"{folder} is there already. Give another folder, or remove it.")
    return folder


def save_model(lm: LanguageModel, folder: str | Path) -> Path:
    """Save model and tokenizer as a Hugging Face folder that `open_model` and everybody else can open.

    It is written beside its place and moved there at the end, so that a folder of that name is whole.

    Args:
        lm: Model with its tokenizer.
        folder: Path of a new folder.

    Returns:
        The path.

    Raises:
        SeatError: The folder exists and holds something, or cannot be written.

    Example:
        >>> folder = si.save_model(lm, "my-model")
        >>> si.open_model(folder).fingerprint["weights"] == lm.fingerprint["weights"]
        True
    """
    folder = require_new(folder)
    temporary = folder.with_name(f".{folder.name}.part")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        lm.model.save_pretrained(temporary)
        lm.tokenizer.save_pretrained(temporary)
        if folder.exists():
            folder.rmdir()
        temporary.rename(folder)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise SeatError(
            f"Cannot save the model to {folder}: {error}. Free some space or choose another folder."
        ) from error
    return folder


def _resolve(name: str) -> str:
    path = Path(name).expanduser()
    if path.is_dir():
        return str(path)
    if name == "organism":
        return str(ORGANISM_FOLDER)
    if name in CATALOGUE:
        return str(fetch(name))
    # A path, and no hub id: those do not begin so, and their first part is no folder here.
    if name.startswith((".", "~")) or path.is_absolute() or (len(path.parts) > 1 and Path(path.parts[0]).is_dir()):
        raise SeatError(
            f"There is no model folder {name}. Check the path; a hub id, such as organisation/name, is no path here, "
            f"and the catalogue has {', '.join(['organism', *CATALOGUE])}."
        )
    return name
