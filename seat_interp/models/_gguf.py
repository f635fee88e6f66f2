"""Turn a GGUF file into a Hugging Face folder: dense float16 weights, tokenizer, chat template."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

from seat_interp.core.errors import require_package


@contextlib.contextmanager
def _quiet_transformers() -> Iterator[None]:
    """No progress bars of transformers' own; one of them heeds no switch, hence the redirect."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        if shown:
            logging.enable_progress_bar()


def require_gguf() -> None:
    """Check that what transformers reads GGUF with is there: `gguf`, and `accelerate` as well.

    Raises:
        SeatError: one is missing; with how to install it.
    """
    for package in ("gguf", "accelerate"):
        require_package(package, "gguf", "Converting a GGUF model")


def convert_gguf(file: Path, folder: Path) -> Path:
    """Dequantise a GGUF model once and save it as an ordinary Hugging Face folder.

    The weights are unpacked in float32, rounded once to float16 and saved as safetensors; they load in any dtype from
    then on. What the quantisation took away stays lost: they are not the published weights.

    Args:
        file: GGUF file of a causal LM with its tokenizer.
        folder: Folder to save it in; made if need be.

    Returns:
        The folder.

    Raises:
        SeatError: The packages that read GGUF are not installed.
    """
    require_gguf()
    # Imported here: they take seconds, and most of fetching does not need them.
    import transformers
    from gguf import GGUFReader
    from tokenizers import pre_tokenizers

    # Newer releases may keep the blocks packed for a GPU kernel unless told not to; older ones always unpack.
    dense = {}
    if hasattr(transformers, "GgufConfig"):
        dense["quantization_config"] = transformers.GgufConfig(dequantize=True)
    with _quiet_transformers():
        model = transformers.AutoModelForCausalLM.from_pretrained(
            file.parent, gguf_file=file.name, local_files_only=True, **dense
        )
        # Else the model counts as quantised and refuses to be cast and saved.
        model.hf_quantizer = None  # type: ignore[assignment]
        vars(model.config).pop("quantization_config", None)
        model.half().save_pretrained(folder)

        tokenizer = transformers.AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name, local_files_only=True)
        # transformers drops SmolLM's splitting of digits, which GGUF only names. Without it "\n\n1" and "  1"
        # become other tokens than those that the model was trained on.
        named = GGUFReader(file).get_field("tokenizer.ggml.pre")
        if named is not None and named.contents() == "smollm":
            tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
                [
                    pre_tokenizers.Digits(individual_digits=True),
                    pre_tokenizers.ByteLevel(add_prefix_space=False),
                ]
            )
        tokenizer.model_max_length = model.config.max_position_embeddings
        tokenizer.save_pretrained(folder)
    return folder
