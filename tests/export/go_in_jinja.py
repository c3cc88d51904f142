"""As much of Go's text/template as `go_template` writes, run by Jinja."""

import functools
import json
import re

import jinja2

VALUES = {"$m.Content": "m.content", "$.System": "system", ".Thinking": "m.thinking"}


def run_go(template, turns, *, think=None):
    """What Ollama would write: the actions are translated into Jinja's, whose words for them differ a little.

    Args:
        template: Go's.
        turns: the conversation; `thinking` beside the content where there was any.
        think: whether the model may think; None where nobody said.
    """
    rendered, texts = _translated(template)
    system = "\n\n".join(turn["content"] for turn in turns if turn["role"] == "system")
    has_system = turns[0]["role"] == "system"
    return rendered.render(turns=turns, system=system, has_system=has_system, texts=texts, think=think)


@functools.lru_cache
def _translated(template):
    """The template in Jinja's language, and its fixed texts."""
    last, spare = "eq (len (slice $.Messages $i)) 1", []

    def translated(action):
        body = action[2:-2].strip()
        if body.startswith('"'):
            spare.append(json.loads(body))
            return f"{{{{ texts[{len(spare) - 1}] }}}}"
        if body in VALUES:
            return f"{{{{ {VALUES[body]} }}}}"
        body = body.replace(last, "loop.last").replace('eq (index .Messages 0).Role "system"', "has_system")
        body = body.replace("if and $.System (", "if system and (").replace(
            "if and (loop.last) (", "if loop.last and ("
        )
        body = body.replace("if and .Thinking (", "if m.thinking and (")
        body = body.replace("if and $.IsThinkSet (not $.Think)", "if think == false")
        body = re.sub(
            r'(eq|ne) \$m\.Role ("\w+")', lambda found: f"m.role {'==' if found[1] == 'eq' else '!='} {found[2]}", body
        )
        body = body.replace("eq $i 1", "loop.index0 == 1").replace("else if", "elif")
        body = body.replace("range $i, $m := .Messages", "for m in turns")
        if body == "end":
            return "{% end " + opened.pop() + " %}"
        if not body.startswith("el"):
            opened.append("for" if body.startswith("for") else "if")
        return "{% " + body + " %}"

    opened = []
    pieces = re.split(r"({{(?: \"(?:[^\"\\]|\\.)*\" | [^\"{}]*(?:\"\w+\"[^\"{}]*)*)}})", template)
    jinja = "".join(translated(piece) if piece.startswith("{{") else piece for piece in pieces)
    jinja = jinja.replace("{% end for %}", "{% endfor %}").replace("{% end if %}", "{% endif %}")
    return jinja2.Environment(keep_trailing_newline=True).from_string(jinja), spare
