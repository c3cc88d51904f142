import json

from dataset.passages_by_rule import PASSAGES

from tui_tuner.dataset.documents_state import DocumentsState, documents_state
from tui_tuner.documents.passages import name_of, write_passages


def row(passage, *questions):
    return json.dumps({"passage": passage.provenance.as_row(), "questions": questions}).encode() + b"\n"


def test_it_follows_the_files(tmp_path):
    assert documents_state(tmp_path) == DocumentsState()
    write_passages(tmp_path, PASSAGES)
    assert documents_state(tmp_path) == DocumentsState(1, 10, 0, name_of(PASSAGES))
    write_passages(tmp_path, PASSAGES[:3])
    assert documents_state(tmp_path).passages == 3


def test_questions_are_counted_as_they_come_but_not_those_about_passages_that_are_gone(tmp_path):
    write_passages(tmp_path, PASSAGES[:3])
    journal = tmp_path / "passage_questions.jsonl"
    journal.write_bytes(
        row(PASSAGES[0], "a?", "b?") + row(PASSAGES[5], "c?") + b"no row\n" + row(PASSAGES[1], "d?")[:20]
    )
    assert documents_state(tmp_path).questions == 2
    journal.write_bytes(journal.read_bytes()[:-20])
    with journal.open("ab") as file:
        file.write(row(PASSAGES[1], "d?"))
    assert documents_state(tmp_path).questions == 3
    journal.write_bytes(row(PASSAGES[2], "e?"))
    assert documents_state(tmp_path).questions == 1
    journal.unlink()
    assert documents_state(tmp_path).questions == 0
