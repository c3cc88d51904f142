import pytest
import tiny_model

from tui_tuner.errors import ModelError
from tui_tuner.models.loading import load_model
from tui_tuner.models.prompts import PromptMemory, prompt_tokens

THINKS = (
    "{{ messages[-1]['content'] }}|{% if enable_thinking is defined and enable_thinking is false %}"
    "{{ '<think>\n\n</think>\n\n' }}{% endif %}"
)
STRICT = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}ok"


def test_a_prompt_ends_where_the_answer_begins(tmp_path):
    loaded = load_model(tiny_model.make(tmp_path / "base"))
    tokens = prompt_tokens(loaded, [{"role": "user", "content": "hi"}], "So ")
    assert loaded.tokenizer.decode(tokens) == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nSo "


@pytest.mark.parametrize(("thinking", "end"), [(False, "hi|<think>\n\n</think>\n\n"), (True, "hi|")])
def test_a_model_that_can_think_does_so_only_where_it_is_to(tmp_path, thinking, end):
    loaded = load_model(tiny_model.make(tmp_path / "base", template=THINKS))
    tokens = prompt_tokens(loaded, [{"role": "user", "content": "hi"}], thinking=thinking)
    assert loaded.tokenizer.decode(tokens) == end


def test_a_model_without_a_template_is_no_chat_model(tmp_path):
    loaded = load_model(tiny_model.make(tmp_path / "base", template=None))
    with pytest.raises(ModelError, match="no chat template"):
        prompt_tokens(loaded, [{"role": "user", "content": "hi"}])


def test_a_template_that_takes_no_system_prompt_says_so(tmp_path):
    loaded = load_model(tiny_model.make(tmp_path / "base", template=STRICT))
    with pytest.raises(ModelError, match="System role not supported") as caught:
        prompt_tokens(loaded, [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hi"}])
    assert "clear it" in caught.value.advice
    assert prompt_tokens(loaded, [{"role": "user", "content": "hi"}])


@pytest.fixture
def memory(tmp_path):
    return PromptMemory(load_model(tiny_model.make(tmp_path / "base")))


def read(memory, tokens):
    """Have the model read what it has not read yet."""
    import mlx.core as mx

    unread = memory.unread(tokens)
    memory._loaded.model(mx.array([unread]), cache=memory.cache)
    memory.keep(tokens)
    return unread


def test_only_what_is_new_is_read(memory):
    assert read(memory, [1, 2, 3]) == [1, 2, 3]
    assert read(memory, [1, 2, 3, 4, 5]) == [4, 5]
    assert memory.cache[0].offset == 5


def test_what_was_edited_is_read_again(memory):
    read(memory, [1, 2, 3, 4, 5])
    assert read(memory, [1, 2, 9, 4]) == [9, 4]
    assert (memory.tokens, memory.cache[0].offset) == ([1, 2, 9, 4], 4)
    assert read(memory, [7, 8]) == [7, 8]
    assert memory.cache[0].offset == 2


def test_the_same_again_is_asked_from_its_last_token(memory):
    read(memory, [1, 2, 3])
    assert read(memory, [1, 2, 3]) == [3]
    assert read(memory, [1, 2]) == [2]


def test_a_cache_that_holds_something_else_is_not_trusted(memory):
    read(memory, [1, 2, 3])
    memory.keep([1, 2])  # one token more was read than is known
    assert (memory.tokens, memory.cache[0].offset) == ([1, 2], 2)
    memory.keep([1, 2, 3, 4])  # two less were read than are claimed
    assert memory.tokens == [1, 2]
    memory.forget()
    assert (memory.tokens, memory.cache[0].offset) == ([], 0)
