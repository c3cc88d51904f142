import json

import pytest

from tui_tuner.cli import main
from tui_tuner.documents.passages import read_passages
from tui_tuner.project import create_project

BREAD = "# Bread\n\nBread is made of flour, water, salt and yeast, and it has to rise twice before it is baked.\n"


@pytest.fixture
def project(tmp_path):
    return create_project(tmp_path / "p")


@pytest.fixture
def docs(tmp_path):
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "bread.md").write_text(BREAD)
    (folder / "broken.md").write_bytes(b"\0\1\2")
    (folder / "photo.jpg").write_bytes(b"...")
    return folder


def test_a_folder_is_imported_and_everything_is_told(project, docs, capsys):
    assert main(["import", str(docs), "--project", str(project.folder)]) == 0
    told = capsys.readouterr().out
    assert "1 document in 1 passage, 21 words" in told
    assert "! 1 could not be read:\n  docs/broken.md: this is no text but a binary file." in told
    assert "of other kinds: 1 (docs/photo.jpg)" in told
    assert "Next: tuner data" in told
    assert [passage.place for passage in read_passages(project.data)] == ["docs/bread.md:1"]


def test_a_program_gets_one_event(project, docs, capsys):
    assert main(["import", str(docs / "bread.md"), "--project", str(project.folder), "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (added,) = [event for event in events if event["event"] == "documents_added"]
    assert (added["documents"], added["passages"], added["unreadable"]) == (1, 1, [])


def test_again_only_changes_are_told_and_replace_starts_over(project, docs, capsys):
    where = ["--project", str(project.folder)]
    main(["import", str(docs), *where])
    (docs / "tea.txt").write_text("Tea is made with leaves and hot water, and it is better without sugar.")
    main(["import", str(docs), *where])
    assert "(1 new, 0 gone)" in capsys.readouterr().out
    main(["import", str(docs / "tea.txt"), "--replace", *where])
    assert "(0 new, 1 gone)" in capsys.readouterr().out
    assert len(read_passages(project.data)) == 1


def test_what_is_for_tables_is_refused_and_both_kinds_want_a_command_each(project, docs, tmp_path, capsys):
    where = ["--project", str(project.folder)]
    table = tmp_path / "table.csv"
    table.write_text("question,answer\nWho?,Me.\n")
    assert main(["import", str(docs), "--map", "user=x", *where]) == 2
    assert main(["import", str(docs), str(table), *where]) == 2
    assert main(["import", str(tmp_path / "empty"), *where]) == 1
    (tmp_path / "empty").mkdir()
    assert main(["import", str(tmp_path / "empty"), *where]) == 1
    assert "no documents here" in capsys.readouterr().err
    assert read_passages(project.data) == []
