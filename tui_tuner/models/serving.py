"""mlx-lm's own server, with the one model it was started with, whatever name the other program gives it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

THE_ONE = "default_model"  # what mlx-lm's server itself calls the model it was started with


def serve(arguments: Sequence[str]) -> None:
    """Serve until a signal ends the process.

    Programs send a name of their own with every question, or one that `/v1/models` lists. mlx-lm would fetch a model of
    that name, and leave the adapter off where it is the base model's folder.

    Args:
        arguments: of `mlx_lm.server`.
    """
    from tui_tuner.models.blas import load_fast_blas

    load_fast_blas()
    from huggingface_hub.constants import HF_HUB_CACHE
    from mlx_lm import server

    provider: Any = server.ModelProvider

    class OneModel(provider):  # type: ignore[misc]
        def load(self, *_asked_for: object) -> Any:
            return super().load(THE_ONE, None, THE_ONE)

    Path(HF_HUB_CACHE).mkdir(parents=True, exist_ok=True)  # /v1/models looks into it and fails where there is none
    server.ModelProvider = OneModel
    for number in (signal.SIGINT, signal.SIGTERM):
        # Its thread is inside MLX: an exit in good order would end in "terminate called without an active exception".
        signal.signal(number, lambda *_details: os._exit(0))
    sys.argv = ["mlx_lm.server", *arguments]
    server.main()
