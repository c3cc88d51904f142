"""A tiny model of each family that can be written as GGUF: mlx-lm's modules, random weights, its kind of tokenizer.

Norms and biases are random too, so that a forgotten one is noticed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from tui_tuner.export.gguf import byte_level

CORPUS = [
    "The quick brown fox jumps over the lazy dog, and the dog sleeps. I've told you, haven't I? They'll see, we're on",
    "What is the capital of France? The capital of France is Paris; 1234567 people, 3.14 or 42. don't you'd PARIS",
    "def sort(names):\n    return sorted(names)\n\n\n# naïve café Ünïcödé\n\tfor name in names:\n        print(name)",
    "Grüße aus München, привет мир, 你好世界,世界你好, cafe au lait, ...!!! <html>the end</html> of the sea",
] * 3
CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
LLAMA_CHAT = (
    "{{ bos_token }}{% for message in messages %}{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' "
    "+ message['content'] + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
MISTRAL_CHAT = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + "
    "' [/INST]' }}{% else %}{{ ' ' + message['content'] + eos_token }}{% endif %}{% endfor %}"
)
GEMMA_CHAT = (
    "{{ bos_token }}{% for message in messages %}{{ '<start_of_turn>' + message['role'] + '\n' + message['content'] "
    "+ '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
PHI_CHAT = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] + '<|end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
SIZES: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "max_position_embeddings": 2048,
}
LLAMA_3_ROPE = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 256,
}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 512}
LONGROPE = {
    "type": "longrope",
    "long_factor": [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0, 8.0],
    "short_factor": [1.0] * 8,
}
GEMMA = {**SIZES, "num_hidden_layers": 7, "head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 8}
# name -> (tokenizer, configuration)
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("llama-bpe", {**SIZES, "model_type": "llama", "rope_scaling": LLAMA_3_ROPE}),
    "llama-linear": (
        "gpt-2",
        {
            **SIZES,
            "model_type": "llama",
            "rope_scaling": {"type": "linear", "factor": 2.0},
            "attention_bias": True,
            "tie_word_embeddings": False,
        },
    ),
    "smollm": ("smollm", {**SIZES, "model_type": "llama"}),
    "smollm3": ("llama-bpe", {**SIZES, "num_hidden_layers": 5, "model_type": "smollm3"}),
    "mistral": ("mistral", {**SIZES, "model_type": "mistral", "head_dim": 32, "tie_word_embeddings": False}),
    "mistral-nemo": ("tekken", {**SIZES, "model_type": "mistral", "head_dim": 32, "tie_word_embeddings": False}),
    "qwen2": ("qwen2", {**SIZES, "model_type": "qwen2"}),
    "qwen2-yarn": ("qwen2", {**SIZES, "model_type": "qwen2", "rope_scaling": YARN}),
    "qwen3": ("qwen2", {**SIZES, "model_type": "qwen3", "head_dim": 32, "tie_word_embeddings": True}),
    "gemma3": ("gemma", {**GEMMA, "model_type": "gemma3_text"}),
    "gemma3-sees": ("gemma", {"model_type": "gemma3", "text_config": {**GEMMA, "model_type": "gemma3_text"}}),
    "phi3": ("phi3", {**SIZES, "model_type": "phi3"}),
    "phi3-long": (
        "phi3",
        {**SIZES, "model_type": "phi3", "rope_scaling": LONGROPE, "original_max_position_embeddings": 512},
    ),
    "phi4-mini": ("gpt-4o", {**SIZES, "model_type": "phi3", "partial_rotary_factor": 0.5, "tie_word_embeddings": True}),
}
EXPRESSIONS = {
    "llama-bpe": byte_level.LLAMA_3,
    "qwen2": byte_level.QWEN_2,
    "tekken": byte_level.TEKKEN,
    "gpt-4o": byte_level.GPT_4O,
}
CHATML_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
# tokenizer -> (its special tokens, bos, eos, chat template)
CHATS: dict[str, tuple[tuple[str, ...], str | None, str, str]] = {
    "llama-bpe": (
        ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"),
        "<|begin_of_text|>",
        "<|end_of_text|>",
        LLAMA_CHAT,
    ),
    "gpt-2": (CHATML_TOKENS, "<|im_start|>", "<|im_end|>", CHATML),
    "smollm": (CHATML_TOKENS, "<|im_start|>", "<|im_end|>", CHATML),
    "qwen2": (CHATML_TOKENS, None, "<|im_end|>", CHATML),
    "tekken": (("<unk>", "<s>", "</s>", "[INST]", "[/INST]"), "<s>", "</s>", MISTRAL_CHAT.replace(" '", "'")),
    "gpt-4o": (
        ("<|endoftext|>", "<|user|>", "<|assistant|>", "<|system|>", "<|end|>"),
        "<|endoftext|>",
        "<|endoftext|>",
        PHI_CHAT.replace("|>\n", "|>"),
    ),
    "mistral": (("<unk>", "<s>", "</s>", "[INST]", "[/INST]"), "<s>", "</s>", MISTRAL_CHAT),
    "gemma": (("<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"), "<bos>", "<eos>", GEMMA_CHAT),
    "phi3": (
        ("<unk>", "<s>", "</s>", "<|endoftext|>", "<|assistant|>", "<|system|>", "<|end|>", "<|user|>"),
        "<s>",
        "<|endoftext|>",
        PHI_CHAT,
    ),
}
SENTENCE_PIECE = ("mistral", "gemma", "phi3")


def make(folder: Path, kind: str, *, seed: int = 0, dtype: str = "float32", spare: int = 3) -> Path:
    """Write a model folder and return it; `spare` places of the embedding have no token, as Qwen's."""
    import mlx.core as mx
    from mlx.utils import tree_flatten, tree_map_with_path
    from mlx_lm.utils import _get_classes

    folder.mkdir(parents=True)
    tokenizer_kind, config = KINDS[kind]
    ends = write_tokenizer(folder, tokenizer_kind)
    size = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab_size() + spare
    config = json.loads(json.dumps(config)) | {"vocab_size": size, "eos_token_id": ends}
    if "text_config" in config:
        config["text_config"]["vocab_size"] = size
    (folder / "config.json").write_text(json.dumps(config))
    module, arguments = _get_classes(config)
    model = module(arguments.from_dict(json.loads(json.dumps(config))))
    text = model.get("language_model", model)
    if config["model_type"].startswith("gemma3"):
        text.pop("lm_head", None)
    mx.random.seed(seed)

    def random(name: str, weight: mx.array) -> mx.array:
        if weight.ndim < 2:
            middle = 0.0 if name.endswith("bias") or config["model_type"].startswith("gemma3") else 1.0
            return middle + 0.3 * mx.random.normal(weight.shape)
        return mx.random.normal(weight.shape) * 1.5 * weight.shape[-1] ** -0.5

    weights = tree_map_with_path(random, model.parameters())
    stored = {name: weight.astype(getattr(mx, dtype)) for name, weight in tree_flatten(weights)}
    mx.save_safetensors(str(folder / "model.safetensors"), stored, {"format": "mlx"})
    return folder


