"""Several servers as one teacher, say the Macs in a house: they share the work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tui_tuner.errors import TeacherError
from tui_tuner.language import _
from tui_tuner.progress import Emit, Notice, StopToken
from tui_tuner.teachers.server_teacher import ServerTeacher
from tui_tuner.teachers.teacher import OnAnswer, Request, Teacher, close_all
from tui_tuner.teachers.together import answer_together


class ServerTeam:
    """Implements `tui_tuner.teachers.teacher.Teacher` on the servers of its members.

    A server that is away, or that a request fails at, hands its part back to the others and is tried again after a
    while.

    Args:
        members: one teacher for each server, two or more.
    """

    continues = False
    at_once = ServerTeacher.at_once

    def __init__(self, members: Sequence[ServerTeacher[Any]]) -> None:
        self._members = members

    @property
    def name(self) -> str:
        """As a person reads it: "mistral:7b at localhost:11434, mistral:7b at studio:11434"."""
        return ", ".join(member.name for member in self._members)

    def ask(self, requests: Sequence[Request], on_answer: OnAnswer, stop: StopToken) -> None:
        """Answer `requests`, each on the server that has room first.

        Raises:
            Stopped: asked to; takes effect within a second.
        """
        answer_together(requests, [member.lane for member in self._members], on_answer, stop)

    def close(self) -> None:
        """Close every member side by side: one that does not answer any more keeps nobody waiting behind it."""
        with ThreadPoolExecutor(len(self._members)) as side_by_side:
            closings = [side_by_side.submit(member.close) for member in self._members]
        for closing in closings:
            closing.result()


def open_servers(places: Sequence[str], open_one: Callable[[str], ServerTeacher[Any]], emit: Emit) -> Teacher:
    """The teacher on the server at the only place, or on all servers that can be had; all are tried side by side.

    Args:
        places: their addresses, one or more.
        open_one: opens the teacher at an address.
        emit: hears which servers cannot be had.

    Raises:
        TeacherError: not one can be had; it is what the first one failed at.
    """
    with ThreadPoolExecutor(len(places)) as side_by_side:
        openings = [side_by_side.submit(open_one, place) for place in places]
    failures = [error for opening in openings if (error := opening.exception()) is not None]
    members = [opening.result() for opening in openings if opening.exception() is None]
    unexpected = next((error for error in failures if not isinstance(error, TeacherError)), None)
    if unexpected is not None or not members:
        close_all(members)
        raise unexpected or failures[0]
    for failure in failures:
        assert isinstance(failure, TeacherError)
        text = _("{server}: {what}; the others write without it.", server=failure.where, what=failure.what)
        emit(Notice(text, "warning"))
    return members[0] if len(members) == 1 else ServerTeam(members)
