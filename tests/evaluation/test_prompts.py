import json

import pytest
import tuned_model

from tui_tuner.errors import DatasetError, StorageError
from tui_tuner.evaluation.prompts import Prompt, prompts_of, read_prompts


@pytest.fixture
def project(tmp_path):
    return tuned_model.project(tmp_path / "project")


def test_prompts_come_from_the_held_out_examples(project):
    assert prompts_of(project) == (Prompt("how do I start?", "so"), Prompt("what is this?", "so"))
    rows = [{"messages": [{"role": "user", "content": f"question {n}"}]} for n in range(9)]
    odd = ['{"text": "no turns"}', '{"messages": 5}', '{"messages": ["?"]}', "[]", '{"mess']
    (project.data / "valid.jsonl").write_text("\n".join([*odd, *map(json.dumps, rows)]))
    assert prompts_of(project) == tuple(Prompt(f"question {n}") for n in range(5))
    assert len(prompts_of(project.with_settings("compare", {"held_out": "7"}))) == 7
    (project.data / "valid.jsonl").write_text('{"prompt": "Why so?", "completion": " So."}\n')
    assert prompts_of(project) == (Prompt("Why so?", "So."),)
    # The test's rows chose nothing: they come before those that chose the adapter.
    (project.data / "test.jsonl").write_text('{"prompt": "Where?", "completion": "There."}\n')
    assert prompts_of(project) == (Prompt("Where?", "There."),)
    (project.data / "test.jsonl").unlink()
    (project.data / "valid.jsonl").write_text('{"text": "<s>[INST] Why?[/INST] So.</s>"}\n')
    (project.data / "report.json").write_text('{"held_out_questions": ["Why?", 7]}')
    assert prompts_of(project) == (Prompt("Why?"),)
    (project.data / "valid.jsonl").unlink()
    with pytest.raises(DatasetError, match="nothing to ask") as caught:
        prompts_of(project)
    assert "--prompt" in caught.value.advice


def test_prompts_from_a_file_and_typed(project):
    (project.folder / "asked.txt").write_bytes("\ufeffWhy?\r\n\n  Wér?  \n".encode())
    project = project.with_settings("compare", {"prompts_file": "asked.txt"})
    assert prompts_of(project) == (Prompt("Why?"), Prompt("Wér?"))
    typed = project.with_settings("compare", {"prompts": "When?;Why?"})
    assert prompts_of(typed) == (Prompt("When?"), Prompt("Why?"), Prompt("Wér?"))
    rows = [{"prompt": "Why?", "expected": "So."}, {"prompt": "Where?"}]
    (project.folder / "asked.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert read_prompts(project.folder / "asked.jsonl") == [Prompt("Why?", "So."), Prompt("Where?")]
    typed = typed.with_settings("compare", {"prompts_file": "asked.jsonl"})
    assert prompts_of(typed) == (Prompt("When?"), Prompt("Why?", "So."), Prompt("Where?"))


@pytest.mark.parametrize("line", ["[]", '{"prompt": 5}', '{"prompt": " "}', '{"prompt": "a", "expected": 3}', '{"pro'])
def test_a_mistake_in_a_file_of_prompts_is_named(tmp_path, line):
    path = tmp_path / "asked.jsonl"
    path.write_text('{"prompt": "Why?"}\n' + line + "\n")
    with pytest.raises(DatasetError) as caught:
        read_prompts(path)
    assert caught.value.where == f"{path}:2"


def test_a_file_that_is_empty_or_not_there(tmp_path):
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(DatasetError, match="no prompt"):
        read_prompts(tmp_path / "empty.txt")
    with pytest.raises(StorageError):
        read_prompts(tmp_path / "none.txt")


def test_all_lines_with_a_mistake_are_named_and_a_text_of_any_encoding_is_read(tmp_path):
    rows = ['{"prompt": "Why?"}'] * 30
    for line in (3, 7, *range(12, 25)):
        rows[line - 1] = "[broken"
    (tmp_path / "asked.jsonl").write_text("\n".join(rows))
    with pytest.raises(DatasetError, match="15 lines are no prompts: 3, 7, 12, 13, 14, 15, 16, 17…") as caught:
        read_prompts(tmp_path / "asked.jsonl")
    assert caught.value.where == f"{tmp_path / 'asked.jsonl'}:3"
    (tmp_path / "asked.txt").write_bytes("Wo wächst Öl?\r\n".encode("utf-16"))
    assert read_prompts(tmp_path / "asked.txt") == [Prompt("Wo wächst Öl?")]
    (tmp_path / "asked.txt").write_bytes(bytes(range(256)) * 9)
    with pytest.raises(DatasetError, match="no text") as caught:
        read_prompts(tmp_path / "asked.txt")
    assert caught.value.where == str(tmp_path / "asked.txt")


def test_ten_thousand_prompts_are_read(tmp_path):
    path = tmp_path / "asked.txt"
    path.write_text("".join(f"What is {number}?\n" for number in range(10_000)))
    assert read_prompts(path)[-1] == Prompt("What is 9999?")
