"""Which model is taught."""

from __future__ import annotations

from dataclasses import dataclass

from tui_tuner.configuration import setting


@dataclass(frozen=True)
class ModelChoice:
    """Which model is taught."""

    name: str = setting(
        "starter",
        "The base model: 'starter', a folder, or a Hugging Face repository such as "
        "mlx-community/Mistral-7B-Instruct-v0.3-4bit.",
        label="base model",
    )
    quantize: str = setting(
        "none",
        "Squeeze a full model into 4 or 8 bits per weight once it is here: a quarter or half of the memory. One that "
        "has fewer bits already stays as it is.",
        choices=("none", "4", "8"),
    )
    trust_remote_code: bool = setting(
        False,
        "Run Python code that comes with this model. Off unless you trust its author with your machine; another base "
        "model switches it off again.",
    )

    @property
    def bits(self) -> int:
        """Bits per weight a full model is to be squeezed into; 0 leaves it as it is."""
        return 0 if self.quantize == "none" else int(self.quantize)
