# ruff: noqa: E501 -- templates as their authors write them, on lines of their own
import functools
import random

import jinja2
import pytest
from export.go_in_jinja import run_go

from tui_tuner.export.chat_form import ChatForm, form_of
from tui_tuner.export.go_template import go_template
from tui_tuner.export.reading import CONVERSATIONS, Reading, Rendered, render

# As the models' authors publish them, tools left out.
CHATML = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SMOLLM = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n"
    "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
LLAMA3 = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set system_message = messages[0]['content']|trim %}"
    "{% set messages = messages[1:] %}{% else %}{% set system_message = '' %}{% endif %}"
    "{{ '<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n' }}"
    "{{ system_message }}{{ '<|eot_id|>' }}{% for message in messages %}"
    "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
MISTRAL = (
    "{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] %}{% set turns = messages[1:] %}"
    "{% else %}{% set turns = messages %}{% endif %}{{ bos_token }}{% for message in turns %}"
    "{% if message['role'] == 'user' %}{% if loop.last and system is defined %}"
    "{{ '[INST] ' + system + '\n\n' + message['content'] + '[/INST]' }}{% else %}"
    "{{ '[INST] ' + message['content'] + '[/INST]' }}{% endif %}{% else %}"
    "{{ ' ' + message['content'] | trim + eos_token }}{% endif %}{% endfor %}"
)
GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set first = messages[0]['content'] + '\n\n' %}"
    "{% set turns = messages[1:] %}{% else %}{% set first = '' %}{% set turns = messages %}{% endif %}"
    "{% for message in turns %}{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' + (first if loop.first else '') }}{{ message['content'] | trim }}"
    "{{ '<end_of_turn>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
GEMMA1 = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
PHI3 = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] + '<|end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% else %}{{ eos_token }}{% endif %}"
)
QWEN3 = (
    "{% for message in messages %}{% if message.role == 'assistant' %}"
    "{% set content = message.content.split('</think>')[-1].lstrip('\n') %}{% else %}{% set content = message.content %}"
    "{% endif %}{{ '<|im_start|>' + message.role + '\n' + content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
    "{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\n\n</think>\n\n' }}{% endif %}{% endif %}"
)
QWQ = QWEN3.replace("assistant\n' }}{% if enable", "assistant\n<think>\n' }}{% if enable").replace(
    "is false", "is none"
)
QWEN2 = CHATML.replace(
    "{% for message in messages %}",
    "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a "
    "helpful assistant.<|im_end|>\n' }}{% endif %}{% for message in messages %}",
)
NEMO = MISTRAL.replace("'[INST] '", "'[INST]'").replace("' ' + message['content'] | trim", "message['content']")
LLAMA2 = (
    "{% if messages[0]['role'] == 'system' %}{% set first = '<<SYS>>\n' + messages[0]['content'] + '\n<</SYS>>\n\n' %}"
    "{% set turns = messages[1:] %}{% else %}{% set first = '' %}{% set turns = messages %}{% endif %}"
    "{% for message in turns %}{% if message['role'] == 'user' %}"
    "{{ bos_token + '[INST] ' + (first if loop.first else '') + message['content'] + ' [/INST]' }}{% else %}"
    "{{ ' ' + message['content'] + ' ' + eos_token }}{% endif %}{% endfor %}"
)
FAMILIES = {
    "chatml": (CHATML, "own turn"),
    "smollm": (SMOLLM, "own turn"),
    "llama3": (LLAMA3, "own turn"),
    "mistral": (MISTRAL, "last question"),
    "gemma": (GEMMA, "first question"),
    "gemma1": (GEMMA1, "nowhere"),
    "llama2": (LLAMA2, "first question"),
    "phi3": (PHI3, "own turn"),
    "qwen2": (QWEN2, "own turn"),
    "qwen3": (QWEN3, "own turn"),
    "qwq": (QWQ, "own turn"),
    "nemo": (NEMO, "last question"),
}


class Writer:
    """A tokenizer of nothing but a chat template: each letter is a token, and one more stands in front."""

    bos_token, bos_token_id, eos_token, has_chat_template = "<s>", 1, "</s>", True

    def __init__(self, template, *, adds_bos=True):
        self.template, self.adds_bos = template, adds_bos

    def encode(self, text):
        return [1] * self.adds_bos + list(map(ord, text))

    def apply_chat_template(self, turns, *, add_generation_prompt, tokenize, **extra):
        words = {"bos_token": self.bos_token, "eos_token": self.eos_token, "raise_exception": refuse, **extra}
        text = compiled(self.template).render(messages=turns, add_generation_prompt=add_generation_prompt, **words)
        return list(map(ord, text)) if tokenize else text


@functools.lru_cache
def compiled(template):
    return jinja2.Environment().from_string(template)


def refuse(words):
    raise ValueError(words)


def reading_of(writer):
    return Reading({name: render(writer, turns) for name, turns in CONVERSATIONS.items()}, (), frozenset())


def form(template):
    writer = Writer(template)
    return form_of(writer, reading_of(writer))


@pytest.mark.parametrize("family", list(FAMILIES))
def test_the_forms_of_the_families_are_found(family):
    template, place = FAMILIES[family]
    found = form(template)
    assert found.place == place
    for name, turns in CONVERSATIONS.items():
        wanted = reading_of(Writer(template)).conversations[name]
        assert wanted.refusal or found.write(turns) == wanted.text.removeprefix("<s>")


