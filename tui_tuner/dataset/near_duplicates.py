"""Texts that are nearly the same as an earlier one.

Texts are compared by the runs of `LETTERS` letters they share: the Jaccard index of two sets of them, 1 for the same
text. Candidates are found by MinHash and banding (Broder 1997; Leskovec, Rajaraman and Ullman, Mining of Massive
Datasets, chapter 3), which the `rensa` package does; each candidate is then compared exactly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui_tuner.dataset.examples import question_key

if TYPE_CHECKING:
    from rensa import RMinHash

LETTERS = 5
# Two texts that share 0.8 of their runs are found in 99.9 of 100 cases, at 0.7 in 95: 1 - (1 - shared ** 6) ** 24.
BANDS, ROWS = 24, 6
PERMUTATIONS = BANDS * ROWS
LONGEST = 4000  # letters compared; what begins alike for so long is alike
MOST_CANDIDATES = 64  # compared exactly; thousands of texts from one template would otherwise all meet all
_NUMBER = re.compile(r"\d+")


class NearDuplicates:
    """The texts added so far, and which of them a new one resembles.

    Args:
        threshold: the share of common runs, 0 to 1, from which on two texts count as the same.
    """

    def __init__(self, threshold: float) -> None:
        from rensa import RMinHashLSH

        self._threshold = threshold
        self._index = RMinHashLSH(threshold, PERMUTATIONS, BANDS)
        self._keys: list[str] = []
        self._places: dict[str, int] = {}
        self._resembled: list[tuple[int, ...]] = []
        self._last: _Text | None = None  # a text that is asked about is often added next

    def __len__(self) -> int:
        return len(self._keys)

    def place_of(self, text: str) -> int | None:
        """The place of the text that is equal but for case, punctuation and spacing; None where there is none."""
        return self._places.get(question_key(text))

    def resembled_by(self, place: int) -> tuple[int, ...]:
        """The places of earlier texts that the one at `place` nearly repeats."""
        return self._resembled[place]

    def like(self, text: str) -> int | None:
        """The place, in the order they were added, of a text that `text` nearly repeats; None where it is new."""
        key = question_key(text)
        if key in self._places:
            return self._places[key]
        return next(iter(self._read(key).resembles), None) if key else None

    def add(self, text: str) -> int | None:
        """Add `text`, also where it resembles another; return what `like` would have said before."""
        key = question_key(text)
        same = self._places.get(key)
        if same is not None:
            resembles: tuple[int, ...] = (same,)
        else:
            read = self._read(key)
            resembles = read.resembles
            self._index.insert(len(self._keys), read.sketch)
            self._places[key] = len(self._keys)
        self._keys.append(key)
        self._resembled.append(resembles)
        return next(iter(resembles), None)

    def _read(self, key: str) -> _Text:
        """What there is to know of a text, among as many others as there are now."""
        last = self._last
        if last is None or (last.key, last.among) != (key, len(self._keys)):
            runs = _runs(key)
            sketch = _sketch(runs)
            candidates = sorted(self._index.query(sketch))[:MOST_CANDIDATES] if key else []
            mine = set(runs) if candidates else set()
            alike = tuple(place for place in candidates if self._alike(mine, set(_runs(self._keys[place]))))
            last = self._last = _Text(key, len(self._keys), sketch, alike)
        return last

    def _alike(self, one: set[str], other: set[str]) -> bool:
        shared = len(one & other)
        return shared >= self._threshold * (len(one) + len(other) - shared)


@dataclass(frozen=True)
class _Text:
    """A folded text, and what it resembles among the first texts."""

    key: str
    among: int
    sketch: RMinHash
    resembles: tuple[int, ...]


def _runs(key: str) -> list[str]:
    """The runs of letters of a folded text. Texts with other numbers have none in common: step 3 is not step 4."""
    text = key[:LONGEST]
    starts = range(max(1, len(text) - LETTERS + 1))
    numbers = " ".join(_NUMBER.findall(text))
    if not numbers:
        return [text[start : start + LETTERS] for start in starts]
    return [f"{text[start : start + LETTERS]}{numbers}" for start in starts]


def _sketch(runs: list[str]) -> RMinHash:
    from rensa import RMinHash

    sketch = RMinHash(PERMUTATIONS, 0)
    sketch.update(runs)
    return sketch
