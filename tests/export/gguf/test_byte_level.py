import json

import pytest
import tiny_families

from tui_tuner.errors import ExportError
from tui_tuner.export.gguf.byte_level import LLAMA_3, QWEN_2, cut_name
from tui_tuner.export.gguf.write import GgufPlan, contents_of

BYTES = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}


def split(expression, **changed):
    return {"type": "Split", "pattern": {"Regex": expression}, "behavior": "Isolated", "invert": False, **changed}


def tokenizer(*steps, ignore_merges=False):
    return {"model": {"ignore_merges": ignore_merges}, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [*steps]}}


def test_the_cut_is_known_by_its_expression():
    assert cut_name(tokenizer(split(LLAMA_3), BYTES, ignore_merges=True)) == "llama-bpe"
    assert cut_name(tokenizer(split(QWEN_2), BYTES)) == "qwen2"
    assert cut_name({"model": {}, "pre_tokenizer": {**BYTES, "use_regex": True}}) == "gpt-2"


@pytest.mark.parametrize(
    "content",
    [
        tokenizer(split(QWEN_2 + "|x"), BYTES),
        tokenizer(split(QWEN_2), BYTES, ignore_merges=True),
        tokenizer(split(QWEN_2, invert=True), BYTES),
        tokenizer(split(QWEN_2, behavior="Removed"), BYTES),
        tokenizer(split(QWEN_2), split(LLAMA_3), BYTES),
        tokenizer(split(QWEN_2), {**BYTES, "add_prefix_space": True}),
        tokenizer(split(QWEN_2), {**BYTES, "use_regex": True}),
        tokenizer({"type": "Digits", "individual_digits": False}, {**BYTES, "use_regex": True}),
        {"model": {}, "pre_tokenizer": None},
    ],
)
def test_any_other_cut_is_not_guessed(content):
    assert cut_name(content) is None


@pytest.mark.parametrize(
    ("part", "changed"),
    [
        ("pre_tokenizer", {"type": "Whitespace"}),
        ("normalizer", {"type": "Lowercase"}),
    ],
)
def test_a_model_with_such_a_tokenizer_is_refused_and_the_other_way_shown(part, changed, tmp_path):
    folder = tiny_families.make(tmp_path / "model", "qwen3")
    content = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(content | {part: changed}))
    with pytest.raises(ExportError, match="has no name for how this tokenizer cuts text") as caught:
        contents_of(GgufPlan(folder, tmp_path / "out", "f32", "x"))
    assert "convert_hf_to_gguf.py" in caught.value.advice
