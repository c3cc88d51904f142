"""How far each step is, of the project's files and of what runs now together."""

from __future__ import annotations

from tui_tuner.job_board import JobBoard
from tui_tuner.journey import STEPS, standing
from tui_tuner.project import Project
from tui_tuner.widgets.step_bar import StepMark


def step_marks(project: Project | None, board: JobBoard, *, machine_is_ready: bool) -> list[StepMark]:
    """The mark of every step, in order: a job's state comes before what the files say.

    Args:
        project: the open project.
        board: the jobs that run, and how the others ended.
        machine_is_ready: whether the checks of the environment have passed in this session.
    """
    marks = []
    for step in STEPS:
        now = standing(step.key, project)
        ended = board.ended(step.key)
        state, why = now.state, now.why
        if board.running(step.key):
            state, why = "running", step.job
        elif ended and ended.outcome == "failed":
            state, why = "failed", ended.message
        elif step.key == "environment" and machine_is_ready:
            state = "done"
        marks.append(StepMark(step.key, step.number, step.name, state, why))
    return marks
