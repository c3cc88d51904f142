"""Talking in the app: one model or two, another answer, other words, other conversations."""

import threading

import pytest
import tuned_model
from teachers.small_ollama import MISTRAL, SmallOllama
from test_app import running_app
from textual.widgets import Collapsible, Input, Markdown, OptionList, Static, TextArea

from tui_tuner.actions import ACTIONS
from tui_tuner.chat.conversation import Conversation, Figures, new_conversation, open_conversation
from tui_tuner.chat.library import list_conversations
from tui_tuner.dataset.plan import IMPORTED
from tui_tuner.models.replies import Reply
from tui_tuner.screens.chat_choosing import ConversationList, ModelList
from tui_tuner.screens.chat_sides import Side
from tui_tuner.screens.question import Question
from tui_tuner.widgets.composer import Composer
from tui_tuner.widgets.spoken import Spoken, Turns

REPLY = Reply("because it is", 3, 20.5, 0.1, "stop", 12)


@pytest.fixture
def project(tmp_path):
    return tuned_model.talker(tmp_path)


def talked(project, *questions) -> Conversation:
    conversation = new_conversation(project)
    for question in questions:
        conversation.ask(question)
        conversation.answer(REPLY, "tuned run-1")
    return conversation


async def until(pilot, condition):
    for _attempt in range(400):
        if condition():
            return
        await pilot.pause(0.05)
    raise AssertionError("it never came to be")


async def ready(app, pilot) -> list[Side]:
    await until(pilot, lambda: app.screen._sides and app.screen._sides[0].model)
    return app.screen._sides


async def ask(app, pilot, text):
    app.screen.query_one(Composer).load_text(text)
    await pilot.press("enter")
    await answered(app, pilot)


async def answered(app, pilot):
    sides = app.screen._sides
    await until(pilot, lambda: not app.board.running("chat"))
    await until(pilot, lambda: all(side.conversation.turns[-1].role == "assistant" for side in sides))
    await until(pilot, lambda: all(worker.is_finished for worker in app.workers if worker.group == "writing"))
    await pilot.pause()


def shown(app, place=0):
    """Who speaks, and what they say, as it is on the screen."""
    spoken = list(app.screen.query(Turns))[place].query(Spoken)
    return [(one._who, one._said) for one in spoken]


def said(app):
    return str(app.screen.query_one("#verdict", Static).content)


async def test_several_turns_and_what_they_take_of_the_context(project):
    async with running_app(project, "chat") as (app, pilot):
        (side,) = await ready(app, pilot)
        await ask(app, pilot, "how do I start")
        await ask(app, pilot, "and then")
        turns = side.conversation.turns
        assert shown(app) == [
            ("you", "how do I start"),
            ("tuned run-1", turns[1].content),
            ("you", "and then"),
            ("tuned run-1", turns[3].content),
        ]
        figures = turns[3].figures
        state = str(app.screen.query_one("#state", Static).content)
        assert f"tuned run-1 · {figures.prompt_tokens + figures.tokens} / 120 tokens" in state
        assert app.screen.query(Markdown).last().source.strip() == turns[3].content.strip()


async def test_another_answer_keeps_the_one_before(project):
    project = project.with_settings("chat", {"temperature": "1.5"})
    async with running_app(project, "chat") as (app, pilot):
        (side,) = await ready(app, pilot)
        await pilot.press("ctrl+r")
        assert "Nothing" in said(app) or not app.board.running("chat")
        await ask(app, pilot, "how do I start")
        first = side.conversation.turns[-1].content
        await pilot.press("ctrl+r")
        await until(pilot, lambda: side.conversation.turns[-1].others)
        await answered(app, pilot)
        second = side.conversation.turns[-1].content
        assert [words for _who, words in shown(app)] == ["how do I start", second]
        await until(pilot, lambda: "answer 2" in str(app.screen.query(".who").last(Static).content))
        await pilot.press("f3")
        assert [words for _who, words in shown(app)] == ["how do I start", first]
        assert open_conversation(side.conversation.path).turns[-1].others[0].content == second