def test_a_first_token_that_nobody_adds_is_part_of_the_form():
    starts_with_bos = CHATML.replace("<|im_start|>", "<s>")
    added, written = (Writer(starts_with_bos, adds_bos=adds) for adds in (True, False))
    assert form_of(written, reading_of(written)).user[0] == "<s>user\n"
    # Whoever adds it would write it twice.
    assert form_of(added, reading_of(added)).write(CONVERSATIONS["a question"]).startswith("user\n")


def test_what_stands_around_a_turn_is_told_apart():
    found = form(SMOLLM)
    assert found.user == ("<|im_start|>user\n", "<|im_end|>\n")
    assert found.system == ("<|im_start|>system\n", "<|im_end|>\n")
    assert found.assistant == ("<|im_start|>assistant\n", "<|im_end|>\n")
    assert found.begin.startswith("<|im_start|>system\nYou are a helpful")
    assert form(MISTRAL).assistant == (" ", "</s>")
    assert form(MISTRAL).bos == "<s>"
    assert form(LLAMA2).system == ("<<SYS>>\n", "\n<</SYS>>\n\n")


@pytest.mark.parametrize(
    "template",
    [
        "{% for message in messages %}{{ loop.index }}{{ message['content'] }}\n{% endfor %}A:",
        "{% for message in messages %}{{ message['content'] | upper }}\n{% endfor %}A:",
        "{{ messages[-1]['content'] }}",
        "{{ raise_exception('never') }}",
        CHATML.replace("message['content']", "message['content'][:20]"),
    ],
)
def test_a_template_that_does_more_has_no_form(template):
    assert form(template) is None


def test_a_model_without_a_template_has_none():
    assert form_of(Writer(""), Reading({}, (), frozenset())) is None
    assert form_of(Writer("x"), Reading({"a question": Rendered(refusal="no")}, (), frozenset())) is None


@pytest.mark.parametrize("family", list(FAMILIES))
def test_the_template_for_ollama_writes_the_same(family):
    found = form(FAMILIES[family][0])
    for turns in CONVERSATIONS.values():
        if found.place != "nowhere" or turns[0]["role"] != "system":
            assert run_go(go_template(found), turns) == found.write(turns)


WORDS = (
    "egg",
    "naïve",
    "東京",
    "🎉",
    "<b>",
    "{{ x }}",
    '"q"',
    "\\n",
    "<|im_start|>",
    "[INST]",
    "a\nb",
    "$.System",
    "{% if %}",
)


def some_conversations(number):
    """Conversations of up to nine turns, a third of them with a system prompt."""
    chance = random.Random(0)

    def turn(role):
        return {"role": role, "content": " ".join(chance.choices(WORDS, k=chance.randint(1, 6)))}

    for count in range(number):
        begin = [turn("system")] if count % 3 == 0 else []
        pairs = [turn(role) for _pair in range(chance.randint(0, 4)) for role in ("user", "assistant")]
        yield [*begin, *pairs, turn("user")]


@pytest.mark.parametrize("family", list(FAMILIES))
def test_many_conversations_are_written_as_the_models_own_template_writes_them(family):
    writer = Writer(FAMILIES[family][0])
    found = form_of(writer, reading_of(writer))
    text = go_template(found)
    for turns in some_conversations(60):
        for think in (True, False) if found.thoughtless else (None,):
            wanted = render(writer, turns, **({} if think is None else {"enable_thinking": think}))
            assert wanted.refusal or run_go(text, turns, think=think) == wanted.text.removeprefix("<s>")


def test_whether_a_model_thinks_and_how_it_is_kept_from_it():
    assert form(QWEN3).thinks and form(QWEN3).thoughtless == "<think>\n\n</think>\n\n"
    assert form(QWQ).thinks and form(QWQ).thoughtless == ""
    closed = QWQ + "{% if add_generation_prompt and enable_thinking is defined %}{{ '</think>' }}{% endif %}"
    assert form(closed).thinks and form(closed).thoughtless == "</think>"
    assert not form(CHATML).thinks and ".Thinking" not in go_template(form(CHATML))
    # A template that says something else as well where there is to be no thinking cannot be told in this way.
    says_more = "{% if enable_thinking is defined and not enable_thinking %}Do not think.{% endif %}" + QWEN3
    assert not form(says_more).thinks


def test_ollama_finds_between_which_words_the_thoughts_stand():
    text = go_template(form(QWEN3))
    # It looks for plain text around `.Thinking`, not for a text in an action.
    assert "}}<think>\n{{ .Thinking }}\n</think>\n\n{{" in text
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "thinking": "hm", "content": "Well"}]
    assert run_go(text, turns).endswith("<|im_start|>assistant\n<think>\nhm\n</think>\n\nWell")
    told = run_go(text, [*turns, {"role": "user", "content": "So"}])
    assert "hm" not in told and told.endswith("Well<|im_end|>\n<|im_start|>user\nSo<|im_end|>\n<|im_start|>assistant\n")


def test_an_answer_that_is_gone_on_with_stays_open():
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Well"}]
    assert run_go(go_template(form(CHATML)), turns) == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nWell"


def test_words_that_mean_something_in_go_are_only_words():
    odd = ChatForm("", ("", ""), ('{{ "', '" }}\n\t\\'), ("a", "b"), "{{- end }}", "own turn")
    text = go_template(odd)
    assert "\n" not in text
    assert run_go(text, [{"role": "user", "content": "Hi"}]) == '{{ "Hi" }}\n\t\\{{- end }}'
