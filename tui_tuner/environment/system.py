"""What the operating system says of itself, as raw text: the only place that runs its tools and reads its files."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

WITHIN = 1.0  # seconds; these tools answer in milliseconds


def on_mac() -> bool:
    """Whether this is macOS."""
    return platform.system() == "Darwin"


def output_of(command: Sequence[str]) -> str:
    """What `command` writes to stdout; empty where it is not there or does not answer.

    Its exit code does not count: `sysctl` fails as a whole when one of several names is unknown, and prints the others.
    """
    program = shutil.which(command[0])
    if program is None:
        return ""
    try:
        # With a whole path and nothing to close, Python spawns instead of forking, for which a Mac would copy the page
        # tables of a process that holds a model; its own files are closed for children anyway.
        ended = subprocess.run(
            [program, *command[1:]],
            capture_output=True,
            timeout=WITHIN,
            stdin=subprocess.DEVNULL,
            check=False,
            close_fds=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return ended.stdout.decode(errors="replace")


def content_of(path: Path) -> str:
    """What a file such as `/proc/meminfo` holds; empty where it is not there."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def sysctl(*names: str) -> dict[str, str]:
    """The values of `sysctl` for those of `names` this Mac knows. Not run on a Mac yet; its parser is tested."""
    return parse_colons(output_of(["sysctl", *names]))


def parse_colons(text: str) -> dict[str, str]:
    """Read lines of `name: value`, as `sysctl`, `sw_vers`, `vm_stat` and `/proc/meminfo` write them."""
    pairs = (line.partition(":") for line in text.splitlines())
    return {name.strip().strip('"'): value.strip() for name, colon, value in pairs if colon}
