"""HTML: its text, with headings, lists, tables and code written as in Markdown; without scripts and navigation."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser

from tui_tuner.documents.blocks import Block, heading

# fmt: off
_VOID = frozenset((
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
))
_DROPPED = frozenset((
    "script", "style", "noscript", "template", "head", "nav", "footer", "svg", "iframe", "object", "button", "select",
))
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_ITEMS = frozenset(("li", "tr"))
_GROUPS = frozenset(("ul", "ol", "menu", "table"))
_BLOCKS = _ITEMS | _GROUPS | _HEADINGS.keys() | frozenset((
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog", "div", "dl",
    "dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hgroup", "html", "legend", "main", "nav",
    "p", "pre", "search", "section", "summary", "tbody", "tfoot", "thead",
))
# fmt: on
_TAG = re.compile("<[a-zA-Z/!?]")


@dataclass
class _Part:
    """A block as it grows. `group` is the outermost list or table it belongs to, 0 for none."""

    lines: list[str]
    line: int
    main: bool
    level: int = 0
    group: int = 0
    code: bool = False


@dataclass
class _Open:
    """The elements that are open, innermost last; the number of each kind, so that a stray end costs nothing."""

    names: list[str] = field(default_factory=list)
    numbers: Counter[str] = field(default_factory=Counter)

    def push(self, name: str) -> None:
        self.names.append(name)
        self.numbers[name] += 1

    def pop_to(self, name: str) -> None:
        """Close `name` and all inside it; nothing where none is open."""
        while self.numbers[name]:
            inner = self.names.pop()
            self.numbers[inner] -= 1
            if inner == name:
                return


@dataclass
class _Region:
    """Whether the reader is inside an element of some sort, known by how deep the outermost such element is."""

    depth: int = 0

    @property
    def inside(self) -> bool:
        return self.depth > 0

    def begin(self, depth: int) -> None:
        self.depth = self.depth or depth

    def end(self, depth: int) -> None:
        """Only `depth` elements are open now."""
        if depth < self.depth:
            self.depth = 0


def read_html(text: str) -> list[Block]:
    """The blocks of an HTML page; of one that says what its main part is, only those of that part.

    Where there is no heading, the page's title is one.
    """
    reader = _Reader()
    reader.feed(_whole(text))
    reader.close()
    reader.end_part()
    parts = [part for part in reader.parts if part.main] or reader.parts
    title = " ".join("".join(reader.title).split())
    blocks = [_block(part) for part in parts]
    if title and not any(part.level for part in parts) and blocks:
        blocks.insert(0, heading(f"# {title}", 1, 1, title))
    return blocks


def _whole(text: str) -> str:
    """A page without its comments and without a tag that breaks off at its end.

    Neither holds any text, and the parser takes minutes for a hundred thousand of them that are never closed. What
    follows a comment without an end is kept: such a mark may stand in a script.
    """
    kept: list[str] = []
    place = 0
    while (start := text.find("<!--", place)) >= 0:
        end = text.find("-->", start + 4) + 3
        if end < 3:
            break
        kept += (text[place:start], "\n" * text.count("\n", start, end))
        place = end
    text = "".join((*kept, text[place:].replace("<!--", "")))
    broken = _TAG.search(text, text.rfind(">") + 1)
    return text[: broken.start()] if broken else text


def _block(part: _Part) -> Block:
    text = "\n".join(part.lines)
    if part.level:
        return heading(f"{'#' * part.level} {text}", part.line, part.level, text)
    if part.code:
        return Block("lines", f"```\n{text}\n```", part.line)
    return Block("lines" if part.group else "text", text, part.line)


class _Reader(HTMLParser):
    """Collects parts; depth costs nothing, since nothing here calls itself."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[_Part] = []
        self.title: list[str] = []
        self._open = _Open()
        self._main, self._dropped = _Region(), _Region()
        self._text: list[str] = []
        self._begun = False  # whether there is more than spaces in it
        self._line = 1
        self._mark = ""
        self._groups = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what begins."""
        if tag in _VOID:
            self._void(tag, dict(attrs))
            return
        said = dict(attrs)
        if tag in _BLOCKS:
            self.end_part()
        if tag in _GROUPS and not self._in_group():
            self._groups += 1
        self._open.push(tag)
        depth = len(self._open.names)
        if tag == "main" or said.get("role") == "main":
            self._main.begin(depth)
        if tag in _DROPPED or said.get("role") == "navigation" or "hidden" in said:
            self._dropped.begin(depth)
        if tag in _ITEMS and not self._dropped.inside:
            self._mark = "  " * max(self._list_depth() - 1, 0) + "- " if tag == "li" else ""

    def handle_endtag(self, tag: str) -> None:
        """Note what ends."""
        if tag in _BLOCKS:
            self.end_part()
        elif tag in ("td", "th") and not self._dropped.inside:
            self._text.append(" | ")
        self._open.pop_to(tag)
        for region in (self._main, self._dropped):
            region.end(len(self._open.names))

    def handle_data(self, data: str) -> None:
        """Take in text, unless it stands in what is dropped."""
        if self._open.names and self._open.names[-1] == "title" and not self._open.numbers["svg"]:
            self.title.append(data)
        elif not self._dropped.inside:
            if not self._begun:
                self._line = self.getpos()[0] + data[: len(data) - len(data.lstrip())].count("\n")
                self._begun = bool(data.strip())
            self._text.append(data if self._open.numbers["pre"] else " ".join(_spaced(data)))

    def _void(self, tag: str, attributes: dict[str, str | None]) -> None:
        if self._dropped.inside:
            return
        if tag == "br":
            self._text.append("\n")
        elif tag == "hr":
            self.end_part()
        elif tag == "img" and (described := attributes.get("alt")):
            self._text.append(" ".join(described.split()))

    def end_part(self) -> None:
        """Make a part of the text so far."""
        raw, self._text, self._begun = "".join(self._text), [], False
        numbers = self._open.numbers
        if numbers["pre"]:
            text = raw.strip("\n").rstrip()
        else:
            text = "\n".join(line for part in raw.split("\n") if (line := " ".join(part.split()))).removesuffix(" |")
        if not text.strip():
            return
        level = next((level for name, level in _HEADINGS.items() if numbers[name]), 0)
        part = _Part([text], self._line, self._main.inside, level, code=bool(numbers["pre"]))
        if self._in_group() and not part.code and not level:
            part.group = self._groups
            part.lines = [self._mark + text]
            self._mark = " " * len(self._mark)
            if self.parts and self.parts[-1].group == part.group:
                self.parts[-1].lines += part.lines
                return
        if level:
            part.lines = [text.replace("\n", " ")]
        self.parts.append(part)

    def _in_group(self) -> bool:
        return any(self._open.numbers[name] for name in _GROUPS)

    def _list_depth(self) -> int:
        return sum(self._open.numbers[name] for name in ("ul", "ol", "menu"))


def _spaced(data: str) -> list[str]:
    """The words of `data`, with an empty one on each side that has a space: joined they keep one space there."""
    words = data.split()
    if not words:
        return [" "] if data else []
    return [*([""] if data[0].isspace() else []), *words, *([""] if data[-1].isspace() else [])]
