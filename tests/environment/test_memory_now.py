"""How memory stands, read from what the systems' tools and files really say."""

import pytest

from tui_tuner.environment.memory_now import MemoryNow, linux_memory_now, mac_memory_now, memory_now
from tui_tuner.environment.system import parse_colons

GIB, MIB = 2**30, 2**20
# A Mac of 16 GB with 16 kB pages.
SYSCTL = """hw.memsize: 17179869184
vm.swapusage: total = 2048.00M  used = 320.50M  free = 1727.50M  (encrypted)
kern.memorystatus_vm_pressure_level: 2
"""
VM_STAT = """Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                              123456.
Pages active:                            789012.
Pages inactive:                          345678.
Pages speculative:                        12345.
Pages throttled:                              0.
Pages wired down:                        234567.
Pages purgeable:                          56789.
"Translation faults":                  98765432.
Pages occupied by compressor:             45678.
Swapins:                                    123.
Swapouts:                                    45.
"""
MEMINFO = """MemTotal:       24684096 kB
MemFree:        15604388 kB
MemAvailable:   20990880 kB
SwapCached:            0 kB
SwapTotal:       8388604 kB
SwapFree:        7340028 kB
"""


def test_a_mac():
    free = (123456 + 345678 + 12345) * 16384
    assert mac_memory_now(parse_colons(SYSCTL), VM_STAT) == MemoryNow(16 * GIB, free, int(320.5 * MIB), "warning")


@pytest.mark.parametrize(
    ("swapusage", "used"),
    [
        ("total = 0.00M  used = 0.00M  free = 0.00M  (encrypted)", 0),
        ("total = 9216,00M  used = 8478,00M  free = 738,00M  (encrypted)", 8478 * MIB),
        ("total = 12.00G  used = 11.50G  free = 0.50G", int(11.5 * GIB)),
        ("", 0),
    ],
)
def test_swap_of_a_mac_in_any_unit_and_language(swapusage, used):
    values = parse_colons(SYSCTL) | {"vm.swapusage": swapusage}
    assert mac_memory_now(values, VM_STAT).swap_used == used


def test_a_mac_that_does_not_say_how_pressed_it_is():
    values = parse_colons("hw.memsize: 17179869184\n")
    assert mac_memory_now(values, VM_STAT).pressure is None


def test_linux():
    assert linux_memory_now(MEMINFO) == MemoryNow(24684096 * 1024, 20990880 * 1024, 1048576 * 1024)


def test_a_container_on_linux():
    now = linux_memory_now(MEMINFO, str(4 * GIB), str(3 * GIB))
    assert (now.total, now.free) == (4 * GIB, GIB)


def test_nothing_to_read_is_nothing():
    assert linux_memory_now("") is None
    assert mac_memory_now({}, "") is None


def test_this_machine():
    now = memory_now()
    assert 0 < now.free <= now.total
