from __future__ import annotations

import ctypes
import os
import platform
from pathlib import Path

import pytest

from tui_tuner.training.kept_memory import memory_kept

MEBIBYTE = 1 << 20


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def use_and_free(library: ctypes.CDLL, size: int) -> None:
    place = library.malloc(size)
    ctypes.memset(place, 1, size)
    library.free(place)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="speaks to glibc")
def test_freed_memory_stays_until_the_end_and_then_goes():
    library = ctypes.CDLL(None)
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    library.free.argtypes = [ctypes.c_void_p]
    before = resident()
    with memory_kept():
        use_and_free(library, 200 * MEBIBYTE)
        assert resident() - before > 150 * MEBIBYTE
    assert resident() - before < 50 * MEBIBYTE
    use_and_free(library, 200 * MEBIBYTE)
    assert resident() - before < 50 * MEBIBYTE


def test_elsewhere_nothing_happens(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(ctypes, "CDLL", None)
    with memory_kept():
        pass
