"""Attention whose gradients can be trusted on every GPU."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


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
