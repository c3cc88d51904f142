"""What a model thinks before it answers, told apart from the answer.

Thinking models write their thoughts between `<think>` and `</think>`, as DeepSeek-R1 began and Qwen 3 and others took
over. Some templates open the thought already in the prompt, so that only its end is in the text.
"""

from __future__ import annotations

OPEN, CLOSE = "<think>", "</think>"


def without_thoughts(text: str) -> tuple[str, str]:
    """Split a reply into its thoughts and what is said.

    Args:
        text: a reply, perhaps not at its end yet.

    Returns:
        Both without the tags and without blank lines around them; the first is empty where nothing was thought, the
        second where the model still thinks.
    """
    body = text.lstrip()
    if body.startswith(OPEN):
        body = body.removeprefix(OPEN)
        thoughts, closed, said = body.partition(CLOSE)
        return thoughts.strip(), said.lstrip() if closed else ""
    if len(body) < len(OPEN) and body and OPEN.startswith(body):
        return "", ""  # the tag itself is still being written
    thoughts, closed, said = body.partition(CLOSE)
    # In the middle of a text that has an opening tag it is no thought before the answer but a word about tags.
    if closed and OPEN not in thoughts:
        return thoughts.strip(), said.lstrip()
    return "", text


class TaggedThoughts:
    """Puts an answer together whose thoughts arrive apart from what is said, as Ollama sends them.

    Args:
        wanted: whether the thoughts are to stand before the answer, between tags; left out otherwise.
    """

    def __init__(self, wanted: bool) -> None:
        self._wanted, self._thinking = wanted, False

    def piece(self, message: object) -> str:
        """What one message, with its `thinking` or its `content`, adds to the text; empty where that is nothing."""
        row = message if isinstance(message, dict) else {}
        thought, said = (row.get(key) for key in ("thinking", "content"))
        text = ""
        if self._wanted and isinstance(thought, str) and thought:
            text = thought if self._thinking else f"{OPEN}\n{thought}"
            self._thinking = True
        if isinstance(said, str) and said:
            text += f"\n{CLOSE}\n\n{said}" if self._thinking else said
            self._thinking = False
        return text
