"""What the app opens with: the project that was named, the one of this folder, the last one, or the welcome."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tui_tuner.app import TunerApp
from tui_tuner.errors import TunerError
from tui_tuner.project import Project, holds_project, open_project
from tui_tuner.settings import Settings, load_settings


def run_app(folder: Path | None) -> int:
    """Open the app on `folder`, on the current folder if it is a project, on the last project, or on the welcome.

    Returns:
        The exit code.

    Raises:
        ProjectError: `folder` was named and holds no project.
        ConfigurationError: `folder` was named and its `tuner.toml` has a mistake.
    """
    settings, greeting, project = Settings(), "", None
    try:
        settings = load_settings()
    except TunerError as error:
        greeting = str(error)
    if folder is not None:
        project = open_project(folder)
    elif holds_project(Path.cwd()):
        project = open_project(Path.cwd())
    elif settings.last_project:
        last = Path(settings.last_project)
        try:
            project = open_project(last) if holds_project(last) else None
        except TunerError as error:
            greeting = str(error)
    return _run(TunerApp(project, settings, greeting=greeting))


def watch_in_app(project: Project, run: str) -> int:
    """Run the app on the Train step of `project`, with a run on the screen; which step is opened next is not changed.

    Returns:
        The exit code.
    """
    try:
        settings = load_settings()
    except TunerError:
        settings = Settings()
    return _run(TunerApp(project, dataclasses.replace(settings, last_step="train"), watched_run=run))


def _run(app: TunerApp) -> int:
    try:
        return app.run() or 0
    finally:
        app.close()
