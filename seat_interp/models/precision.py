"""Which arithmetic a machine is good at."""

import platform

import torch


def bfloat16_is_fast() -> bool:
    """Whether this machine multiplies bfloat16 in hardware: any GPU, or a processor that does.

    Others emulate it: a step of SmolLM2 that takes seconds in float32 took minutes.
    """
    return torch.cuda.is_available() or processor_has_bfloat16()


def processor_has_bfloat16() -> bool:
    """Whether the processor has AMX or AVX-512 BF16. Of those that are not x86 nothing is known: they count as such."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        return True
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
