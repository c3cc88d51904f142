"""Where kept states are kept: in memory up to a budget, and beyond it in a file that is mapped into memory.

The file has no name from the moment it is opened, so that nothing is left of it however the process ends.
"""

from __future__ import annotations

import contextlib
import logging
import mmap
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mlx.core as mx
import numpy

from tui_tuner.language import _
from tui_tuner.training.examples import Example

log = logging.getLogger(__name__)

# Left free on the disk for checkpoints and everything else.
RESERVE = 1 << 30


@dataclass(frozen=True)
class _Place:
    offset: int
    shape: tuple[int, ...]
    kind: mx.Dtype


class StateStore:
    """States by example. One thread at a time may use it.

    Args:
        memory: how many bytes may be kept in memory.
        folder: where the rest goes.
        tell: hears when states can no longer be kept; said once.
    """

    def __init__(self, memory: int, folder: Path, tell: Callable[[str], None]) -> None:
        self._memory, self._folder, self._tell = memory, folder, tell
        self._here: dict[Example, mx.array] = {}
        self._there: dict[Example, _Place] = {}
        self._file: int | None = None
        self._map: mmap.mmap | None = None
        self._used = self._written = 0
        self.full = False

    def __contains__(self, example: Example) -> bool:
        return example in self._here or example in self._there

    @property
    def on_disk(self) -> int:
        """Bytes in the file."""
        return self._written

    def get(self, example: Example) -> mx.array | None:
        """The states of `example`, bit by bit what was put; None where there are none."""
        if example in self._there:
            return self._read(self._there[example])
        return self._here.get(example)

    def put(self, example: Example, states: mx.array) -> bool:
        """Keep `states`, evaluated, if there is room for them; whether there was."""
        if self._used + states.nbytes <= self._memory:
            self._here[example] = states
            self._used += states.nbytes
            return True
        if self.full:
            return False
        try:
            self._there[example] = self._write(states)
        except OSError as error:
            log.info("kept states: %r", error)
            self._give_up(error)
            return False
        return True

    def clear(self) -> None:
        """Forget everything and close the file."""
        self._here.clear()
        self._there.clear()
        if self._map is not None:
            with contextlib.suppress(BufferError):  # a last reader closes it
                self._map.close()
        if self._file is not None:
            os.close(self._file)
        self._file = self._map = None
        self._used = self._written = 0
        self.full = False

    def _give_up(self, error: OSError) -> None:
        self.full = True
        words = {"folder": self._folder, "error": error.strerror or error}
        self._tell(
            _(
                "states of the frozen layers cannot be kept in {folder} ({error}): for some rows these layers are"
                " computed each time; training is right but slower",
                **words,
            )
        )

    def _write(self, states: mx.array) -> _Place:
        if self._file is None:
            self._file = _nameless_file(self._folder)
        if shutil.disk_usage(self._folder).free < states.nbytes + RESERVE:
            raise OSError(28, _("the disk is nearly full"))
        content = memoryview(_as_bytes(states))
        place = _Place(self._written, tuple(states.shape), states.dtype)
        done = 0
        # Written, not through the map: where the disk is full this is an error, and not the end of the process.
        while done < len(content):
            done += os.pwrite(self._file, content[done:], place.offset + done)
        self._written += len(content)
        return place

    def _read(self, place: _Place) -> mx.array:
        assert self._file is not None
        if self._map is None or len(self._map) < self._written:
            self._map = mmap.mmap(self._file, self._written, access=mmap.ACCESS_READ)
        size = place.kind.size
        count = int(numpy.prod(place.shape))
        numbers = numpy.frombuffer(self._map, numpy.dtype(f"u{size}"), count, place.offset)
        return mx.array(numbers).view(place.kind).reshape(place.shape)


def _nameless_file(folder: Path) -> int:
    handle, name = tempfile.mkstemp(prefix=".states.", dir=folder)
    Path(name).unlink()
    return handle


def _as_bytes(states: mx.array) -> bytes:
    # As whole numbers: NumPy has no bfloat16.
    whole = {1: mx.uint8, 2: mx.uint16, 4: mx.uint32, 8: mx.uint64}[states.dtype.size]
    return numpy.array(states.view(whole)).tobytes()
