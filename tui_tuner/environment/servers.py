"""The servers that can write data: Ollama and LM Studio. Neither is needed, each is useful."""

from __future__ import annotations

import shutil
from pathlib import Path

from tui_tuner import figures
from tui_tuner.environment.check import CheckResult, Fix
from tui_tuner.environment.system import on_mac
from tui_tuner.errors import TeacherError, TeacherUnavailable
from tui_tuner.language import _, ngettext
from tui_tuner.teachers.json_server import JsonServer
from tui_tuner.teachers.ollama import OllamaServer
from tui_tuner.teachers.ollama_address import Address
from tui_tuner.teachers.openai_server import LM_STUDIO_PORT
from tui_tuner.teachers.pulling import SUGGESTIONS

PATIENCE = 0.7  # seconds for each of two questions: a server on this machine answers in milliseconds
SUGGESTED_MODEL = SUGGESTIONS[0].name
OLLAMA_APPLICATION = Path("/Applications/Ollama.app")
LM_STUDIO_PLACES = (Path("/Applications/LM Studio.app"), Path.home() / ".lmstudio")
LM_STUDIO = Address(port=LM_STUDIO_PORT)


def ollama_program() -> Path | None:
    """Ollama on this machine: its command, or on a Mac its application."""
    command = shutil.which("ollama")
    if command is not None:
        return Path(command)
    return OLLAMA_APPLICATION if on_mac() and OLLAMA_APPLICATION.exists() else None


def check_ollama(address: Address) -> CheckResult:
    """Ollama: installed, reachable, its version and models."""
    server = OllamaServer(address, patience=PATIENCE)
    try:
        version, models = server.version(), server.models()
    except TeacherError as error:
        return _ollama_silent(address, error)
    finally:
        server.close()
    where = _("{version} at {address}", version=version, address=address)
    if not any(model.can_chat for model in models):
        fix = Fix(f"ollama pull {SUGGESTED_MODEL}", "ollama_model", _("pull a model"))
        finding = where + " · " + _("no model that can write")
        return CheckResult("ollama", "Ollama", "warning", finding, _why_ollama(), fix)
    largest = max(models, key=lambda model: model.size)
    words = [where, ngettext("{number} model", "{number} models", len(models))]
    words.append(_("largest {name} {size}", name=largest.name, size=figures.size(largest.size)))
    return CheckResult("ollama", "Ollama", "ok", " · ".join(words), _why_ollama())


def _why_ollama() -> str:
    return _("Ollama can write the training data with a larger model than the one being tuned.")


def _ollama_silent(address: Address, error: TeacherError) -> CheckResult:
    if not isinstance(error, TeacherUnavailable):  # someone answers, but not as Ollama does
        return CheckResult("ollama", "Ollama", "warning", f"{address}: {error.what}", error.advice or _why_ollama())
    if not address.loopback:
        finding = _("does not answer at {address}", address=address)
        return CheckResult("ollama", "Ollama", "warning", finding, error.advice or _why_ollama())
    if ollama_program() is None:
        finding = _("not installed (only needed if you want to use it)")
        return CheckResult("ollama", "Ollama", "missing", finding, _why_ollama(), _install_ollama())
    finding = _("installed, but not running at {address}", address=address)
    command = "open -a Ollama" if on_mac() and OLLAMA_APPLICATION.exists() else "ollama serve"
    return CheckResult("ollama", "Ollama", "warning", finding, _why_ollama(), Fix(command, "ollama", _("start Ollama")))


def _install_ollama() -> Fix:
    command = "brew install ollama" if on_mac() else "curl -fsSL https://ollama.com/install.sh | sh"
    return Fix(command, None, _("install Ollama"))


def check_lm_studio(address: Address = LM_STUDIO) -> CheckResult:
    """LM Studio: reachable, and how many models it lists (loaded or not)."""
    name, why = "LM Studio", _("LM Studio runs MLX models as they are: a fused model can be tried there.")
    server = JsonServer(name, address, patience=PATIENCE)
    try:
        listed = server.ask("GET", "/v1/models").get("data")
    except TeacherUnavailable:
        installed = any(place.exists() for place in LM_STUDIO_PLACES)
        if installed:
            fix = Fix("lms server start", None, _("start its server"))
            finding = _("not running (only needed if you want to use it)")
            return CheckResult("lm_studio", name, "missing", finding, why, fix)
        finding = _("not found (only needed if you want to use it)")
        return CheckResult("lm_studio", name, "missing", finding, why)
    except TeacherError as error:
        return CheckResult("lm_studio", name, "warning", f"{address}: {error.what}", why)
    finally:
        server.close()
    if not isinstance(listed, list):
        finding = _("something else listens at {address}", address=address)
        return CheckResult("lm_studio", name, "missing", finding, why)
    models = ngettext("{number} model", "{number} models", len(listed))
    return CheckResult("lm_studio", name, "ok", _("at {address}", address=address) + f" · {models}", why)
