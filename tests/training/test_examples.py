from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import numpy
import pytest
import tiny_model

from tui_tuner.errors import DatasetError, Stopped
from tui_tuner.models.loading import load_model
from tui_tuner.progress import StopToken, ignore_event
from tui_tuner.training.examples import Encoder, UnusableRow, read_examples
from tui_tuner.training.row_notices import lines_in_words, notices

THREE_TURNS = {
    "messages": [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "first answer"},
        {"role": "user", "content": "two"},
        {"role": "assistant", "content": "second answer"},
        {"role": "user", "content": "three"},
        {"role": "assistant", "content": "third answer"},
    ]
}


def encode(tokenizer, row, *, longest=1000, mask=True):
    return Encoder(tokenizer, max_seq_length=longest, mask_prompt=mask).encode(1, json.dumps(row).encode())


def learned_text(tokenizer, example) -> str:
    return tokenizer.decode(example.tokens[example.learned].tolist())


def test_every_answer_is_learned_and_nothing_else(tokenizer):
    example = encode(tokenizer, THREE_TURNS)

    answers = ["first answer", "second answer", "third answer"]
    assert learned_text(tokenizer, example) == "".join(f"{answer}<|im_end|>\n" for answer in answers)
    assert example.answers_missed == 0


@pytest.mark.parametrize("mask", [True, False])
@pytest.mark.parametrize(
    "row",
    [
        {"messages": THREE_TURNS["messages"][1:3]},
        {"prompt": "how?", "completion": "so"},
        {"text": "a line to go on with"},
    ],
)
def test_tokens_and_last_answer_are_those_of_mlx_lm(tokenizer, row, mask):
    from mlx_lm.tuner.datasets import create_dataset

    theirs = create_dataset([row], tokenizer, SimpleNamespace(mask_prompt=mask and "text" not in row))
    tokens, offset = theirs.process(row)
    example = encode(tokenizer, row, mask=mask)

    assert example.tokens.tolist() == list(tokens)
    expected = [place >= max(offset, 1) for place in range(len(tokens))]
    assert example.learned.tolist() == expected


def test_a_long_row_is_cut_and_said(tokenizer, tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps({"prompt": "q", "completion": "x" * 500}) + "\n")
    examples = read_examples(path, tokenizer, max_seq_length=64, mask_prompt=True, emit=ignore_event, stop=StopToken())

    assert [example.length for example in examples.usable] == [64]
    assert examples.usable[0].cut
    assert [notice.text for notice in notices(examples, 64)] == ["train.jsonl: line 1 cut to 64 tokens"]


def test_unusable_rows_are_refused_with_their_line_and_reason(tokenizer, tmp_path):
    path = tmp_path / "train.jsonl"
    good = json.dumps({"prompt": "q", "completion": "a"}).encode()
    bad = {
        2: (json.dumps({"prompt": "x" * 200, "completion": "a"}).encode(), "the question alone fills all 64 tokens"),
        4: (b'{"prompt": "torn', "not valid JSON"),
        5: (b'{"prompt": "\xff", "completion": "a"}', "not UTF-8 text"),
        6: (b"[1, 2]", "not a JSON object"),
        7: (b'{"question": "a"}', "neither messages"),
        8: (b'{"messages": [{"role": "user", "content": "q"}]}', "no answer"),
        9: (b'{"messages": ["hello"]}', "not a list of turns"),
        10: (b'{"messages": []}', "not a list of turns"),
        11: (b'{"messages": [{"role": "assistant", "content": 7}]}', "chat template refuses"),
        12: (b'{"text": ""}', "empty"),
        13: (b"[" * 100_000, "not valid JSON"),
    }
    path.write_bytes(b"\n".join(bad.get(line, (good,))[0] if line != 3 else b"   " for line in range(1, 15)))
    examples = read_examples(path, tokenizer, max_seq_length=64, mask_prompt=True, emit=ignore_event, stop=StopToken())

    assert [example.line for example in examples.usable] == [1, 14]
    assert {refused.line: refused.reason for refused in examples.refused}.keys() == bad.keys()
    for refused in examples.refused:
        assert bad[refused.line][1] in refused.reason
    texts = [notice.text for notice in notices(examples, 64)]
    assert "train.jsonl: lines 4, 13 not used: not valid JSON" in texts
    assert all(notice.level == "warning" for notice in notices(examples, 64))


