"""The fused model as exports find it: whole, proved, and theirs to hand on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner.errors import ExportError
from tui_tuner.export.proof_rows import kept_proofs
from tui_tuner.files import storage_errors
from tui_tuner.language import _
from tui_tuner.models.model_files import QUANTIZATION_KEYS
from tui_tuner.project import Project

# What other programs read of a fused model. Its story (`tuner.json`, the card) is not among it.
PARTS = (
    *("model*.safetensors", "model.safetensors.index.json", "config.json", "generation_config.json"),
    *("tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab.*", "merges.txt", "*.tiktoken"),
    *("spiece.model", "sentencepiece*.model", "chat_template*", "additional_chat_templates/*.jinja", "*.py"),
    *("LICENSE*", "NOTICE*"),
)


@dataclass(frozen=True)
class FusedFolder:
    """A fused model on the disk.

    Attributes:
        path: its folder.
        config: its `config.json`.
        parts: the files other programs read, by their paths inside the folder.
    """

    path: Path
    config: dict[str, Any]
    parts: tuple[str, ...]

    @property
    def architecture(self) -> str:
        """The model's class as Hugging Face names it, such as `LlamaForCausalLM`."""
        names = self.config.get("architectures")
        return str(names[0]) if isinstance(names, list) and names else ""

    @property
    def quantized(self) -> bool:
        """Whether its weights are in MLX's own few bits, which other programs cannot read."""
        return any(key in self.config for key in QUANTIZATION_KEYS)

    @property
    def size(self) -> int:
        """Bytes of its parts."""
        with storage_errors(self.path):
            return sum((self.path / name).stat().st_size for name in self.parts)


def fused_folder(project: Project) -> FusedFolder:
    """The project's fused model.

    Raises:
        ExportError: there is none yet, or what is there was not proved.
    """
    path = project.fused_model
    advice = _("Make it in the Export step, or with: tuner fuse")
    if not (path / "config.json").is_file():
        raise ExportError(_("there is no fused model yet"), where=str(path), advice=advice)
    if not any(proof.passed for proof in kept_proofs(path)):
        raise ExportError(_("nothing proves that this is the model that was trained"), where=str(path), advice=advice)
    with storage_errors(path):
        try:
            config = json.loads((path / "config.json").read_bytes())
        except ValueError as error:
            raise ExportError(_("its config.json is damaged"), where=str(path), advice=advice) from error
        found = {file for pattern in PARTS for file in path.glob(pattern) if file.is_file()}
    return FusedFolder(path, config, tuple(sorted(str(file.relative_to(path)) for file in found)))
