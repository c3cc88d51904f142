"""The display, which a Mac's GPU serves first: what does not let it is stopped."""

from __future__ import annotations

import re

from tui_tuner.environment.system import on_mac, output_of
from tui_tuner.language import _

# MLX's message when macOS's watchdog stopped the GPU's work, because it held up the display or took too long.
STOPPED = ("impacting interactivity", "impactinginteractivity", "gpu timeout", "callbackerrortimeout")


def display_is_on() -> bool:
    """Whether a Mac draws on a display now; False where this is no Mac, or it does not say."""
    return on_mac() and mac_display_is_on(output_of(["pmset", "-g", "systemstate"]))


def mac_display_is_on(pmset_systemstate: str) -> bool:
    """Read `pmset -g systemstate`, which lists `Graphics` while a display is on.

    Never run on a Mac. (`IODisplayWrangler`, which was asked in former times, is not there on Apple's own chips.)

    Current System Capabilities are: CPU Graphics Audio Network
    """
    found = re.search(r"Capabilities(?: are)?:(.*)", pmset_systemstate)
    return found is not None and "Graphics" in found[1].split()


def tells_of_the_watchdog(text: str) -> bool:
    """Whether MLX's error `text` means that macOS stopped the GPU's work."""
    return any(words in text.lower() for words in STOPPED)


def watchdog_advice() -> str:
    """What helps against it; github.com/ml-explore/mlx/issues/3267 is where people found out."""
    return _(
        "Let the display sleep while training: pmset displaysleepnow (the machine stays awake). Where it has to stay"
        " on, start tuner with AGX_RELAX_CDM_CTXSTORE_TIMEOUT=1, which helps on some Macs."
    )
