import json
import os
import resource
import signal
import subprocess
import sys
import textwrap

import pytest

from tui_tuner.errors import ConfigurationError, DatasetError, StorageError
from tui_tuner.files import new_folder, read_json, read_json_lines, read_toml, write_text
from tui_tuner.journal import Journal


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "deep" / "file.txt"
    write_text(path, "one")
    write_text(path, "two")
    assert path.read_text() == "two"
    assert os.listdir(path.parent) == ["file.txt"]


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "file.txt"
    write_text(path, "old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(StorageError):
            write_text(path, "x" * 10_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["file.txt"]


def test_a_journal_keeps_what_was_written_when_the_disk_fills(tmp_path):
    path = tmp_path / "journal.jsonl"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with Journal(path) as journal:
        journal.append({"n": 1})
        resource.setrlimit(resource.RLIMIT_FSIZE, (50, before[1]))
        try:
            with pytest.raises(StorageError):
                journal.append({"n": "x" * 1000})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, ignored)
    with Journal(path) as journal:
        journal.append({"n": 2})
    assert read_json_lines(path) == ([{"n": 1}, {"n": 2}], [])


def test_a_torn_last_line_is_dropped_and_the_rest_kept(tmp_path):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"n": 1}\n{"n": 2}\n{"n": ')
    rows, bad = read_json_lines(path)
    assert rows == [{"n": 1}, {"n": 2}]
    assert [(line.line, line.reason) for line in bad] == [(3, "cut off in the middle")]
    with Journal(path) as journal:
        assert journal.torn
        journal.append({"n": 3})
    assert read_json_lines(path) == ([{"n": 1}, {"n": 2}, {"n": 3}], [])


@pytest.mark.parametrize(("last", "kept"), [(b'{"n": 2}', True), (b'{"n": {"n": 2}', False), (b"12", False)])
def test_a_last_line_that_lacks_only_its_end_gets_that(tmp_path, last, kept):
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b'{"n": 1}\n' + last)
    with Journal(path) as journal:
        assert journal.torn is not kept
        journal.append({"n": 3})
    assert [row["n"] for row in read_json_lines(path)[0]] == ([1, 2, 3] if kept else [1, 3])


def test_lines_of_other_programs_are_read(tmp_path):
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"n": 1}\r\n\n  {"n": "\xed\xa0\xbd"}  \n{"n": "\xff"}\n')
    rows, bad = read_json_lines(path)
    assert rows == [{"n": 1}, {"n": "\ud83d"}]  # half a character, as JavaScript writes it
    assert [line.line for line in bad] == [4]


def test_every_appended_line_survives_a_kill(tmp_path):
    path = tmp_path / "journal.jsonl"
    code = f"""
        import os, signal
        from pathlib import Path
        from tui_tuner.journal import Journal
        journal = Journal(Path({str(path)!r}))
        for n in range(5):
            journal.append({{"n": n}})
        os.kill(os.getpid(), signal.SIGKILL)
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(code)])
    assert ended.returncode == -signal.SIGKILL
    assert [row["n"] for row in read_json_lines(path)[0]] == [0, 1, 2, 3, 4]


def test_a_new_folder_takes_the_old_ones_place_only_when_done(tmp_path):
    place = tmp_path / "model"
    with new_folder(place) as beside:
        (beside / "a").write_text("1")
    with pytest.raises(RuntimeError), new_folder(place) as beside:
        (beside / "a").write_text("2")
        raise RuntimeError
    assert (place / "a").read_text() == "1"
    with new_folder(place) as beside:
        (beside / "a").write_text("3")
    assert (place / "a").read_text() == "3"
    assert os.listdir(tmp_path) == ["model"]


def test_a_mistake_in_toml_has_a_line(tmp_path):
    path = tmp_path / "tuner.toml"
    path.write_text('name = "x"\n[dataset]\ntopic = WordPress\n')
    with pytest.raises(ConfigurationError) as caught:
        read_toml(path)
    assert caught.value.where == f"{path}:3"
    path.write_bytes(b'name = "x"\ntopic = "\xff"\n')
    with pytest.raises(ConfigurationError) as caught:
        read_toml(path)
    assert caught.value.where == f"{path}:2"


def test_a_mistake_in_json_has_a_line(tmp_path):
    path = tmp_path / "instructions.json"
    path.write_text('[\n"one",\n"two"\n"three"]')
    with pytest.raises(DatasetError) as caught:
        read_json(path)
    assert caught.value.where == f"{path}:4"
    path.write_text(json.dumps(["one"]))
    assert read_json(path) == ["one"]
