"""The project that is open, held against other processes, and what is remembered for the next start."""

from __future__ import annotations

import contextlib
import dataclasses

from tui_tuner.errors import ProjectError, TunerError
from tui_tuner.language import _
from tui_tuner.project import Project, save_project
from tui_tuner.project_lock import project_lock
from tui_tuner.settings import Settings, save_settings


class Workbench:
    """Holds at most one project. One that another process works on can be looked at, but not written to.

    Args:
        settings: what was remembered from the last time.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.project: Project | None = None
        self.locked_out: TunerError | None = None  # why the open project may only be looked at
        self._lock = contextlib.ExitStack()

    def open(self, project: Project) -> None:
        """Make `project` the open one; `locked_out` says whether it may be written to."""
        self.close()
        self.project = project
        self._take(project)
        self.remember(last_project=str(project.folder))

    def _take(self, project: Project) -> None:
        self.locked_out = None
        try:
            self._lock.enter_context(project_lock(project))
        except TunerError as error:
            self.locked_out = error

    def close(self) -> None:
        """Let other processes have the project."""
        self._lock.close()

    def require_own_project(self) -> Project:
        """The open project, if this process may write to it.

        Raises:
            ProjectError: none is open.
            ProjectLocked: another process works on it.
            StorageError: its folder is not writable.
        """
        if self.project is None:
            raise ProjectError(_("no project is open"), advice=_("Make or open one with ctrl+o."))
        if self.locked_out is not None:
            self._take(self.project)  # whoever had it may have ended since
        if self.locked_out is not None:
            raise self.locked_out
        return self.project

    def change(self, project: Project) -> None:
        """Keep changed choices, in memory and in `tuner.toml`.

        Raises:
            ProjectError: none is open, or another process works on it; nothing has changed.
            StorageError: the file cannot be written; nothing has changed.
        """
        self.require_own_project()
        save_project(project)
        self.project = project

    def remember(self, **changes: str) -> None:
        """Keep something for the next start; a folder that cannot be written is no reason to complain."""
        settings = dataclasses.replace(self.settings, **changes)
        if settings != self.settings:
            self.settings = settings
            with contextlib.suppress(TunerError):
                save_settings(settings)