def test_a_million_characters_are_one_row(tokenizer):
    example = encode(tokenizer, {"prompt": "q", "completion": "abcde " * 170_000}, longest=2048)
    assert example.length == 2048
    assert example.cut


@pytest.fixture(scope="module")
def with_template(tmp_path_factory):
    def make(template):
        return load_model(tiny_model.make(tmp_path_factory.mktemp("model"), template=template)).tokenizer

    return make


THINKING = (  # as Qwen3's: only the last answer keeps its (empty) thoughts
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['role'] == 'assistant' and loop.last %}<think></think>{% endif %}"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
OPENING = (  # as DeepSeek-R1's: the generation prompt opens a thought that written answers do not have
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
)
MOVING = (  # as Mistral's: the system text stands in the last question
    "{% for message in messages %}{% if message['role'] != 'system' %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['role'] == 'user' and loop.index0 >= messages | length - 2 %}"
    "{{ messages[0]['content'] }}\n{% endif %}"
    "{{ message['content'] }}<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def test_answers_are_found_where_earlier_turns_are_rendered_differently(with_template):
    tokenizer = with_template(THINKING)
    example = encode(tokenizer, THREE_TURNS)

    expected = "first answer<|im_end|>second answer<|im_end|><think></think>third answer<|im_end|>\n"
    assert learned_text(tokenizer, example) == expected


def test_answers_are_found_behind_a_generation_prompt_they_do_not_have(with_template):
    tokenizer = with_template(OPENING)
    example = encode(tokenizer, THREE_TURNS)

    assert learned_text(tokenizer, example).startswith("first answer<|im_end|>\nsecond answer<|im_end|>\nthird")


def test_an_answer_that_cannot_be_found_is_not_guessed(with_template, tmp_path):
    tokenizer = with_template(MOVING)
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps(THREE_TURNS) + "\n")
    examples = read_examples(path, tokenizer, max_seq_length=999, mask_prompt=True, emit=ignore_event, stop=StopToken())

    (example,) = examples.usable
    assert learned_text(tokenizer, example) == "third answer<|im_end|>\n"
    assert example.answers_missed == 2
    assert "earlier answers are not learned" in notices(examples, 999)[0].text


def test_conversations_need_a_chat_template(with_template):
    with pytest.raises(DatasetError, match="no chat template"):
        encode(with_template(None), {"prompt": "q", "completion": "a"})


def test_a_text_row_needs_no_chat_template(with_template):
    assert encode(with_template(None), {"text": "hello"}).supervised == 5  # four letters and the end


def test_the_first_token_is_never_learned(tokenizer):
    example = encode(tokenizer, {"text": "hello"}, mask=False)
    assert example.learned.tolist() == [False] + [True] * (example.length - 1)
    assert example.tokens.dtype == numpy.int32


def test_a_text_of_one_token_has_nothing_to_learn(tokenizer):
    with pytest.raises(UnusableRow):
        encode(tokenizer, {"text": "<|im_end|>"})


def test_stops_before_the_next_row(tokenizer, tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text((json.dumps({"prompt": "q", "completion": "a"}) + "\n") * 5)
    stop = StopToken()
    stop.request()
    with pytest.raises(Stopped):
        read_examples(path, tokenizer, max_seq_length=64, mask_prompt=True, emit=ignore_event, stop=stop)


def test_a_missing_file_has_no_rows(tokenizer, tmp_path: Path):
    examples = read_examples(
        tmp_path / "valid.jsonl", tokenizer, max_seq_length=64, mask_prompt=True, emit=ignore_event, stop=StopToken()
    )
    assert (examples.usable, examples.refused, examples.tokens) == ([], [], 0)


def test_lines_are_listed_until_there_are_too_many():
    assert lines_in_words([7]) == "line 7"
    assert lines_in_words([1, 2]) == "lines 1, 2"
    assert lines_in_words(list(range(1, 2001))) == "lines 1, 2, 3, 4, 5, 6, 7, 8 and 1,992 more"


def test_an_example_is_frozen(tokenizer):
    with pytest.raises(dataclasses.FrozenInstanceError):
        encode(tokenizer, {"text": "hello"}).line = 3
