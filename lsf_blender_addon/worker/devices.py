"""Which device computes, and in what precision."""

from __future__ import annotations

import gc
import re
from typing import Any

import torch

from ..errors import DeviceError
from .protocol import Precision

ORDER = ("cuda", "mps", "xpu", "cpu")
"""What ``auto`` prefers."""

VOLTA = (7, 0)
"""The first CUDA cards that are faster in float16 than in float32."""

SECOND_ON_DEVICE = 48 << 20
"""Bytes that a second of sound takes at most on a GPU at the published size, on top of the weights."""

LARGEST_BATCH = 64


def available() -> tuple[str, ...]:
    """The kinds of device that this machine has, best first."""
    there = {
        "cuda": _cuda_computes(),
        "mps": torch.backends.mps.is_available(),
        "xpu": torch.xpu.is_available(),
        "cpu": True,
    }
    return tuple(name for name in ORDER if there[name])


def _cuda_computes() -> bool:
    """Whether torch was built for the first card: CUDA 13 builds say only while they compute that it is too old."""
    if not torch.cuda.is_available():
        return False
    built = [int(found[1]) for name in torch.cuda.get_arch_list() if (found := re.match(r"sm_(\d+)", name))]
    major, minor = torch.cuda.get_device_capability()
    return not built or 10 * major + minor >= min(built)  # ROCm's builds name none


def choose(name: str) -> torch.device:
    """The device of a name: ``auto``, or ``cuda``, ``cuda:1``, ``mps``, ``xpu``, ``cpu``.

    Raises:
        DeviceError: the name is unknown, or this machine has no such device.
    """
    kinds = available()
    if name == "auto":
        return torch.device(kinds[0])
    try:
        device = torch.device(name)
    except RuntimeError as reason:
        raise DeviceError(f"The device {name!r} is unknown; use auto, {', '.join(ORDER)}.") from reason
    if device.type not in kinds:
        raise DeviceError(f"This machine has no device {name!r}, or its torch cannot use it; use {', '.join(kinds)}.")
    count = {"cuda": torch.cuda.device_count, "xpu": torch.xpu.device_count}.get(device.type, lambda: 1)()
    if device.index is not None and device.index >= count:
        raise DeviceError(f"This machine has no device {name!r}: it has {count} of that kind, counted from 0.")
    return device


def precision_of(device: torch.device, wanted: Precision) -> torch.dtype:
    """The precision to compute the speech encoders in: as wanted, or the fastest that the device is good at."""
    if wanted != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[wanted]
    if device.type == "cuda":
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return torch.bfloat16
        return torch.float16 if torch.cuda.get_device_capability(device) >= VOLTA else torch.float32
    if device.type == "cpu":
        return torch.bfloat16 if native_bfloat16() else torch.float32
    return torch.float16 if device.type == "mps" else torch.bfloat16


def native_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself (avx512_bf16 or AMX); elsewhere it is slower than float32."""
    abilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(abilities.get("avx512_bf16") or abilities.get("amx_bf16") or abilities.get("amx_tile"))


def batch_of(device: torch.device, seconds: float) -> int:
    """How many windows of ``seconds`` to compute at once: one on a CPU, on a GPU what half its free memory holds."""
    if device.type == "cpu":
        return 1
    free = {
        "cuda": lambda: torch.cuda.mem_get_info(device)[0],
        "xpu": lambda: torch.xpu.mem_get_info(device)[0],
        "mps": lambda: torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory(),
    }[device.type]()
    return int(min(max(free / 2 // (SECOND_ON_DEVICE * seconds), 1), LARGEST_BATCH))


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device's memory is used up."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    words = str(error)
    return isinstance(error, RuntimeError) and ("out of memory" in words or "can't allocate memory" in words)


def release(device: torch.device) -> None:
    """Give back what is cached on a device."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
    elif device.type == "xpu":
        torch.xpu.empty_cache()
