"""The dataset's card on the screen."""

import tiny_project
from textual.widgets import Static

from tui_tuner.app import TunerApp
from tui_tuner.files import write_json
from tui_tuner.screens.card import CardScreen
from tui_tuner.settings import Settings


async def shown(project):
    app = TunerApp(project, Settings(last_step="dataset"))
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.press("c")
            await pilot.pause()
            assert isinstance(app.screen, CardScreen)
            texts = [str(one.render()) for one in app.screen.query("#card Static").results(Static)]
            card = app.screen.query_one("#card")
            await pilot.press("pagedown")
            await pilot.pause()
            moved = card.scroll_offset.y
            await pilot.press("escape")
            await pilot.pause()
            assert not isinstance(app.screen, CardScreen)
    finally:
        app.close()
    return texts, moved


async def test_it_can_be_read_to_its_end_and_nothing_in_it_is_markup(tmp_path):
    project = tiny_project.make(tmp_path)
    prompt = {"teacher": "[b]me[/]", "messages": [{"role": "user", "content": "[red]List[/]\x1b[2J " + "line\n" * 40}]}
    write_json(
        project.data / "report.json",
        {"train": 10, "valid": 2, "sources": {"[bold]mine.csv": 12}, "prompts": {"questions": prompt}, "seed": 7},
    )
    texts, moved = await shown(project)
    assert "[bold]mine.csv" in texts
    assert any(text.startswith("[user]\n[red]List[/]") and "\x1b" not in text for text in texts)
    assert any("never learned from" in text for text in texts)
    assert any("brings it up to date" in text for text in texts)  # the report was not made of these files
    assert moved > 0


async def test_without_a_report_it_says_how_there_will_be_one(tmp_path):
    texts, _moved = await shown(tiny_project.make(tmp_path))
    assert len(texts) == 1 and "tuner data" in texts[0]