def write_tokenizer(folder: Path, kind: str) -> list[int]:
    """Write the tokenizer's files; return the ids that end an answer."""
    special, bos, eos, template = CHATS[kind]
    tokenizer = _sentence_piece(kind, special) if kind in SENTENCE_PIECE else _byte_level(kind, special)
    if kind in ("llama-bpe", "tekken", "mistral", "gemma"):
        number = tokenizer.token_to_id(bos)
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, number)]
        )
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "clean_up_tokenization_spaces": False,
        "model_max_length": 2048,
        "eos_token": eos,
        "chat_template": template,
    }
    if bos:
        config["bos_token"] = bos
    if "<unk>" in special:
        config["unk_token"] = "<unk>"
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    turns = {"<|eot_id|>", "<end_of_turn>", "<|end|>", eos}
    return sorted(tokenizer.token_to_id(token) for token in turns if token in special)


def _byte_level(kind: str, special: tuple[str, ...]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(ignore_merges=kind in ("llama-bpe", "tekken")))
    first = {"smollm": [pre_tokenizers.Digits(individual_digits=True)], "gpt-2": []}
    if kind in EXPRESSIONS:
        first[kind] = [pre_tokenizers.Split(Regex(EXPRESSIONS[kind]), "isolated")]
    last = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=kind not in EXPRESSIONS)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([*first[kind], last])
    if kind == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=500, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_special_tokens(list(special))
    tokenizer.add_tokens([AddedToken("<think>", normalized=False)])
    return tokenizer


def _sentence_piece(kind: str, special: tuple[str, ...]) -> Tokenizer:
    """Pieces in the order of their scores, and every pair of two pieces that makes a third one."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    trained.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=400, show_progress=False))
    pieces = sorted(trained.get_vocab(), key=lambda piece: trained.get_vocab()[piece])
    longer, letters = [piece for piece in pieces if len(piece) > 1], [piece for piece in pieces if len(piece) == 1]
    order = [*special, *(f"<0x{number:02X}>" for number in range(256)), *longer, *letters]
    vocabulary = {piece: number for number, piece in enumerate(order)}
    merges = [
        (piece[:place], piece[place:])
        for piece in longer
        for place in range(1, len(piece))
        if piece[:place] in vocabulary and piece[place:] in vocabulary
    ]
    kind_of_model = models.BPE(vocab=vocabulary, merges=merges, byte_fallback=True, fuse_unk=True, unk_token="<unk>")
    tokenizer = Tokenizer(kind_of_model)
    replace = normalizers.Replace(" ", "▁")
    if kind == "mistral":
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    elif kind == "gemma":
        tokenizer.normalizer = replace
        tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    else:
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), replace])
    strip = [decoders.Strip(" ", 1, 0)] if kind != "gemma" else []
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *strip]
    )
    # Phi-3's tokens swallow the space and the line after them.
    swallows = ("<|assistant|>", "<|system|>", "<|end|>", "<|user|>") if kind == "phi3" else ()
    tokenizer.add_special_tokens([AddedToken(token, rstrip=token in swallows, normalized=False) for token in special])
    if kind == "gemma":
        tokenizer.add_tokens([AddedToken("▁▁▁", normalized=True), AddedToken("\n\n", normalized=True)])
    return tokenizer
