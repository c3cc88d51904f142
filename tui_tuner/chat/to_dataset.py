"""A good conversation goes back to the dataset, as an example that was brought along."""

from __future__ import annotations

import json
from pathlib import Path

from tui_tuner.chat.conversation import Conversation
from tui_tuner.chat.library import answered
from tui_tuner.dataset.examples import Example
from tui_tuner.dataset.plan import IMPORTED
from tui_tuner.dataset.review import identity
from tui_tuner.errors import UsageError
from tui_tuner.files import storage_errors
from tui_tuner.journal import Journal
from tui_tuner.language import _
from tui_tuner.project import Project


def keep_as_example(project: Project, conversation: Conversation) -> bool:
    """Add the conversation, up to its last reply, to the examples of `project`, on the disk before this returns.

    Neither the system prompt nor what the model thought is part of it: the tuned model is to answer so unasked.

    Returns:
        False where the very same conversation is there already.

    Raises:
        UsageError: it has no reply yet.
        StorageError: it cannot be written; nothing was added.
    """
    messages = answered(conversation)
    if not messages:
        raise UsageError(_("there is no answer to learn from yet"), advice=_("Ask something first."))
    example = Example(messages, f"chat {conversation.id}")
    path = project.data / IMPORTED
    if identity(example) in _known(path):
        return False
    with Journal(path) as journal:
        journal.append({**example.as_row(), "source": example.source})
    return True


def _known(path: Path) -> set[str]:
    known: set[str] = set()
    if path.exists():
        with storage_errors(path):
            lines = path.read_bytes().split(b"\n")
        for line in lines:
            try:
                known.add(identity(Example.from_row(json.loads(line), "")))
            except ValueError:
                continue
    return known
