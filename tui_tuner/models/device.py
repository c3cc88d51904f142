"""What MLX computes on here, known without asking it."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform

CUDA_PACKAGES = ("mlx-cuda-12", "mlx-cuda-13")


def has_gpu() -> bool:
    """Whether MLX computes on a GPU: on Metal on a Mac, on NVIDIA's where its package is installed."""
    if platform.system() == "Darwin":
        return True
    for package in CUDA_PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return bool(importlib.metadata.version(package))
    return False


def cores_here() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
