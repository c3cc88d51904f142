"""A short list of base models to begin with, from the smallest to the largest that a personal machine can teach."""

from __future__ import annotations

from dataclasses import dataclass

from tui_tuner.language import _
from tui_tuner.models.catalogue import STARTER

GUIDE_MODEL = "mlx-community/Mistral-7B-Instruct-v0.3-4bit"


@dataclass(frozen=True)
class Recommendation:
    """A model worth to begin with.

    Attributes:
        name: as the base model is named.
        parameters: how many numbers it has, from its makers' documentation; its size follows from them, about.
        why: what it is good for, in a few words.
        licence: in a word or two.
        bits: per number, with its part of the scales.
    """

    name: str
    parameters: float
    why: str
    licence: str
    bits: float = 4.5

    @property
    def weights(self) -> int:
        """Bytes of its weights, about."""
        return int(self.parameters * self.bits / 8)


RECOMMENDED = (
    Recommendation(STARTER, 0.135e9, _("learns a style in minutes, knows little"), "Apache-2.0", bits=32),
    Recommendation("mlx-community/Qwen2.5-0.5B-Instruct-4bit", 0.494e9, _("small, many languages"), "Apache-2.0"),
    Recommendation("mlx-community/Llama-3.2-1B-Instruct-4bit", 1.24e9, _("small and quick"), "Llama 3.2"),
    Recommendation("mlx-community/Llama-3.2-3B-Instruct-4bit", 3.21e9, _("good answers on 8 GB"), "Llama 3.2"),
    Recommendation(GUIDE_MODEL, 7.25e9, _("the guide's model"), "Apache-2.0"),
    Recommendation("mlx-community/Qwen2.5-7B-Instruct-4bit", 7.62e9, _("many languages, code"), "Apache-2.0"),
    Recommendation("mlx-community/Qwen2.5-14B-Instruct-4bit", 14.8e9, _("better, slower"), "Apache-2.0"),
    Recommendation("mlx-community/Mistral-Small-24B-Instruct-2501-4bit", 23.6e9, _("much better"), "Apache-2.0"),
    Recommendation("mlx-community/Qwen2.5-32B-Instruct-4bit", 32.8e9, _("as good as it gets here"), "Apache-2.0"),
)
