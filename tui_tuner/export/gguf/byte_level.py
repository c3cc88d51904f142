r"""How a byte-level BPE cuts text into words before it merges, by the name llama.cpp knows that cut under.

`tokenizer.json` says how it cuts: a regular expression, or single digits first. llama.cpp has the same expressions
built in, each under a name; a wrong one is not noticed, it only makes the model worse. The cut is therefore looked up
as it is written, and never guessed.
"""

from __future__ import annotations

import json
from typing import Any

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
LETTERS = r"[^\r\n\p{L}\p{N}]?\p{L}+"
SIGNS_AND_SPACES = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA_3 = rf"{CONTRACTIONS}|{LETTERS}|\p{{N}}{{1,3}}|{SIGNS_AND_SPACES}"
QWEN_2 = rf"{CONTRACTIONS}|{LETTERS}|\p{{N}}|{SIGNS_AND_SPACES}"
UPPER = r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}"
LOWER = r"\p{Ll}\p{Lm}\p{Lo}\p{M}"
CASED = (rf"[^\r\n\p{{L}}\p{{N}}]?[{UPPER}]*[{LOWER}]+", rf"[^\r\n\p{{L}}\p{{N}}]?[{UPPER}]+[{LOWER}]*")
SIGNS_AND_PATHS = r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEKKEN = rf"{CASED[0]}|{CASED[1]}|\p{{N}}|{SIGNS_AND_PATHS}"
GPT_4O = rf"{CASED[0]}{CONTRACTIONS}?|{CASED[1]}{CONTRACTIONS}?|\p{{N}}{{1,3}}|{SIGNS_AND_PATHS}"

# The expression, and whether a word that is a token is taken without merging -> llama.cpp's name.
BY_EXPRESSION = {
    (LLAMA_3, True): "llama-bpe",
    (LLAMA_3, False): "dbrx",
    (QWEN_2, False): "qwen2",
    (TEKKEN, True): "tekken",
    (TEKKEN, False): "tekken",
    (GPT_4O, False): "gpt-4o",
}


def cut_name(tokenizer: dict[str, Any]) -> str | None:
    """The name of the cut of a tokenizer, the content of its `tokenizer.json`; None for one that is not known."""
    steps = _steps(tokenizer.get("pre_tokenizer"))
    whole_words = bool(tokenizer["model"].get("ignore_merges"))
    if not steps or steps[-1].get("type") != "ByteLevel" or steps[-1].get("add_prefix_space"):
        return None
    if not steps[-1].get("use_regex", True):
        expression = _expression(steps[:-1])
        return None if expression is None else BY_EXPRESSION.get((expression, whole_words))
    if whole_words:
        return None
    if not steps[:-1]:
        return "gpt-2"
    return "smollm" if steps[:-1] == [{"type": "Digits", "individual_digits": True}] else None


def _expression(steps: list[dict[str, Any]]) -> str | None:
    """The regular expression of the one step there is."""
    if len(steps) != 1 or steps[0].get("type") != "Split":
        return None
    if steps[0].get("behavior") != "Isolated" or steps[0].get("invert"):
        return None
    pattern = steps[0].get("pattern", {}).get("Regex")
    return pattern if isinstance(pattern, str) else None


def _steps(pre_tokenizer: Any) -> list[dict[str, Any]]:
    if not isinstance(pre_tokenizer, dict):
        return []
    return list(pre_tokenizer["pretokenizers"]) if pre_tokenizer.get("type") == "Sequence" else [pre_tokenizer]


def describe_cut(tokenizer: dict[str, Any]) -> str:
    """The cut as `tokenizer.json` writes it, in one line."""
    return json.dumps(tokenizer.get("pre_tokenizer"), ensure_ascii=False)


def normalizer_is_known(tokenizer: dict[str, Any]) -> bool:
    """Whether llama.cpp sees the same text: it changes none, and composed letters are all that NFC would make."""
    normalizer = tokenizer.get("normalizer")
    return normalizer is None or normalizer == {"type": "NFC"}
