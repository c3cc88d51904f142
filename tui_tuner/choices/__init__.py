"""What a person chooses at each step: the sections of `tuner.toml`, with defaults that fit.

Names of hyper-parameters are mlx-lm's. The form, `--set`, the file's comments and its error messages are all drawn from
these declarations.
"""

from __future__ import annotations

from tui_tuner.choices.answering import ChatChoice, CompareChoice
from tui_tuner.choices.dataset import OPENING_PHRASES, UNFINISHED_ENDINGS, DatasetChoice
from tui_tuner.choices.export import GGUF_TYPES, OLLAMA_QUANTIZE, UPLOADS, ExportChoice
from tui_tuner.choices.machines import MachinesChoice
from tui_tuner.choices.model import ModelChoice
from tui_tuner.choices.quality import REFUSALS, QualityChoice
from tui_tuner.choices.training import CONSTANT, FINE_TUNE_TYPES, LR_SCHEDULES, OPTIMIZERS, SHORTCUTS, TrainingChoice

__all__ = [
    "CONSTANT",
    "FINE_TUNE_TYPES",
    "GGUF_TYPES",
    "LR_SCHEDULES",
    "OLLAMA_QUANTIZE",
    "OPENING_PHRASES",
    "OPTIMIZERS",
    "REFUSALS",
    "SHORTCUTS",
    "UNFINISHED_ENDINGS",
    "UPLOADS",
    "ChatChoice",
    "CompareChoice",
    "DatasetChoice",
    "ExportChoice",
    "MachinesChoice",
    "ModelChoice",
    "QualityChoice",
    "TrainingChoice",
]
