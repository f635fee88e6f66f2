"""Processor, GPUs, memory, and the disk that run folders go to."""

import math
import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

from seat_interp.commands.doctor._finding import Finding, in_gib, in_mib

DEMO_MEMORY = 1 << 30
DEMO_DISK = 20 << 20
"""Bytes that `seat-interp demo` may take; 0.9 GiB and 4 MiB were seen."""
CGROUP = Path("/sys/fs/cgroup")
"""Where Linux says what a container may take."""


def processor() -> Iterator[Finding]:
    """Cores, torch's threads, and whether bfloat16 is fast."""
    import torch

    from seat_interp.models.hardware import processor_has_bfloat16

    cores, threads, units = usable_cores(), torch.get_num_threads(), processor_has_bfloat16()
    text = f"{platform.machine()}, {cores} cores for this process, {threads} threads"
    text += "" if units else "; no bfloat16 units, so leave mixed_precision off"
    value = {"cores": cores, "threads": threads, "bfloat16": units}
    crowded = threads > cores
    remedy = f"Set OMP_NUM_THREADS={cores}: threads that wait for each other's cores make torch many times slower."
    yield Finding("machine", "processor", "problem" if crowded else "ok", text, remedy if crowded else "", value=value)


def usable_cores(cgroup: Path = CGROUP) -> int:
    """Cores that this process may use; in a container, what its quota comes to, rounded up."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
        return cores if quota == "max" else min(cores, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):
        return cores


def accelerators() -> Iterator[Finding]:
    """GPUs that torch can use, and those that it cannot."""
    import torch

    kinds = {"CUDA": torch.version.cuda, "ROCm": torch.version.hip}
    built_for = next((f"{kind} {number}" for kind, number in kinds.items() if number), "")
    if torch.cuda.is_available():
        for number in range(torch.cuda.device_count()):
            free, total = torch.cuda.mem_get_info(number)
            name = torch.cuda.get_device_name(number)
            text = f"{name}, {in_gib(free)} of {in_gib(total)} free, torch for {built_for}"
            value = {"name": name, "free": free, "total": total}
            yield Finding("machine", f"GPU {number}", "ok", text, value=value)
    elif torch.backends.mps.is_available():
        text = 'Apple\'s, not tested and taken only where it is asked for: open_model(..., device="mps")'
        yield Finding("machine", "GPU", "ok", text, value={"name": "mps"})
    else:
        yield unused_gpu(has_nvidia(), built_for)


def unused_gpu(has_gpu: bool, built_for: str) -> Finding:
    """Explain that torch sees no GPU.

    Args:
        has_gpu: Whether the machine has an NVIDIA one.
        built_for: Name of what torch was built for; empty for the CPU alone.
    """
    if not has_gpu:
        return Finding("machine", "GPU", "missing", "none seen; all runs on the CPU")
    if not built_for:
        text = "an NVIDIA GPU is here, but this torch is built for the CPU alone"
        remedy = "pip uninstall torch, then install a CUDA build as pytorch.org/get-started says for this machine."
    else:
        text = f"an NVIDIA GPU is here, but torch, built for {built_for}, cannot use it"
        remedy = (
            "Look at nvidia-smi: the driver must support that version, and CUDA_VISIBLE_DEVICES must not hide the GPU. "
            "Update the driver, or install a torch for an older one."
        )
    return Finding("machine", "GPU", "problem", text, remedy)


def has_nvidia() -> bool:
    """Whether this machine shows an NVIDIA driver."""
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def memory() -> Iterator[Finding]:
    """What is free now."""
    free = free_memory()
    if free is None:
        yield Finding("machine", "memory", "ok", "how much is free cannot be told on this system")
        return
    scarce = free < DEMO_MEMORY
    remedy = f"`seat-interp demo` may take {in_gib(DEMO_MEMORY)}: end what else is running." if scarce else ""
    yield Finding("machine", "memory", "problem" if scarce else "ok", f"{in_gib(free)} free", remedy, value=free)


def free_memory(proc: Path = Path("/proc"), cgroup: Path = CGROUP) -> int | None:
    """Return the memory that may still be taken, in a container by its own limit.

    Args:
        proc: Folder where Linux reports memory.
        cgroup: Folder where a container's limit is.

    Returns:
        Bytes, or None where they are not known.
    """
    try:
        lines = (proc / "meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):
        return None
    try:
        limit, used = ((cgroup / name).read_text().strip() for name in ("memory.max", "memory.current"))
        return free if limit == "max" else min(free, int(limit) - int(used))
    except OSError:
        return free


def disk(runs: Path) -> Iterator[Finding]:
    """Room where run folders go."""
    free, writable = shutil.disk_usage(nearest(runs)).free, can_write(runs)
    well = writable and free >= DEMO_DISK
    text = f"{runs.absolute()}, {in_gib(free)} free, {'writable' if writable else 'not writable'}"
    remedy = "" if well else f"Give --out a folder that can be written, with {in_mib(DEMO_DISK)} or more."
    value = {"free": free, "writable": writable}
    yield Finding("folders", "runs", "ok" if well else "problem", text, remedy, True, value)


def nearest(path: Path) -> Path:
    """The path, or the folder above it that is there."""
    return next(parent for parent in (path.absolute(), *path.absolute().parents) if parent.exists())


def can_write(folder: Path) -> bool:
    """Whether a folder can be written, or made."""
    existing = nearest(folder)
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
