from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["events", "history", "plan", "runs", "train"])
def test_views_and_plans_do_not_load_mlx(module):
    """`train` is imported before its thread has loaded a fast BLAS, which must come before MLX."""
    code = f"import sys, tui_tuner.training.{module}; print([m for m in ('mlx.core', 'mlx_lm') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
