"""Numbers as a person reads them, each with its unit: the screens and the headless commands write them alike.

Whatever is not known, that is None, NaN or infinity, is written as `UNKNOWN`.
"""

from __future__ import annotations

import math
from typing import TypeGuard

from tui_tuner.language import _

UNKNOWN = "–"

_EIGHTHS = "▏▎▍▌▋▊▉"
_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")


def duration(seconds: float | None) -> str:
    """Write a time span as `h:mm:ss`, below an hour as `m:ss`; rounded to whole seconds, never below 0."""
    if not _known(seconds):
        return UNKNOWN
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def time_left(seconds: float | None, error: float | None = None) -> str:
    """Write a time that is left, and how far off it may be where that is half a second or more: `4:10 ± 0:20`."""
    if not _known(seconds) or not _known(error) or error < 0.5:
        return duration(seconds)
    return f"{duration(seconds)} ± {duration(error)}"


def count(number: float | None) -> str:
    """Write a number with thousands separators; at most one decimal, and none where it is zero."""
    if not _known(number):
        return UNKNOWN
    # Adding 0.0 turns a -0.0 into 0.0.
    return f"{round(number, 1) + 0.0:,.1f}".removesuffix(".0")


def rate(per_second: float | None, unit: str = "") -> str:
    """Write a pace per second, minute or hour, whichever is the first to reach 1: `5.8 answers/min`.

    Args:
        per_second: units per second.
        unit: what is counted, in the plural; without it only the number is written: `5.8/min`.
    """
    if not _known(per_second):
        return UNKNOWN
    if per_second >= 1 or per_second <= 0:
        number, span = per_second, _("s")
    elif per_second * 60 >= 1:
        number, span = per_second * 60, _("min")
    else:
        number, span = per_second * 3600, _("h")
    words = {"number": _short(number), "unit": f" {unit}" if unit else "", "span": span}
    return _("{number}{unit}/{span}", **words)


def size(bytes_: float | None) -> str:
    """Write the size of a file or a disk in decimal units, as Finder and model pages do: `4.1 GB`."""
    if not _known(bytes_):
        return UNKNOWN
    number, power = bytes_, 0
    # 999.95 would be written as 1000.0: it already belongs to the next unit.
    while abs(number) >= (999.95 if power else 999.5) and power < len(_SIZES) - 1:
        number, power = number / 1000, power + 1
    return f"{number:,.1f} {_SIZES[power]}" if power else f"{number:.0f} B"


def memory(bytes_: float | None) -> str:
    """Write an amount of memory in units of 2**30 bytes, which is what "16 GB" means on a Mac's box: `16.0 GB`."""
    return f"{bytes_ / 2**30:,.1f} GB" if _known(bytes_) else UNKNOWN


def percent(part: float | None, whole: float | None) -> str:
    """Write `part` of `whole` in whole percent, rounded down so that 100 % means all of it."""
    if not _known(part) or not _known(whole) or whole <= 0:
        return UNKNOWN
    return _("{number} %", number=math.floor(100 * part / whole + 1e-9))


def bar(part: float, whole: float, cells: int) -> str:
    """Draw `part` of `whole` as a bar of at most `cells` cells, in eighths of a cell; never nothing for something."""
    if whole <= 0 or part <= 0:
        return ""
    full, rest = divmod(max(1, round(8 * cells * min(part / whole, 1))), 8)
    return "█" * full + (_EIGHTHS[rest - 1] if rest else "")


def _known(number: float | None) -> TypeGuard[float]:
    return number is not None and math.isfinite(number)


def _short(number: float) -> str:
    """Short, but of a steady width while it changes: 0.05, 5.8, 38.0, 1,212."""
    if 0 < abs(number) < 0.095:
        return f"{number:.1g}"
    return f"{number:,.0f}" if number == 0 or abs(number) >= 99.95 else f"{number:.1f}"
