"""An upload to the Hugging Face hub: in a process of its own, which can be ended, and goes on where it was.

The hub keeps every whole file it was sent, also before the upload ends, and is not sent it again. The token is found by
the hub's own library in the usual places (`hf auth login`, `HF_TOKEN`); this program never sees it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from tui_tuner.errors import ExportError, TunerError
from tui_tuner.export.hub_files import HubPlan
from tui_tuner.export.proof_rows import Proof, ProofRow, keep_proof
from tui_tuner.files import storage_errors, write_json
from tui_tuner.language import _
from tui_tuner.models.hub import PACKAGE_ROOT
from tui_tuner.models.hub_failures import LOG_IN, hub_address
from tui_tuner.models.watched_process import run_watched, said_in
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Notice, Pace, StopToken

MEGABYTE = 1_000_000
NO_ROOM = ("storage limit", "storage patterns")  # with these words the hub refuses what is too much, with status 403
CHILD = """
import sys
sys.path = [sys.argv[1], *filter(None, sys.path)]
from tui_tuner.export.hub_upload_process import main
sys.exit(main(sys.argv[2]))
"""


def upload_to_hub(plan: HubPlan, *, emit: Emit, stop: StopToken) -> str:
    """Upload exactly what the plan says, and have the hub list it back; where it is to be seen.

    Raises:
        ExportError: no token, no right, a public repository where a private one was wanted, or the hub fails; says
            which and what to do. What was sent whole is not sent again.
        StorageError: a file cannot be read.
        Stopped: asked to; likewise.
    """
    with storage_errors(tempfile.gettempdir()), tempfile.TemporaryDirectory(prefix="tuner-upload-") as place:
        log, order = Path(place) / "upload.log", Path(place) / "order.json"
        write_json(order, _order(plan, Path(place)))
        watch = _Watch(log, plan.as_event().total, emit)
        run_watched([sys.executable, "-c", CHILD, str(PACKAGE_ROOT), str(order)], log=log, stop=stop, look=watch.look)
        said = said_in(log)
        if "listed" not in said:
            raise _failure(plan, said, log.read_text(errors="replace"))
        watch.end()
    proof = Proof.of(f"Hugging Face {plan.repository}", [_listed(plan, said["listed"])])
    emit(proof)
    if plan.proved is not None:
        keep_proof(plan.proved, proof)
    if not proof.passed:
        raise ExportError(
            _("the hub does not list what was sent: {detail}", detail=proof.detail),
            where=plan.repository,
            advice=_("Upload again: only what is missing is sent."),
        )
    address = hub_address(plan.repository)
    emit(Notice(_("Uploaded: {address}", address=address)))
    return address


def _order(plan: HubPlan, place: Path) -> dict[str, Any]:
    """What the child is told; files that are made for the upload are written for it."""
    files = []
    for number, file in enumerate(plan.files):
        path = file.path
        if path is None:
            path = place / f"made-{number}"
            path.write_bytes(file.content)
        files.append({"name": file.name, "path": str(path)})
    return {"repository": plan.repository, "private": plan.private, "message": plan.message, "files": files}


class _Watch:
    """Turns what the child says into progress."""

    def __init__(self, log: Path, total: int, emit: Emit) -> None:
        self._log, self._emit, self._total = log, emit, total / MEGABYTE
        self._pace: Pace | None = None

    def look(self) -> None:
        said = said_in(self._log)
        if "sent" not in said:
            return
        done = min(said["sent"] / MEGABYTE, self._total)
        if self._pace is None:
            self._pace = Pace(_("Upload"), self._total, "MB", self._emit, done=done)
        else:
            self._pace.reach(done, one_line(str(said.get("at", "")), 60))

    def end(self) -> None:
        if self._pace is not None:
            self._pace.reach(self._total)
            self._pace.finish()


def _listed(plan: HubPlan, listed: dict[str, int]) -> ProofRow:
    """Whether every file is on the hub in its size."""
    missing = [file.name for file in plan.files if listed.get(file.name) != file.size]
    finding = _("{number} files listed there in their sizes", number=len(plan.files))
    lost = _("not there, or of another size: {names}", names=", ".join(missing))
    meaning = _("What people would download is not what was made here.")
    return ProofRow.of(_("files"), not missing, lost if missing else finding, meaning)


def _failure(plan: HubPlan, said: dict[str, Any], log: str) -> TunerError:
    kind, has_token = said.get("failure", ""), bool(said.get("token"))
    login = _(
        "Make a token that may write at {address}, then: {command}",
        address=hub_address("settings/tokens"),
        command=LOG_IN,
    )
    again = _("Upload again: what was sent whole is not sent again.")
    if kind == "public":
        what = _("this repository is public, and a private one was wanted: nothing was sent")
        advice = _("Choose another repository, make it private there, or: --set private=false")
    elif kind == "refused" and any(words in str(said.get("text")).lower() for words in NO_ROOM):
        what = _("the hub has no room left for you")
        advice = _("Delete what you no longer need there. {again}", again=again)
    elif kind in ("missing", "refused", "gated"):
        what = _("your token may not write there") if has_token else _("the hub wants to know who uploads")
        advice = login
    elif kind == "by_choice":
        what, advice = _("HF_HUB_OFFLINE keeps the hub from being asked"), _("Unset it for the upload.")
    elif kind == "offline":
        what, advice = _("{hub} cannot be reached", hub=hub_address()), again
    elif kind == "busy":
        what, advice = _("{hub} is too busy or has a fault", hub=hub_address()), again
    else:
        lines = [line for line in (said.get("text") or log).splitlines() if line.strip() and not line.startswith("{")]
        what, advice = _("the upload failed: {reason}", reason=one_line(lines[-1] if lines else "", 200)), again
    return ExportError(what, where=plan.repository, advice=advice)
