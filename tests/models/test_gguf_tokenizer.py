from __future__ import annotations

import json
from pathlib import Path

import pytest

from tui_tuner.errors import ModelError
from tui_tuner.models.gguf_tokenizer import build_tokenizer, special_tokens, tokenizer_config, write_tokenizer

# Texts with the ids llama.cpp's server gave at /tokenize for the starter's GGUF, special tokens parsed, none added.
KNOWN_IDS = Path(__file__).with_name("llama_cpp_ids.json")


@pytest.fixture
def tokenizer(tiny):
    return build_tokenizer(tiny.metadata())


def pieces(tokenizer, text: str) -> list[str]:
    return tokenizer.encode(text, add_special_tokens=False).tokens


def test_merges_are_applied_in_their_order(tokenizer):
    # h e -> he, l l -> ll, he ll -> hell, hell o -> hello; the space belongs to the word after it.
    assert pieces(tokenizer, "hello world") == ["hello", "Ġw", "o", "r", "l", "d"]
    assert pieces(tokenizer, "hells") == ["hell", "s"]


def test_every_digit_stands_alone_even_where_a_merge_would_join_them(tiny, tokenizer):
    assert "12" in tiny.tokens()
    assert pieces(tokenizer, "a12") == ["a", "1", "2"]
    assert pieces(tokenizer, " 7") == ["Ġ", "7"]


def test_special_tokens_are_matched_whole_and_hidden_when_decoded(tokenizer):
    ids = tokenizer.encode("<|im_start|>he<|im_end|>", add_special_tokens=False).ids
    assert (ids[0], ids[-1]) == (1, 2)
    assert tokenizer.decode(ids) == "he"


@pytest.mark.parametrize("text", ["naïve  café\n\ttab", "你好，世界！", "👩‍👩‍👧 42", "\x00\x7f", "   "])
def test_every_text_comes_back(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False).ids) == text


def test_the_written_files_are_read_back_by_transformers(tiny, tmp_path):
    from transformers import AutoTokenizer

    write_tokenizer(tiny.metadata(), tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert tokenizer.encode("a12 hello") == build_tokenizer(tiny.metadata()).encode("a12 hello").ids
    assert tokenizer.eos_token == "<|im_end|>" and tokenizer.eos_token_id == 2
    said = tokenizer.apply_chat_template(
        [{"role": "user", "content": "hello"}], add_generation_prompt=True, tokenize=False
    )
    assert said == "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n"


def test_the_chat_template_is_inside_the_configuration(tiny):
    config = tokenizer_config(tiny.metadata())
    assert config["chat_template"] == tiny.template
    assert config["pad_token"] == "<|im_end|>"
    assert special_tokens(tiny.metadata())["unk_token"] == "<|endoftext|>"


@pytest.mark.parametrize("change", [{"tokenizer.ggml.pre": "llama-bpe"}, {"tokenizer.ggml.model": "llama"}])
def test_a_cut_nobody_checked_is_refused(tiny, change):
    with pytest.raises(ModelError, match="tokenizer"):
        build_tokenizer({**tiny.metadata(), **change})


@pytest.mark.starter
def test_the_starters_ids_are_llama_cpps(starter):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(starter)
    for text, ids in json.loads(KNOWN_IDS.read_text()):
        assert tokenizer.encode(text, add_special_tokens=False) == ids, text
        assert tokenizer.decode(ids) == text
