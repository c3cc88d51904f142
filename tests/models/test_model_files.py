import json

import pytest
import tiny_model

from tui_tuner.errors import DatasetError, ModelError
from tui_tuner.models.model_files import copy_tokenizer, main_type, read_provenance, write_config, write_provenance


@pytest.fixture
def base(tmp_path):
    return tiny_model.make(tmp_path / "base", template=None)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "new"
    made.mkdir()
    return made


def template_of(folder):
    return json.loads((folder / "tokenizer_config.json").read_text()).get("chat_template")


def test_a_template_of_its_own_goes_into_the_tokenizers_config_too(base, folder):
    (base / "chat_template.jinja").write_text("{{ 'ä' }}", encoding="utf-8")
    copy_tokenizer(base, folder)
    assert template_of(folder) == "{{ 'ä' }}"
    assert (folder / "chat_template.jinja").exists()


def test_several_templates_by_name(base, folder):
    (base / "chat_template.jinja").write_text("plain")
    (base / "additional_chat_templates").mkdir()
    (base / "additional_chat_templates" / "tool_use.jinja").write_text("tools")
    copy_tokenizer(base, folder)
    assert template_of(folder) == [{"name": "default", "template": "plain"}, {"name": "tool_use", "template": "tools"}]
    assert (folder / "additional_chat_templates" / "tool_use.jinja").exists()


def test_the_older_file_of_processors(base, folder):
    (base / "chat_template.json").write_text(json.dumps({"chat_template": "old"}))
    copy_tokenizer(base, folder)
    assert template_of(folder) == "old"


def test_a_template_that_is_there_stays(tmp_path, folder):
    base = tiny_model.make(tmp_path / "other")
    before = (base / "tokenizer_config.json").read_bytes()
    copy_tokenizer(base, folder)
    assert (folder / "tokenizer_config.json").read_bytes() == before


def test_only_what_belongs_to_the_tokenizer_is_carried(base, folder):
    for name in ("hf_quant_config.json", "model.safetensors.index.json", "README.md", "verified.json", "notes.txt"):
        (base / name).write_text("{}")
    for name in ("special_tokens_map.json", "merges.txt", "LICENSE.txt", "own.py", "tokenizer.model"):
        (base / name).write_text("{}")
    copy_tokenizer(base, folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "LICENSE.txt",
        "merges.txt",
        "own.py",
        "special_tokens_map.json",
        "tokenizer.json",
        "tokenizer.model",
        "tokenizer_config.json",
    ]


def test_damaged_tokenizer_files_are_named(base, folder):
    (base / "tokenizer_config.json").write_text("[]")
    with pytest.raises(ModelError, match="not a JSON object"):
        copy_tokenizer(base, folder)
    (base / "tokenizer_config.json").write_text("{")
    with pytest.raises(DatasetError, match="not valid JSON"):
        copy_tokenizer(base, folder)


def test_the_config_says_what_the_weights_are(folder):
    import mlx.core as mx

    weights = {"a": mx.zeros((8, 8), mx.bfloat16), "b": mx.zeros(8), "c": mx.zeros((99, 99), mx.uint32)}
    assert main_type(weights) == "bfloat16"
    config = {
        "model_type": "x",
        "torch_dtype": "float16",
        "quantization": {"bits": 4},
        "text_config": {"quantization_config": {"bits": 4}, "dtype": "float16"},
    }
    write_config(folder, config, weights, quantized=False)
    assert json.loads((folder / "config.json").read_text()) == {
        "model_type": "x",
        "torch_dtype": "bfloat16",
        "text_config": {"dtype": "bfloat16"},
    }
    assert config["quantization"] == {"bits": 4}  # the base's own is not touched
    write_config(folder, config, weights, quantized=True)
    assert json.loads((folder / "config.json").read_text())["quantization_config"] == {"bits": 4}


def test_a_folder_knows_what_it_was_made_of(folder):
    assert read_provenance(folder) == {}
    write_provenance(folder, {"run": "run-2"})
    assert read_provenance(folder)["run"] == "run-2"
    (folder / "tuner.json").write_text("[1")
    assert read_provenance(folder) == {}
