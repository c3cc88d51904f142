"""What the Chat step looks like, kept as pictures. Nothing in them depends on the machine or the time."""

import threading
from datetime import datetime
from pathlib import Path

import pytest
import tiny_project
from screens.test_pictures import Shown

from tui_tuner.chat.conversation import Conversation, new_conversation
from tui_tuner.chat.models import ChatModel
from tui_tuner.chat.talk import ReplyText
from tui_tuner.models.replies import Reply
from tui_tuner.screens import chat_who
from tui_tuner.screens.chat_sides import Sides
from tui_tuner.settings import Settings
from tui_tuner.widgets.composer import Composer
from tui_tuner.widgets.spoken import Spoken

MODELS = [
    ChatModel("tuned", "tuned run-1", Path("base"), Path("run-1"), context=8192),
    ChatModel("base", "base SmolLM2-135M-Instruct", Path("base"), context=8192),
]
CODE = """Put it into **one** folder:

```python
from pathlib import Path

Path('plugins').mkdir()
```

Then:

- name it
- `switch` it on"""
THOUGHT = "<think>\nThey ask for the shortest way.\nThere is one.\n</think>\n\nOpen *Plugins*, then **Add new**."
SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)])


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setattr(chat_who, "chat_models", lambda _project, _base: MODELS)
    monkeypatch.setattr(chat_who, "ollama_models", lambda _url: [])
    return tiny_project.make(tmp_path).with_settings("model", {"name": "starter"})


def talked(project, *answers, day=1) -> Conversation:
    conversation = new_conversation(project, datetime(2026, 5, day, 12, 0))
    questions = ("How do I make a plugin?", "And how is one added?", "Is it safe?")
    for question, (model, text) in zip(questions, answers, strict=False):
        conversation.ask(question)
        conversation.answer(Reply(text, 40, 31.4, 0.21, "stop", 120), model)
    return conversation


def shown(project) -> Shown:
    return Shown(project, Settings(last_step="chat"))


async def ready(pilot):
    while not pilot.app.screen.query(Sides) or not all(side.model for side in pilot.app.screen._sides):
        await pilot.pause(0.02)
    await settled(pilot)


async def settled(pilot):
    while any(one._draws or not one._can_draw for one in pilot.app.screen.query(Spoken)):
        await pilot.pause(0.02)
    await pilot.pause()


def answering(app, *pieces):
    """Have the app's models write these pieces, and then take their time."""

    def reply_work(asked, _choice):
        def work(emit, stop):
            for place in range(len(asked)):
                for piece in pieces:
                    emit(ReplyText(piece, place))
            while not stop.requested:
                threading.Event().wait(0.01)

        return work

    app.talk.reply_work = reply_work


async def ask(pilot, question):
    pilot.app.screen.query_one(Composer).load_text(question)
    await pilot.press("enter")


@SIZES
def test_nothing_said_yet(snap_compare, project, size):
    assert snap_compare(shown(project), terminal_size=size, run_before=ready)


@SIZES
def test_an_answer_is_written(snap_compare, project, size):
    talked(project, ("tuned run-1", CODE))
    app = shown(project)

    async def to_the_answer(pilot):
        await ready(pilot)
        answering(app, "Open *Plugins*,", " then **Add new**", " and")
        await ask(pilot, "And how is one added?")
        while not app.screen.query(Spoken).last()._said.endswith("and"):
            await pilot.pause(0.02)
        await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=to_the_answer)


@SIZES
def test_two_at_once(snap_compare, project, size):
    talked(project, ("tuned run-1", CODE))
    app = shown(project)

    async def to_both(pilot):
        await ready(pilot)
        await pilot.press("f4", "enter")
        answering(app, "Open *Plugins*, then **Add new**.")
        await ask(pilot, "And how is one added?")
        while [one._said[:4] for one in app.screen.query(Spoken)].count("Open") < 2:
            await pilot.pause(0.02)
        await settled(pilot)

    assert snap_compare(app, terminal_size=size, run_before=to_both)


@SIZES
@pytest.mark.parametrize("opened", [False, True], ids=["folded", "open"])
def test_thoughts(snap_compare, project, size, opened):
    talked(project, ("tuned run-1", THOUGHT))

    async def to_the_thoughts(pilot):
        await ready(pilot)
        if opened:
            await pilot.press("shift+tab", "enter")
            await pilot.pause()

    assert snap_compare(shown(project), terminal_size=size, run_before=to_the_thoughts)


@SIZES
def test_the_conversations(snap_compare, project, size):
    talked(project, ("tuned run-1", CODE), ("tuned run-1", THOUGHT), day=2)
    talked(project, ("base SmolLM2-135M-Instruct", CODE)).rename(
        "A much longer title than fits into its column, 長い題名"
    )

    async def to_the_list(pilot):
        await ready(pilot)
        await pilot.press("ctrl+f")
        await pilot.pause()

    assert snap_compare(shown(project), terminal_size=size, run_before=to_the_list)


@SIZES
def test_the_settings(snap_compare, project, size):
    async def to_the_settings(pilot):
        await ready(pilot)
        await pilot.press("ctrl+s", "tab")
        pilot.app.screen.focused.cursor_blink = False
        pilot.app.screen.focused._cursor_visible = True
        await pilot.pause()

    assert snap_compare(shown(project), terminal_size=size, run_before=to_the_settings)
