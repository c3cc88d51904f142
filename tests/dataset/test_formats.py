import json
from types import SimpleNamespace

import pytest
import tiny_model
from dataset.teachers_by_rule import Heard, RuleTeacher, conversing, plan_in
from tokenizers import Tokenizer, processors

from tui_tuner.choices import ModelChoice
from tui_tuner.dataset.examples import Example, asked_and_answered
from tui_tuner.dataset.formats import UnwritableExample, as_completion, as_guide_line, open_format, rows
from tui_tuner.dataset.make import make_dataset
from tui_tuner.errors import DatasetError
from tui_tuner.files import read_json_lines, write_json_lines
from tui_tuner.models.loading import load_tokenizer
from tui_tuner.models.prompts import Message
from tui_tuner.progress import Notice, StopToken
from tui_tuner.training.examples import Encoder

FORMATS = ("messages", "completions", "text", "guide")
TWO_TURNS = Example(
    (
        Message(role="user", content="Who counts?"),
        Message(role="assistant", content="I do. "),
        Message(role="user", content="Why <b>so</b>?\n"),
        Message(role="assistant", content="For fun 数!"),
    ),
    "rule",
)
TOLD = Example((Message(role="system", content="Be kind."), *TWO_TURNS.messages), "mine.jsonl:1")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_model.make(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture(scope="module")
def model_with_beginning(tmp_path_factory):
    """Like Mistral's and Llama's: the template begins with a mark that the tokenizer also adds by itself."""
    folder = tiny_model.make(
        tmp_path_factory.mktemp("begins") / "model", template="<|endoftext|>" + tiny_model.TEMPLATE
    )
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    mark = "<|endoftext|>"
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{mark} $A", special_tokens=[(mark, tokenizer.token_to_id(mark))]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    config = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**config, "bos_token": mark}))
    return folder


def make(data, model, heard=None, **choice):
    heard = Heard() if heard is None else heard
    plan = plan_in(data, instructions=9, batch_size=1, **choice)
    plan = type(plan)(data, plan.choice, base_model=ModelChoice(name=str(model)), max_seq_length=4096)
    teacher = RuleTeacher(answers=conversing())
    make_dataset(plan, teacher, emit=heard.append, stop=StopToken())
    return teacher


def written(data):
    return [row for name in ("train.jsonl", "valid.jsonl") for row in read_json_lines(data / name)[0]]


@pytest.mark.parametrize("form", FORMATS)
def test_mlx_lm_and_our_training_read_every_format_and_see_the_same_tokens(tmp_path, model, form):
    from mlx_lm.tuner.datasets import create_dataset

    make(tmp_path, model, format=form, turns=2)
    found = written(tmp_path)
    assert len(found) == 9
    tokenizer = load_tokenizer(model)
    ours = Encoder(tokenizer, max_seq_length=4096, mask_prompt=True)
    theirs = create_dataset(found, tokenizer, SimpleNamespace(mask_prompt=False))
    for number, row in enumerate(found):
        tokens, _offset = theirs.process(theirs[number])
        example = ours.encode(1, json.dumps(row).encode())
        assert list(example.tokens) == list(tokens)
        marked = form in ("messages", "completions")
        assert (example.supervised < example.length - 1) == marked
        assert example.supervised == example.length - 1 or marked


@pytest.mark.parametrize("kind", ["model", "model_with_beginning"])
@pytest.mark.parametrize("example", [TWO_TURNS, TOLD])
def test_a_text_gives_the_same_tokens_as_the_conversation(tmp_path, request, kind, example):
    from mlx_lm.tuner.datasets import TextDataset

    folder = request.getfixturevalue(kind)
    plan = plan_in(tmp_path, format="text")
    write = open_format(type(plan)(tmp_path, plan.choice, base_model=ModelChoice(name=str(folder))))
    row = write(example)
    tokenizer = load_tokenizer(folder)
    tokens, _offset = TextDataset([row], tokenizer).process(row)
    whole = tokenizer.apply_chat_template([dict(turn) for turn in example.messages], return_dict=False)
    # Only the line break after the last end mark is gone: mlx-lm would put a second end mark behind it.
    assert tokens == whole[: len(tokens)]
    assert tokens[-1] == tokenizer.eos_token_id
    assert tokenizer.decode(whole[len(tokens) :]).strip() == ""


def test_the_guides_line_but_with_an_answer_at_its_end():
    assert as_guide_line(TWO_TURNS) == {
        "text": "<s>[INST] Who counts?[/INST] I do. </s>[INST] Why <b>so</b>?\n[/INST] For fun 数!</s>"
    }
    assert as_guide_line(TOLD)["text"].startswith("<s>[INST] Be kind.\n\nWho counts?[/INST] I do. ")


def test_a_completion_is_the_first_question_and_its_answer():
    assert as_completion(TWO_TURNS) == {"prompt": "Who counts?", "completion": "I do. "}
    assert as_completion(TOLD) == {"prompt": "Be kind.\n\nWho counts?", "completion": "I do. "}


def test_completions_pay_for_no_follow_ups_and_say_so(tmp_path, model):
    heard = Heard()
    teacher = make(tmp_path, model, heard, format="completions", turns=3)
    assert len([request for request in teacher.asked if request.max_tokens == 256]) == 9
    assert any("no follow-ups are written" in notice.text for notice in heard.of(Notice))
    assert make(tmp_path, model, format="messages", turns=3).asked  # the follow-ups are written once they can be kept


def test_turns_that_do_not_alternate_are_said_and_left_out():
    odd = Example((*TWO_TURNS.messages[:1], *TWO_TURNS.messages), "mine.jsonl:3")
    for write in (as_guide_line, as_completion):
        with pytest.raises(UnwritableExample):
            write(odd)
    heard = Heard()
    assert len(rows([odd, TWO_TURNS], as_guide_line, heard.append)) == 1
    assert "1 example is left out" in heard.of(Notice)[0].text


def test_a_text_without_the_model_is_refused_before_anything_is_paid_for(tmp_path):
    with pytest.raises(DatasetError, match="nobody/knows-it") as caught:
        make(tmp_path, "nobody/knows-it", format="text")
    assert "messages" in caught.value.advice
    assert not (tmp_path / "instructions.json").exists()
    bare = tiny_model.make(tmp_path / "bare", template=None)
    with pytest.raises(DatasetError, match="chat template"):
        make(tmp_path, bare, format="text")


def test_the_other_formats_need_no_model(tmp_path):
    write_json_lines(tmp_path / "imported.jsonl", [asked_and_answered("Why?", "So.", "").as_row()])
    for form in ("messages", "completions", "guide"):
        make(tmp_path, "nobody/knows-it", format=form)
        assert len(written(tmp_path)) == 10
