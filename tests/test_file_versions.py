import os

from tui_tuner.file_versions import FileVersion, count_lines, fingerprint, is_unchanged, version_of, while_unchanged


def test_a_file_of_the_same_size_and_time_is_not_read_again(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("one\n")
    before = version_of(path)
    assert is_unchanged(path, before)
    time = path.stat().st_mtime_ns
    path.write_text("two\n")
    os.utime(path, ns=(time, time))
    assert is_unchanged(path, before)  # nobody writes so: it shows that nothing was read


def test_what_a_file_holds_decides_where_only_its_time_is_another(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text("one\n")
    before = version_of(path)
    os.utime(path, ns=(1, 1))
    assert is_unchanged(path, before)
    path.write_text("two\n")
    os.utime(path, ns=(2, 2))
    assert not is_unchanged(path, before)
    path.write_text("three\n")
    os.utime(path, ns=(before.modified, before.modified))
    assert not is_unchanged(path, before)


def test_no_file_is_as_good_as_an_empty_one_and_a_folder_is_none(tmp_path):
    path = tmp_path / "rows.jsonl"
    assert version_of(path) == FileVersion()
    assert is_unchanged(path, FileVersion())
    path.touch()
    assert is_unchanged(path, FileVersion())
    empty = version_of(path)
    path.unlink()
    assert is_unchanged(path, empty)
    path.mkdir()
    assert not is_unchanged(path, FileVersion(path.stat().st_size, 0, "other"))


def test_a_version_is_read_as_it_was_written_and_nothing_else_is_one():
    version = FileVersion(3, 4, "ab")
    assert FileVersion.from_row(version.as_row()) == version
    assert FileVersion.from_row({"size": 3}) is None
    assert FileVersion.from_row([3, 4, "ab"]) is None
    assert FileVersion.from_row({"size": "3", "modified": 4, "sha256": "ab"}) is None


def test_the_fingerprint_is_the_files_sha_256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert fingerprint(tmp_path / "a").startswith("ba7816bf8f01cfea")
    assert fingerprint(tmp_path / "none") == ""


def test_lines_are_counted_again_when_there_are_more(tmp_path):
    path = tmp_path / "rows.jsonl"
    assert count_lines(path) == 0
    path.write_text("one\ntwo\nto")
    assert count_lines(path) == 2
    path.write_text("one\ntwo\nthree\n")
    assert count_lines(path) == 3


def test_a_question_about_a_file_is_asked_once_while_it_stays_the_same(tmp_path):
    asked = []

    @while_unchanged
    def letters(path):
        asked.append(path)
        return len(path.read_text())

    path = tmp_path / "a"
    path.write_text("abc")
    assert (letters(path), letters(path), len(asked)) == (3, 3, 1)
    path.write_text("abcd")
    assert (letters(path), len(asked)) == (4, 2)
