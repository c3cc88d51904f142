"""A fast BLAS under MLX on Linux, where its wheel links the slow reference BLAS.

`mlx[cpu]` on Linux calls the plain `sgemm` of the reference BLAS, one thread, about 6 GFLOP/s. A dynamic linker takes
the first global definition of a name, so OpenBLAS loaded with `RTLD_GLOBAL` before MLX answers those calls instead: 80
to 200 GFLOP/s on two cores. It must therefore come before the first `import mlx`.
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tui_tuner.language import _

SWITCH_OFF = "TUNER_NO_OPENBLAS"
# Fedora's `libopenblas.so.0` has one thread, its `libopenblasp.so.0` has many; Debian has only the first name.
SYSTEM_LIBRARIES = ("libopenblasp.so.0", "libopenblas.so.0")
# Where the wheel `cmeel-openblas` puts its library inside a site-packages folder.
WHEEL_LIBRARY = Path("cmeel.prefix", "lib", "libopenblas.so.0")
# That wheel is built for the processor it was built on (0.3.31: with AVX-512), and one without it kills the process at
# the first product. So it has to multiply in a process of its own first.
TRIAL = """
import ctypes, sys
blas, n = ctypes.CDLL(sys.argv[1]), 128
ones, product = (ctypes.c_float * (n * n))(*[1.0] * (n * n)), (ctypes.c_float * (n * n))()
one, zero = ctypes.c_float(1), ctypes.c_float(0)
blas.cblas_sgemm(101, 111, 111, n, n, n, one, ones, n, ones, n, zero, product, n)
sys.exit(product[n * n - 1] != n)
"""
TRIAL_SECONDS = 20


@dataclass(frozen=True)
class BlasReport:
    """Which BLAS MLX multiplies with on the CPU.

    Attributes:
        name: the fast library as a person knows it; None where MLX uses its own slow one.
        advice: what would make it faster and how; empty where nothing would.
    """

    name: str | None
    advice: str


@functools.cache
def load_fast_blas() -> BlasReport:
    """Load OpenBLAS before MLX where that helps; the first call does it, later ones repeat its report."""
    if sys.platform == "darwin":
        return BlasReport("Accelerate", "")
    if os.environ.get(SWITCH_OFF, "") not in ("", "0"):
        return BlasReport(None, _("OpenBLAS is switched off by {name}.", name=SWITCH_OFF))
    late = "mlx.core" in sys.modules
    for candidate in _candidates():
        try:
            ctypes.CDLL(candidate, mode=ctypes.RTLD_GLOBAL)
        except OSError:  # not installed, or without the Fortran library it needs
            continue
        if late:
            return BlasReport(None, _("MLX was loaded before OpenBLAS and does not use it: start the program again."))
        return BlasReport(f"OpenBLAS ({candidate})", "")
    commands = [_system_command()]
    if _wheel_suits():
        commands.append(f"{sys.executable} -m pip install cmeel-openblas")
    return BlasReport(
        None,
        _(
            "Matrix products on the CPU are ten times faster and more with OpenBLAS: {command}; then start again.",
            command=_(" or ").join(commands),
        ),
    )


def _candidates() -> Iterator[str]:
    yield from SYSTEM_LIBRARIES
    for folder in sys.path:
        library = Path(folder) / WHEEL_LIBRARY
        if library.is_file() and _runs_here(str(library)):
            yield str(library)


def _runs_here(library: str) -> bool:
    """Whether `library` can multiply on this processor, tried where a crash hurts nobody."""
    try:
        trial = subprocess.run(
            [sys.executable, "-I", "-S", "-c", TRIAL, library],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TRIAL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return trial.returncode == 0


def _wheel_suits() -> bool:
    """Whether the wheel's library would run on this processor; there is no asking it before it is installed."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return True
    try:
        return " avx512f " in Path("/proc/cpuinfo").read_text().replace("\n", " ")
    except OSError:
        return False


def _system_command() -> str:
    """The command that installs OpenBLAS with this distribution's own tool."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    family = {release.get("ID", ""), *release.get("ID_LIKE", "").split()}
    if family & {"fedora", "rhel", "centos"}:
        return "sudo dnf install openblas-threads"
    if "arch" in family:
        return "sudo pacman -S openblas"
    return "sudo apt install libopenblas0-pthread"
