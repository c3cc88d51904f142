"""The review as tests open and read it."""

from textual.widgets import Static

from tui_tuner.screens.review import ReviewScreen


async def opened(app, pilot):
    """Press `v` in the Dataset step, and wait until every row is there."""
    await pilot.press("v")
    for _patience in range(6000):
        await pilot.pause(0.005)
        screen = app.screen
        if isinstance(screen, ReviewScreen) and not screen._reading and screen._selection_going is None:
            await pilot.pause()
            return screen
    raise AssertionError("the review did not open")


def text(screen, name):
    return str(screen.query_one(name, Static).render())
