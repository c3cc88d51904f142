"""A chat template in Ollama's language, which is Go's `text/template`, made from a template's form.

Ollama gives `.Messages`, each with `.Role` and `.Content`, and puts the token that begins every text in front by
itself. A conversation that ends with the assistant's turn is to be gone on with: that turn is left open.

Where a model thinks, Ollama tells its thoughts apart from its answer, and earlier ones are not put to it again. It
reads off the template between which words they stand: those around `.Thinking`, which have to be plain text there.
"""

from __future__ import annotations

import json

from tui_tuner.export.chat_form import ChatForm
from tui_tuner.models.thinking import CLOSE, OPEN

LAST = "eq (len (slice $.Messages $i)) 1"
NOT_TO_THINK = "and $.IsThinkSet (not $.Think)"
SYSTEM_FIRST = 'eq (index .Messages 0).Role "system"'


def go_template(form: ChatForm) -> str:
    """`form` as a template for Ollama."""
    return "".join(
        [
            _begin(form),
            "{{ range $i, $m := .Messages }}",
            _system_turn(form),
            '{{ if eq $m.Role "user" }}',
            _text(form.user[0]),
            _system_inside(form),
            "{{ $m.Content }}",
            _text(form.user[1]),
            '{{ else if eq $m.Role "assistant" }}',
            _text(form.assistant[0]),
            _thoughts(form),
            "{{ $m.Content }}",
            f"{{{{ if not ({LAST}) }}}}{_text(form.assistant[1])}{{{{ end }}}}" if form.assistant[1] else "",
            "{{ end }}",
            f'{{{{ if and ({LAST}) (ne $m.Role "assistant") }}}}{_answer(form)}{{{{ end }}}}' if form.answer else "",
            "{{ end }}",
        ]
    )


def _begin(form: ChatForm) -> str:
    if not form.begin:
        return ""
    if form.place != "own turn":
        return _text(form.begin)
    return f"{{{{ if not ({SYSTEM_FIRST}) }}}}{_text(form.begin)}{{{{ end }}}}"


def _system_turn(form: ChatForm) -> str:
    if form.place != "own turn":
        return ""
    inside = f"{_text(form.system[0])}{{{{ $m.Content }}}}{_text(form.system[1])}"
    return f'{{{{ if eq $m.Role "system" }}}}{inside}{{{{ end }}}}'


def _system_inside(form: ChatForm) -> str:
    """A system prompt within a question; models that take none are told it before the first one, as people do it."""
    if form.place == "own turn":
        return ""
    before, after = form.system if form.place != "nowhere" else ("", "\n\n")
    # After a system prompt the first question is the second turn.
    which = LAST if form.place == "last question" else "eq $i 1"
    told = f"{_text(before)}{{{{ $.System }}}}{_text(after)}"
    return f"{{{{ if and $.System ({which}) }}}}{told}{{{{ end }}}}"


def _thoughts(form: ChatForm) -> str:
    """What was thought before an answer that is to be gone on with."""
    inside = f"{OPEN}\n{{{{ .Thinking }}}}\n{CLOSE}\n\n"
    return f"{{{{ if and .Thinking ({LAST}) }}}}{inside}{{{{ end }}}}" if form.thinks else ""


def _answer(form: ChatForm) -> str:
    told = f"{{{{ if {NOT_TO_THINK} }}}}{_text(form.thoughtless)}{{{{ end }}}}" if form.thoughtless else ""
    return _text(form.answer) + told


def _text(text: str) -> str:
    """Fixed words, as a Go string in an action: nothing in them is read as white space to trim or as an action."""
    return f"{{{{ {json.dumps(text, ensure_ascii=False)} }}}}" if text else ""
