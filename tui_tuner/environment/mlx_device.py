"""MLX: its version, the device it computes on, and how fast that is, measured."""

from __future__ import annotations

import importlib.metadata
import shlex
import statistics
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui_tuner import figures
from tui_tuner.environment.check import CheckResult, Fix
from tui_tuner.language import _
from tui_tuner.models.blas import BlasReport, load_fast_blas

if TYPE_CHECKING:
    import mlx.core as mx

QUIET_WITHIN = 0.8  # seconds
MEASURE_FOR = 0.1  # seconds of multiplying that are counted
FEWEST = 3  # products, so that one disturbed one is outvoted
SMALLEST, LARGEST = 256, 4096  # side of the square matrices
# A product shorter than this says more about starting it than about computing it: take a larger one.
LONG_ENOUGH = MEASURE_FOR / 16


@dataclass(frozen=True)
class MlxFacts:
    """What MLX says and shows.

    Attributes:
        device: "GPU" or "CPU".
        rate: floating-point operations per second in multiplying matrices.
        number_type: of those matrices, the one training uses on this device.
        working_set: bytes MLX recommends to stay under on Metal; None elsewhere.
        blas: what multiplies on the CPU; None on a GPU.
    """

    device: str
    rate: float
    number_type: str
    working_set: int | None
    blas: BlasReport | None


def measure(quiet: threading.Event) -> MlxFacts:
    """Ask MLX and measure it, in about 0.2 s. Runs on the engine's thread.

    Args:
        quiet: set when the rest of this program has stopped using the processor; beside the other checks a rate ten
            times too low was seen. It is waited for only so long.

    Raises:
        ImportError: MLX is not installed, or not for this machine.
    """
    blas = load_fast_blas()
    import mlx.core as mx

    gpu = mx.default_device().type == mx.DeviceType.gpu
    number_type = mx.float16 if gpu else mx.float32
    working_set = mx.device_info().get("max_recommended_working_set_size")
    quiet.wait(QUIET_WITHIN)
    rate = matmul_rate(number_type)
    mx.clear_cache()
    return MlxFacts(
        "GPU" if gpu else "CPU",
        rate,
        str(number_type).removeprefix("mlx.core."),
        int(working_set) if working_set else None,
        None if gpu else blas,
    )


def matmul_rate(number_type: mx.Dtype, seconds: float = MEASURE_FOR) -> float:
    """Operations per second of square matrix products, 2 n^3 each: the median over `seconds`, warmed up.

    The matrices grow until one product takes long enough to be measured, so that a slow device is not kept busy for
    seconds and a fast one is not judged by its overhead. The median neither flatters nor counts a short disturbance.
    """
    import mlx.core as mx

    size = SMALLEST
    while True:
        # A key of its own: the measurement must not move the random numbers of anything else.
        matrix = mx.random.normal((size, size), key=mx.random.key(0)).astype(number_type)
        mx.eval(matrix, matrix @ matrix)  # the first product also pays for memory and kernels
        times = [_seconds_for_square(matrix)]
        if size >= LARGEST or times[0] > LONG_ENOUGH:
            break
        size *= 2
    while len(times) < FEWEST or sum(times) < seconds:
        times.append(_seconds_for_square(matrix))
    return float(2 * size**3 / statistics.median(times))


def _seconds_for_square(matrix: mx.array) -> float:
    import mlx.core as mx

    began = time.perf_counter()
    mx.eval(matrix @ matrix)
    return time.perf_counter() - began


def judge_mlx(facts: MlxFacts) -> CheckResult:
    """Judge what MLX said and showed."""
    words = [_("{version} on the {device}", version=version() or "?", device=facts.device)]
    words.append(_("{rate} measured ({type})", rate=flops(facts.rate), type=facts.number_type))
    why = _("MLX does all the computing; its matrix products decide how long training takes.")
    if facts.blas is None:
        return CheckResult("mlx", "MLX", "ok", " · ".join(words), why)
    words.append((facts.blas.name or _("slow BLAS")).partition(" (")[0])  # without the library's path
    if facts.blas.name:
        return CheckResult("mlx", "MLX", "ok", " · ".join(words), why)
    return CheckResult("mlx", "MLX", "warning", " · ".join(words), facts.blas.advice or why, _blas_fix(facts.blas))


def not_measured(reason: str) -> CheckResult:
    """What is known of MLX without asking it; `reason` says why it was not asked."""
    why = _("MLX does all the computing; its matrix products decide how long training takes.")
    found = version()
    if found is None:
        return missing()
    return CheckResult("mlx", "MLX", "ok", f"{found} · {reason}", why)


def missing(reason: str = "") -> CheckResult:
    """MLX cannot be imported."""
    package = "mlx" if sys.platform == "darwin" else "mlx[cpu]"
    fix = Fix(f"{shlex.quote(sys.executable)} -m pip install {shlex.quote(package)}", None, _("install MLX"))
    why = _("Without MLX nothing can be trained or asked; on a Mac it needs a native Python.")
    return CheckResult("mlx", "MLX", "missing", reason or _("not installed"), why, fix)


def version() -> str | None:
    """MLX's version as installed; None where it is not."""
    try:
        return importlib.metadata.version("mlx")
    except importlib.metadata.PackageNotFoundError:
        return None


def flops(rate: float) -> str:
    """Write operations per second: `3.1 TFLOP/s`."""
    number, unit = (rate / 1e12, "TFLOP") if rate >= 1e12 else (rate / 1e9, "GFLOP")
    return figures.rate(number, unit)


def _blas_fix(blas: BlasReport) -> Fix | None:
    """Installing OpenBLAS, where the report says that it is not installed rather than switched off or too late."""
    if "cmeel-openblas" not in blas.advice:
        return None
    return Fix(f"{shlex.quote(sys.executable)} -m pip install cmeel-openblas", None, _("install OpenBLAS"))
