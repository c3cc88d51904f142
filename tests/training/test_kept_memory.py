from __future__ import annotations

import ctypes
import platform
import subprocess
import sys

import pytest

from tui_tuner.training.kept_memory import memory_kept

# In a process of its own: what others have allocated above it would keep freed memory from going.
USE_AND_FREE = """
import ctypes, os
from tui_tuner.training.kept_memory import memory_kept

library = ctypes.CDLL(None)
library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
library.free.argtypes = [ctypes.c_void_p]

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20

def use_and_free():
    place = library.malloc(200 << 20)
    ctypes.memset(place, 1, 200 << 20)
    library.free(place)
    return resident() - before

before = resident()
with memory_kept():
    meanwhile = use_and_free()
afterwards = resident() - before
print(meanwhile, afterwards, use_and_free())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="speaks to glibc")
def test_freed_memory_stays_until_the_end_and_then_goes():
    ended = subprocess.run([sys.executable, "-c", USE_AND_FREE], capture_output=True, text=True, check=True)
    meanwhile, afterwards, again = map(int, ended.stdout.split())  # MiB more than at the beginning
    assert meanwhile > 150 and afterwards < 50 and again < 50


def test_elsewhere_nothing_happens(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    monkeypatch.setattr(ctypes, "CDLL", None)
    with memory_kept():
        pass