async def test_a_question_in_other_words_goes_on_in_a_copy(project):
    before = talked(project, "one", "two")
    async with running_app(project, "chat") as (app, pilot):
        (side,) = await ready(app, pilot)
        composer = app.screen.query_one(Composer)
        await pilot.press("f2")
        assert composer.text == "two"
        await pilot.press("f2")
        assert composer.text == "one"
        await pilot.press("f2")
        assert "no question before" in said(app)
        await pilot.press("escape")
        assert composer.text == ""
        await pilot.press("f2")
        await ask(app, pilot, "another two")
        assert [words for _who, words in shown(app)][:3] == ["one", "because it is", "another two"]
        assert side.conversation.path != before.path
        assert open_conversation(before.path) == before
        assert len(list_conversations(project)) == 2


async def test_a_second_model_answers_beside_the_first(project):
    talked(project, "one")
    async with running_app(project, "chat") as (app, pilot):
        await ready(app, pilot)
        await pilot.press("f4")
        assert isinstance(app.screen, ModelList)
        await pilot.press("enter")  # the cursor is on the next one
        await until(pilot, lambda: len(list(app.screen.query(Turns))) == 2)
        await ask(app, pilot, "two")
        first, second = app.screen._sides
        assert (first.model.key, second.model.key) == ("tuned", "base")
        assert [who for who, _words in shown(app, 0)] == ["you", "tuned run-1", "you", "tuned run-1"]
        assert [who for who, _words in shown(app, 1)] == ["you", "tuned run-1", "you", "base base"]
        assert first.conversation.path != second.conversation.path
        assert first.conversation.turns[:2] == second.conversation.turns[:2]
        await pilot.press("f4")
        await until(pilot, lambda: len(list(app.screen.query(Turns))) == 1)


async def test_a_full_context_asks_what_to_do(project):
    conversation = talked(project, *("and then and then" for _time in range(6)))
    async with running_app(project, "chat") as (app, pilot):
        (side,) = await ready(app, pilot)
        app.screen.query_one(Composer).load_text("why")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.pause()
        assert not app._notifications  # the question says it all
        await pilot.press("n")
        assert "context holds 120" in said(app)
        assert [words for _who, words in shown(app)][-1] == "why"  # the question is still there
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(app.screen, Question))
        await pilot.press("y")
        await answered(app, pilot)
        assert side.conversation.left_out > 0 and len(side.conversation.turns) == 14
        assert open_conversation(conversation.path).left_out == side.conversation.left_out


async def test_conversations_are_found_named_exported_and_deleted(project):
    talked(project, "about cats")
    dogs = talked(project, "about dogs")
    async with running_app(project, "chat") as (app, pilot):
        (side,) = await ready(app, pilot)
        await pilot.press("ctrl+f")
        listed = app.screen
        assert isinstance(listed, ConversationList)
        await pilot.press("slash", *"dogs", "enter")
        assert listed.query_one(OptionList).option_count == 1
        await pilot.press("t")
        listed.query_one("#title", Input).value = "On [b]dogs[/b]"
        await pilot.press("enter", "x", "X")
        assert open_conversation(dogs.path).title == "On [b]dogs[/b]"
        assert (project.folder / "exports" / f"{dogs.id}.md").read_text().startswith("# On [b]dogs[/b]")
        assert (project.folder / "exports" / f"{dogs.id}.jsonl").read_text().count("\n") == 1
        await pilot.press("d", "n")
        assert dogs.path.exists()
        await pilot.press("d", "y")
        await until(pilot, lambda: not dogs.path.exists())
        await pilot.press("slash")
        listed.query_one("#words", Input).value = ""
        await pilot.pause()
        await pilot.press("enter", "enter")
        await until(pilot, lambda: app.screen is not listed)
        assert [words for _who, words in shown(app)] == ["about cats", "because it is"]
        assert side.conversation.title == "about cats"


