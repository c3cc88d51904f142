import json

import pytest
import tiny_model

from tui_tuner.export.reading import CONVERSATIONS, read_with, reading_rows
from tui_tuner.models.loading import load_tokenizer


@pytest.fixture
def base(tmp_path):
    return tiny_model.make(tmp_path / "base")


def rows_of(base, other):
    wanted, found = load_tokenizer(base), load_tokenizer(other)
    return {row.name: row for row in reading_rows(read_with(wanted), read_with(found), found)}


def changed(base, folder, template=None, **config):
    tiny_model.make(folder, template=template or tiny_model.TEMPLATE)
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **config}))
    return folder


def test_the_same_tokenizer_reads_alike(base):
    rows = rows_of(base, base)
    assert [row.verdict for row in rows.values()] == ["passed"] * 3
    assert "5 conversations" in rows["chat template"].finding
    assert rows["end of turn"].finding == "<|im_end|>"


def test_another_template_is_told_token_by_token(base, tmp_path):
    template = tiny_model.TEMPLATE.replace("assistant", "model")
    row = rows_of(base, changed(base, tmp_path / "other", template))["chat template"]
    assert row.verdict == "differs"
    assert "a question: token" in row.finding
    assert "'m' instead of 'a'" in row.finding
    assert row.meaning


def test_a_template_that_is_gone_differs(base, tmp_path):
    bare = tiny_model.make(tmp_path / "bare", template=None)
    assert rows_of(base, bare)["chat template"].verdict == "differs"
    assert rows_of(bare, bare)["chat template"].verdict == "unproved"
    assert rows_of(bare, base)["chat template"].verdict == "differs"


def test_what_the_base_refuses_the_other_has_to_refuse(base, tmp_path):
    picky = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}" + tiny_model.TEMPLATE
    )
    one, other = (changed(base, tmp_path / name, picky) for name in ("one", "other"))
    row = rows_of(one, other)["chat template"]
    assert row.verdict == "passed"
    assert row.finding.endswith("2 of them refused by base and fused alike")
    assert rows_of(one, base)["chat template"].verdict == "differs"


def test_another_tokenizer_and_another_end_are_noticed(base, tmp_path):
    other = changed(base, tmp_path / "other", eos_token="<|endoftext|>")
    path = other / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "eos_token_id": 0}))
    tokenizer = json.loads((other / "tokenizer.json").read_text())
    tokenizer["pre_tokenizer"]["add_prefix_space"] = True
    (other / "tokenizer.json").write_text(json.dumps(tokenizer))
    rows = rows_of(base, other)
    assert rows["tokenizer"].verdict == "differs"
    assert rows["end of turn"].verdict == "differs"
    assert "im_end" in rows["end of turn"].finding


def test_the_conversations_are_those_people_have():
    roles = {tuple(turn["role"] for turn in turns) for turns in CONVERSATIONS.values()}
    assert {("user",), ("system", "user"), ("user", "assistant", "user")} <= roles
