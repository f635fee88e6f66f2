"""Which arithmetic a machine is good at."""

import platform

import torch


def bfloat16_is_fast() -> bool:
    """Whether this machine multiplies bfloat16 in hardware: any GPU, and processors with AMX or AVX-512 BF16.

    Others emulate it: a step of SmolLM2 that takes seconds in float32 took minutes. Of processors that are not x86
    nothing is known, and they count as fast.
    """
    if torch.cuda.is_available() or platform.machine().lower() not in ("x86_64", "amd64"):
        return True
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
