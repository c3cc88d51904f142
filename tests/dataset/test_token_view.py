"""One example token by token: what is learned, what is only read, what is cut off."""

import json

import pytest
import tiny_model

from tui_tuner.dataset.token_view import show_example
from tui_tuner.models.loading import load_tokenizer
from tui_tuner.training.examples import Encoder

TALK = {
    "messages": [
        {"role": "user", "content": "one  é"},
        {"role": "assistant", "content": "first 日本\nanswer"},
        {"role": "user", "content": "two"},
        {"role": "assistant", "content": "second 🚀"},
    ]
}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return load_tokenizer(tiny_model.make(tmp_path_factory.mktemp("model")))


def shown(tokenizer, row, longest=1000):
    content = row if isinstance(row, bytes) else json.dumps(row).encode()
    encoder = Encoder(tokenizer, max_seq_length=longest, mask_prompt=True)
    return show_example(encoder, tokenizer, (3, content), part="train", number=2, max_seq_length=longest)


def text(segment):
    return "".join(piece.text for piece in segment.pieces)


def test_every_answer_is_learned_turn_by_turn_and_nothing_is_lost(tokenizer):
    example = shown(tokenizer, TALK)
    assert [segment.kind for segment in example.segments] == ["read", "learned", "read", "learned"]
    assert text(example.segments[0]) == "<|im_start|>user\none  é<|im_end|>\n<|im_start|>assistant\n"
    assert text(example.segments[1]) == "first 日本\nanswer<|im_end|>\n"
    assert text(example.segments[3]) == "second 🚀<|im_end|>\n"
    assert sum(segment.tokens for segment in example.segments) == example.tokens
    assert sum(segment.tokens for segment in example.segments if segment.kind == "learned") == example.learned
    assert (example.number, example.line, example.refused) == (2, 3, "")


def test_the_models_marks_are_told_from_text(tokenizer):
    pieces = shown(tokenizer, TALK).segments[0].pieces
    assert [piece.text for piece in pieces if piece.special] == ["<|im_start|>", "<|im_end|>", "<|im_start|>"]


def test_what_does_not_fit_is_shown_as_cut(tokenizer):
    example = shown(tokenizer, TALK, longest=60)
    assert example.segments[-1].kind == "cut"
    assert sum(segment.tokens for segment in example.segments if segment.kind != "cut") == 60
    assert 0 < example.learned <= 60
    assert example.refused == ""


def test_a_question_that_fills_everything_is_shown_with_the_reason(tokenizer):
    example = shown(tokenizer, TALK, longest=16)
    assert "16 tokens" in example.refused
    assert [segment.kind for segment in example.segments] == ["read", "cut"]


def test_a_row_without_tokens_is_shown_as_it_stands_without_what_a_terminal_obeys(tokenizer):
    example = shown(tokenizer, b'{"messages": "\x1b[31mtorn')
    assert example.refused == "not valid JSON"
    assert example.row == '{"messages": "torn'
    assert "\x1b" not in "".join(map(text, shown(tokenizer, {"text": "a\x1b[2Jb"}).segments))


def test_a_very_long_example_is_shown_in_part_but_counted_whole(tokenizer):
    example = shown(tokenizer, {"prompt": "q", "completion": "abc " * 4000}, longest=20_000)
    assert example.tokens > 16_000
    assert 5000 < sum(len(segment.pieces) for segment in example.segments) <= 6000


def test_a_tokenizer_whose_tokens_carry_their_space_keeps_it(tmp_path):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    folder = tiny_model.make(tmp_path / "model")
    vocabulary = {"<unk>": 0, "</s>": 1, "▁one": 2, "▁two": 3, "▁three": 4}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>", "unk_token": "<unk>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    example = shown(load_tokenizer(folder), {"text": "one two three"})
    assert "one two three" in "".join(map(text, example.segments))