async def test_what_is_done_in_the_list_is_done_with_the_conversation_that_is_open(project):
    talked(project, "one")
    async with running_app(project, "chat") as (app, pilot):
        (side,) = await ready(app, pilot)
        await pilot.press("ctrl+f", "t")
        app.screen.query_one("#title", Input).value = "On numbers"
        await pilot.press("enter", "escape")
        await ask(app, pilot, "two")
        assert open_conversation(side.conversation.path).title == "On numbers"
        await pilot.press("ctrl+g", "ctrl+f", "escape")  # a copy has no file until something is asked in it
        assert len(side.conversation.turns) == 4 and len(shown(app)) == 4


async def test_stopped_at_once_the_answer_before_is_there_again(project):
    talked(project, "one")
    async with running_app(project, "chat") as (app, pilot):
        (side,) = await ready(app, pilot)
        holding = threading.Event()

        app.board.engine.submit(holding.wait, 60)
        await pilot.press("ctrl+r")
        assert app.board.running("chat") and [words for _who, words in shown(app)] == ["one", ""]
        await pilot.press("escape")
        holding.set()
        await until(pilot, lambda: not app.board.running("chat"))
        await until(pilot, lambda: [words for _who, words in shown(app)] == ["one", "because it is"])
        assert said(app) == "" and len(side.conversation.turns) == 2


async def test_an_answer_goes_on_while_one_looks_elsewhere(project):
    async with running_app(project, "chat") as (app, pilot):
        (side,) = await ready(app, pilot)
        holding = threading.Event()
        app.board.engine.submit(holding.wait, 60)
        app.screen.query_one(Composer).load_text("how do I start")
        await pilot.press("enter", "ctrl+b")
        await until(pilot, lambda: app.current_step == "export")
        holding.set()
        await until(pilot, lambda: not app.board.running("chat"))
        await pilot.press("6")
        await until(pilot, lambda: app.current_step == "chat")
        await until(pilot, lambda: len(shown(app)) == 2 and shown(app)[1][1] == side.conversation.turns[-1].content)
        assert shown(app)[0] == ("you", "how do I start") and len(side.conversation.turns) == 2


async def test_other_words_replace_the_same_question_on_both_sides(project):
    talked(project, "one", "two")
    async with running_app(project, "chat") as (app, pilot):
        await ready(app, pilot)
        await pilot.press("f4", "enter")
        await until(pilot, lambda: len(list(app.screen.query(Turns))) == 2)
        first, second = app.screen._sides
        second.conversation.ask("three")  # the first was stopped, and the second not asked
        await pilot.press("f2")
        await ask(app, pilot, "another two")
        asked = [[turn.content for turn in side.conversation.turns[::2]] for side in (first, second)]
        assert asked == [["one", "another two"], ["one", "two", "another two"]]


async def test_a_good_conversation_goes_to_the_dataset(project):
    talked(project, "about cats")
    async with running_app(project, "chat") as (app, pilot):
        await ready(app, pilot)
        await pilot.press("f5")
        await until(pilot, lambda: "Added to the dataset" in said(app))
        await pilot.press("f5")
        await until(pilot, lambda: "already" in said(app))
    assert (project.data / IMPORTED).read_text().count("about cats") == 1


async def test_a_model_in_ollama_is_still_chosen_after_a_look_elsewhere(project, monkeypatch):
    with SmallOllama(MISTRAL) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.place)
        async with running_app(project, "chat") as (app, pilot):
            (side,) = await ready(app, pilot)
            await until(pilot, lambda: len(app.screen._models) == 3)
            await pilot.press("ctrl+t", "end", "enter")
            assert side.model.known_as == "ollama:mistral:7b"
            await ask(app, pilot, "how do I start")
            before = app.screen._models
            await pilot.press("ctrl+b")
            await until(pilot, lambda: app.current_step == "export")
            await pilot.press("6")
            await until(pilot, lambda: app.current_step == "chat" and app.screen._models is not before)
            assert side.model.known_as == "ollama:mistral:7b" and side.tokens


