"""The layering at run time; the static half is in pyproject.toml, checked by import-linter."""

import subprocess
import sys
import textwrap

CORE = [
    "tui_tuner.journey",
    "tui_tuner.jobs",
    "tui_tuner.engine",
    "tui_tuner.project",
    "tui_tuner.settings",
    "tui_tuner.figures",
    "tui_tuner.environment.checks",
    "tui_tuner.environment.fixes",
    "tui_tuner.models.catalogue",
    "tui_tuner.models.generation",
    "tui_tuner.teachers.choosing",
    "tui_tuner.teachers.ollama",
    "tui_tuner.teachers.mlx_teacher",
    "tui_tuner.documents.adding",
    "tui_tuner.dataset.make",
    "tui_tuner.training.train",
    "tui_tuner.training.history",
    "tui_tuner.evaluation.compare",
    "tui_tuner.export.fuse",
    "tui_tuner.chat.session",
    "tui_tuner.demo.journey",
]


def modules_after(code: str) -> set[str]:
    program = textwrap.dedent(code) + "\nimport sys; print('\\n'.join(sys.modules))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    return set(ended.stdout.split())


def test_the_core_never_imports_the_terminal():
    loaded = modules_after("import " + ", ".join(CORE))
    assert not {"textual", "tui_tuner.app", "tui_tuner.screens", "tui_tuner.widgets"} & loaded


def test_the_command_and_the_app_start_without_anything_heavy():
    heavy = {"mlx.core", "mlx_lm", "transformers", "httpx", "numpy", "huggingface_hub"}
    assert not heavy & modules_after("from tui_tuner.cli import build_parser; build_parser()")
    assert not (heavy | {"textual"}) & modules_after("from tui_tuner.cli import main; main(['--version'])")
    app = "import tui_tuner.app, tui_tuner.screens.environment, tui_tuner.screens.dataset, tui_tuner.screens.welcome"
    assert not heavy & modules_after(app)
