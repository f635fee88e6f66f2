"""Which arithmetic a machine is good at."""

import platform
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def bfloat16_is_fast() -> bool:
    """Return whether this machine multiplies bfloat16 in hardware: any GPU, or a processor that does.

    Others emulate it: a step of SmolLM2 that takes seconds in float32 took minutes.

    Returns:
        True if it does.
    """
    return torch.cuda.is_available() or processor_has_bfloat16()


def processor_has_bfloat16() -> bool:
    """Return whether the processor has AMX or AVX-512 BF16.

    Returns:
        True if it has, and for processors that are not x86, of which nothing is known.
    """
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return True
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


@contextmanager
def without_cudnn_attention() -> Iterator[None]:
    """Keep PyTorch from choosing cuDNN's attention, forward and so backward too; the other kernels remain.

    From PyTorch 2.11 on it is the first choice on H100 and H200, and at some lengths its backward pass under a padding
    mask gives NaN (pytorch/pytorch#196678). Seen here on an H200: SmolLM2 in bfloat16, at the 15th step. On a
    CPU nothing changes. The switch is PyTorch's own, for the whole process; it is put back at the end.
    """
    before = torch.backends.cuda.cudnn_sdp_enabled()
    torch.backends.cuda.enable_cudnn_sdp(False)
    try:
        yield
    finally:
        torch.backends.cuda.enable_cudnn_sdp(before)