def test_the_keys_of_the_chat_leave_those_of_the_text_one_types_alone():
    taken = {key for action in ACTIONS if action.works_while_typing for key in action.key.split(",")}
    typing = {key for one in TextArea.BINDINGS for key in one.key.split(",")}
    assert "f2" in taken and "ctrl+z" in typing and not taken & typing


async def test_thoughts_are_folded_away(project):
    conversation = new_conversation(project)
    conversation.ask("why")
    conversation.answer(Reply("<think>let me see</think>\n\nSo.", 3, 20.5, 0.1, "stop", 12), "tuned run-1")
    async with running_app(project, "chat") as (app, pilot):
        await ready(app, pilot)
        folded = app.screen.query_one(Collapsible)
        assert folded.collapsed and folded.has_class("-some") and folded.title == "thought for 3 words"
        assert shown(app)[-1] == ("tuned run-1", "So.")
        fresh = Spoken("x", None, user=False)
        await app.screen.query_one(Turns).mount(fresh)
        for piece in ("<th", "ink>well", " then</thi", "nk>\n\n**Yes", "**"):
            fresh.write(piece)
        await until(pilot, lambda: not fresh._draws)
        assert (fresh._thoughts, fresh._said) == ("well then", "**Yes**")
        assert fresh.query_one(Markdown).source == "**Yes**"


async def test_an_answer_of_garbage_leaves_the_screen_whole(project):
    garbage = "a\x1b[31mred \x07[@click=app.quit]x[/] [/] \u202e`code [link](  **bold\n# \n```python\n" + "x = 1\n" * 40
    table = "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 1000
    async with running_app(project, "chat") as (app, pilot):
        await ready(app, pilot)
        turns = app.screen.query_one(Turns)
        for text in (garbage, table, "\n" * 500 + "end", "a" * 20_000):
            turns.expect("tuned run-1")
            for start in range(0, len(text), 1000):
                turns.write(text[start : start + 1000])
                await pilot.pause()
            await until(pilot, lambda: not app.screen.query(Spoken).last()._draws)
            shown_now = app.export_screenshot()
            assert "\x1b" not in shown_now and "\x07" not in shown_now and "\u202e" not in shown_now
            assert len(app.screen.query("*")) < 1000


async def test_an_answer_that_is_whole_before_there_is_a_place_for_it_is_shown_whole(project):
    async with running_app(project, "chat") as (app, pilot):
        await ready(app, pilot)
        turns = app.screen.query_one(Turns)
        turns.expect("tuned run-1")
        turns.write("because it is")
        turns.end(Figures.of(REPLY), 1)
        await until(pilot, lambda: app.screen.query(Spoken).last()._can_draw)
        await until(pilot, lambda: "20 tok/s" in str(app.screen.query(".who").last(Static).content))
        await until(pilot, lambda: app.screen.query(Markdown).last().source == "because it is")


async def test_settings_are_kept_and_the_keys_of_the_conversation_wait(project):
    async with running_app(project, "chat") as (app, pilot):
        await ready(app, pilot)
        await pilot.press("ctrl+s")
        assert app.screen.shows_settings and not app.screen.works_now("again")
        await pilot.press(*"be kind".replace(" ", "_"))
        await pilot.press("ctrl+s")
        assert app.project.choices.chat.system_prompt == "be_kind"
        assert isinstance(app.focused, Composer) and app.screen.works_now("again")


async def test_what_another_window_wrote_meanwhile_stays(project):
    conversation = talked(project, "how do I start")
    async with running_app(project, "chat") as (app, pilot):
        (side,) = await ready(app, pilot)
        open_conversation(conversation.path).ask("from elsewhere")
        await ask(app, pilot, "from here")
        assert "another window" in said(app)
        assert open_conversation(conversation.path).turns[-1].content == "from elsewhere"
        assert side.conversation.path != conversation.path
        assert open_conversation(side.conversation.path).turns[2].content == "from here"
