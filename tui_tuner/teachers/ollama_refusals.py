"""What Ollama means when it refuses: from a status and an error text to an error a person can act on."""

from __future__ import annotations

import re

from tui_tuner.errors import TeacherError, TeacherRefused, TeacherUnavailable
from tui_tuner.language import _
from tui_tuner.teachers.server_errors import TooLong

# Words of an error text after which the same request may well succeed: the process that runs the model ended, or the
# network between Ollama and its registry failed.
PASSES = ("runner", "eof", "timeout", "timed out", "connection", "max retries", "no such host", "network", "try again")


def explain(status: int, text: str) -> TeacherError | None:
    """What a refusal means; None where any server would mean the same by it.

    Args:
        status: the HTTP status; 200 for an error within a stream.
        text: what Ollama says, on one line.
    """
    words = text.lower()
    lasting = _by_text(text, words)
    if lasting is not None:
        return lasting
    if status == 403:
        return TeacherRefused(
            _("it refuses requests under this host name"),
            advice=_("Use localhost or the machine's IP address, or set OLLAMA_HOST on that machine to 0.0.0.0."),
        )
    if status == 404 and words.startswith("404"):  # an unknown route, in plain text
        return TeacherRefused(_("it does not know this request"), advice=_("Update Ollama, or check the address."))
    # A request whose stream had begun was a good one: what stopped it may not stop it again.
    if status == 200 or (status == 500 and any(word in words for word in PASSES)):
        return TeacherUnavailable(_("it failed: {text}", text=text), advice=_("Its log may say more."))
    return None


def _by_text(text: str, words: str) -> TeacherRefused | None:
    """What does not pass, whatever the status."""
    if re.search(r"model .*not found|file does not exist", words):
        return TeacherRefused(
            _("there is no such model: {text}", text=text),
            advice=_("`ollama list` shows those it has; get another one with: ollama pull NAME"),
        )
    if "no space left" in words:
        return TeacherRefused(_("its disk is full: {text}", text=text), advice=_("Free some space, then try again."))
    if "newer version" in words:
        return TeacherRefused(_("this model needs a newer Ollama"), advice=_("Update Ollama, then try again."))
    if "system memory" in words:
        return TeacherRefused(text, advice=_("Choose a smaller model, or close other programs."))
    if "exceeds" in words and "context" in words:
        advice = _("Show it less, or take a model with a longer context.")
        return TooLong(_("the conversation is too long for the model: {text}", text=text), advice=advice)
    return None
