"""Where the fused model goes."""

from __future__ import annotations

from dataclasses import dataclass

from tui_tuner.configuration import setting

OLLAMA, HUB = "Ollama", "Hugging Face"
LM_STUDIO = ("folder", "gguf")
UPLOADS = ("fused", "adapter", "gguf")
GGUF_TYPES = ("q8_0", "f16", "bf16", "f32")
OLLAMA_QUANTIZE = ("none", "q8_0", "q4_K_M", "q4_K_S")


@dataclass(frozen=True)
class ExportChoice:
    """Where the fused model goes, and to whom it is handed on."""

    name: str = setting("", "Name of the fused model and its folder; empty takes the project's name.")
    save_path: str = setting(
        "", "Folder the fused model's folder goes into; empty means models/ in the project.", label="save in"
    )
    dequantize: bool = setting(
        True, "Write a quantized base in full precision: squeezing it again loses most of a small tuning."
    )
    quantize: str = setting(
        "none",
        "Squeeze the fused model into 4 or 8 bits per weight afterwards. How much of the tuning that undoes is "
        "measured; where it is more than a quarter, nothing is kept.",
        choices=("none", "4", "8"),
    )

    gguf_type: str = setting(
        "q8_0",
        "How a GGUF file stores the weights: q8_0 takes half of f16 and is near it; models mostly come in f16 or bf16; "
        "f32 is exact.",
        choices=GGUF_TYPES,
        label="GGUF type",
    )
    lm_studio: str = setting(
        "folder",
        "What LM Studio gets: the fused model's folder, which it runs on a Mac, or the GGUF file of the type above, "
        "which it runs everywhere.",
        choices=LM_STUDIO,
        label="LM Studio gets",
    )
    ollama_name: str = setting(
        "", "What the model is called in Ollama; empty takes the fused model's name.", group=OLLAMA, label="name"
    )
    ollama_quantize: str = setting(
        "none",
        "How Ollama squeezes it: q8_0 is near the full model, the others take about half of that and lose more. "
        "How far its answers then are from those of the full model is measured.",
        choices=OLLAMA_QUANTIZE,
        group=OLLAMA,
        label="quantize",
    )
    ollama_parameters: tuple[str, ...] = setting(
        (),
        "What Ollama is to use unless told otherwise, such as temperature=0.2; num_ctx=4096. Where an answer ends it "
        "is told in any case.",
        group=OLLAMA,
        label="parameters",
    )
    ollama_url: str = setting(
        "", "Where Ollama listens; empty means OLLAMA_HOST or this machine.", group=OLLAMA, label="server address"
    )

    repository: str = setting(
        "", "Where it would be uploaded to, such as YOUR-NAME/my-model. Nothing is uploaded by naming it.", group=HUB
    )
    upload: str = setting(
        "fused",
        "What would be uploaded: the fused model, the adapter alone, or the GGUF files.",
        choices=UPLOADS,
        group=HUB,
    )
    private: bool = setting(True, "Only you see the repository; a public one is never taken for it.", group=HUB)

    @property
    def bits(self) -> int:
        """Bits per weight the fused model is to be squeezed into; 0 leaves it in full precision."""
        return 0 if self.quantize == "none" else int(self.quantize)
