"""Damaged files of every kind: nothing but an error a person can act on or a list of bad rows, and no good row lost."""

import contextlib
import csv
import functools
import io
import json
import os
import random
import sqlite3
import stat
import tempfile
import zipfile
from pathlib import Path

import pytest

from tui_tuner.errors import DatasetError, TunerError
from tui_tuner.importing.looking import look

ROWS = 40
QUESTIONS = [f"What is number {n}, “exactly” äöü?" for n in range(ROWS)]
ANSWERS = [f'It is {n}, said "one", and\nthen {n + 1}.' for n in range(ROWS)]


def as_rows():
    return [{"prompt": q, "completion": a} for q, a in zip(QUESTIONS, ANSWERS, strict=True)]


def json_lines():
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in as_rows()).encode()


def json_list():
    return json.dumps(as_rows(), ensure_ascii=False).encode()


def readable_json_list():
    return json.dumps(as_rows(), indent=2).encode()


def object_with_a_list():
    return json.dumps({"about": "x", "rows": as_rows()}).encode()


def sharegpt():
    return json.dumps(
        [
            {"conversations": [{"from": "human", "value": q}, {"from": "gpt", "value": a}]}
            for q, a in zip(QUESTIONS, ANSWERS, strict=True)
        ]
    ).encode()


def guides_lines():
    pairs = zip(QUESTIONS, ANSWERS, strict=True)
    return "".join(f"<s>[INST] {q} [/INST] {' '.join(a.split())}</s>\n" for q, a in pairs).encode()


def table(delimiter=","):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(["prompt", "completion"])
    writer.writerows(zip(QUESTIONS, ANSWERS, strict=True))
    return text.getvalue().encode()


def tabs():
    return table("\t")


def wide_table():
    return table().decode().encode("utf-16-le")


def western_table():
    return table(";").decode().encode("cp1252")


@functools.cache
def database():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.db"
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE chats (prompt, completion)")
            connection.executemany("INSERT INTO chats VALUES (?, ?)", zip(QUESTIONS, ANSWERS, strict=True))
            connection.commit()
        return path.read_bytes()


@functools.cache
def parquet():
    duckdb = pytest.importorskip("duckdb")
    rows = [{"prompt": q, "completion": a} for q, a in zip(QUESTIONS, ANSWERS, strict=True)]
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        path = Path(folder) / "x.parquet"
        connection.execute("CREATE TABLE chats (prompt TEXT, completion TEXT)")
        connection.executemany("INSERT INTO chats VALUES (?, ?)", [list(row.values()) for row in rows])
        connection.execute(f"COPY chats TO '{path}' (FORMAT parquet)")
        return path.read_bytes()


@functools.cache
def workbook():
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for cells in [("prompt", "completion"), *zip(QUESTIONS, ANSWERS, strict=True)]:
        book.active.append(cells)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


KINDS = [
    json_lines,
    json_list,
    readable_json_list,
    object_with_a_list,
    sharegpt,
    guides_lines,
    table,
    tabs,
    wide_table,
    western_table,
    database,
    parquet,
    workbook,
]
GARBAGE = [b"\0", b"\xff", b'"', b"'", b"{", b"}", b"[", b"]", b",", b"\n", b"\r", b"\\", b"\t", b";", b"\xed\xa0\x80"]


def damaged(content, chance):
    """`content` with one to five things done to it that happen to files."""
    for _time in range(chance.randint(1, 5)):
        start = chance.randrange(len(content) + 1)
        end = min(len(content), start + chance.choice([1, 1, 3, 20, 200]))
        what = chance.randrange(7)
        if what == 0:
            content = content[:start]
        elif what == 1:
            content = content[:start] + content[end:]
        elif what == 2:
            content = content[:end] + content[start:]
        elif what == 3:
            content = content[:start] + chance.choice(GARBAGE) * chance.choice([1, 1, 2, 50]) + content[start:]
        elif what == 4:
            content = content[:start] + chance.randbytes(end - start) + content[end:]
        elif what == 5:
            content = content[:start] + bytes(end - start) + content[end:]
        else:
            content = content.replace(*chance.sample(GARBAGE, 2), chance.randint(1, 3))
    return content


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_damage_of_any_kind_is_an_error_or_a_list_of_bad_rows(desk, kind, seed):
    chance = random.Random(f"{kind.__name__} {seed}")
    path = desk.file(chance.choice(["x", "x.json", "x.csv", "x.jsonl"]), damaged(kind(), chance))
    try:
        report = desk.bring(path)
    except TunerError as error:
        assert error.what and error.advice
        assert not desk.rows()
        return
    counts = report.files[0]
    assert counts.kept == len(desk.rows())
    assert counts.bad == len(desk.problems()) == counts.rows - counts.kept - counts.repeated
    for row in desk.rows():
        assert [turn["role"] for turn in row["messages"]][-1] == "assistant"
        assert all(turn["content"].strip() for turn in row["messages"])
        json.dumps(row, ensure_ascii=False).encode()


# -- no good row is lost -----------------------------------------------------------------------------------------------


def kept(desk):
    return [row["messages"][0]["content"] for row in desk.rows()]


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("kind", [json_lines, guides_lines], ids=lambda kind: kind.__name__)
def test_a_damaged_line_costs_only_itself(desk, kind, seed):
    chance = random.Random(seed)
    lines = kind().split(b"\n")[:-1]
    place = chance.randrange(ROWS)
    lines[place] = damaged(lines[place], chance).replace(b"\n", b" ").replace(b"\r", b" ")
    desk.bring(desk.file("x.jsonl", b"\n".join(lines)))
    assert [question for question in QUESTIONS if question not in kept(desk)] in ([], [QUESTIONS[place]])
    assert {row["line"] for row in desk.problems()} <= {place + 1}


DAMAGED_ITEMS = [
    '{"prompt": "x", "completion": "y}',
    '{"prompt": "x", "completion": ["y"}',
    '{"prompt": "x" "completion": "y"}',
    '{"prompt": x, "completion": y}',
    '{"prompt": "x", "completion": "y"',
    '{{"prompt": "x", "completion": "y"}',
    '{"prompt": "x", "completion": "y"}}}',
    '"',
    '"prompt',
    "null",
    "17",
    "}",
    "[[[[",
    "{'prompt': 'x', 'completion': 'y'}",
    '{"prompt": "a\nb", "completion": "y"}',
]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("item", DAMAGED_ITEMS)
def test_a_damaged_item_of_a_list_costs_only_itself(desk, item, indent):
    items = [json.dumps(row, indent=indent) for row in as_rows()]
    items.insert(10, item)
    desk.bring(desk.file("x.json", f"[{', '.join(items)}]"))
    assert [question for question in kept(desk) if question != "x"] == QUESTIONS
    assert {row["item"] for row in desk.problems()} <= set(range(9, 14)) and desk.problems()


@pytest.mark.parametrize("kind", [json_list, readable_json_list, object_with_a_list, sharegpt])
def test_a_list_that_breaks_off_keeps_everything_before(desk, kind):
    content = kind()
    report = desk.bring(desk.file("x.json", content[: len(content) * 3 // 5]))
    assert kept(desk) == QUESTIONS[: report.files[0].kept] and report.files[0].kept > ROWS // 2
    assert report.files[0].bad == 1


DAMAGED_LINES = [
    '"never closed,x',
    'never closed,"x',
    '"closed" too early,x',
    "too few",
    "too,many,of,them",
    '"a ""quoted"" one, never closed',
    "nul\0,x,",
    ",",
    ",only an answer",
    "only a question,",
]


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("line", DAMAGED_LINES)
def test_a_damaged_line_of_a_table_costs_only_itself(desk, line, number):
    records = table().decode().split("\r\n")
    for place in range(number):
        records.insert(10 + 5 * place, line)
    desk.bring(desk.file("x.csv", "\r\n".join(records)))
    assert kept(desk) == QUESTIONS
    assert len(desk.problems()) == number
    # Every record but the damaged ones has two lines.
    assert [row["line"] for row in desk.problems()] == [2 + 2 * 9 + place * (1 + 2 * 4) for place in range(number)]


def test_bytes_that_are_no_letters_cost_only_their_row(desk):
    lines = json_lines().split(b"\n")
    lines[3] = lines[3].replace(b"exactly", b"exa\xffctly")
    desk.bring(desk.file("x.jsonl", b"\n".join(lines)))
    assert kept(desk) == [question for place, question in enumerate(QUESTIONS) if place != 3]
    assert (desk.problems()[0]["line"], desk.problems()[0]["reason"]) == (4, "not valid UTF-8 text")


def test_a_database_cut_in_half_keeps_what_can_be_read(desk):
    connection = sqlite3.connect(desk.folder / "whole.db")
    connection.execute("CREATE TABLE chats (prompt, completion)")
    connection.executemany("INSERT INTO chats VALUES (?, ?)", [(f"Is it {n}?", f"No. {n}" * 40) for n in range(2000)])
    connection.commit()
    connection.close()
    content = (desk.folder / "whole.db").read_bytes()
    path = desk.file("half.db", content[: len(content) // 2])
    try:
        report = desk.bring(path)
    except TunerError as error:
        assert "database" in error.what and error.advice
    else:
        assert report.files[0].kept > 500 and "damaged" in desk.problems()[-1]["reason"]


# -- by hand -----------------------------------------------------------------------------------------------------------

GOOD = '{"prompt": "Hi?", "completion": "Gr\u00fc\u00df dich."}'.encode()
ROWS_BY_HAND = {
    "a hundred thousand brackets": b"[" * 100_000,
    "a hundred thousand brackets in a row": b'{"prompt": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a hundred thousand objects": b'{"a":' * 100_000,
    "a number beyond all": b'{"prompt": 1e999, "completion": ' + b"9" * 6000 + b"}",
    "NUL bytes": b'{"prompt": "\0", "completion": "x"}',
    "only NUL bytes": bytes(3000),
    "half a letter": rb'{"prompt": "\ud83d", "completion": "x"}',
    "a lone surrogate in bytes": b'{"prompt": "\xed\xa0\x80", "completion": "x"}',
    "a huge line": b'{"prompt": "' + b"x" * 9_000_000 + b'", "completion": "x"}',
    "a text": b'"Hi?"',
    "null": b"null",
    "not a number": b'{"prompt": NaN, "completion": "x"}',
    "an empty object": b"{}",
    "an empty list": b"[]",
    "an answer that is an object": b'{"prompt": "x", "completion": {"a": 1}}',
    "an answer that is true": b'{"prompt": "x", "completion": true}',
    "no answer": b'{"prompt": "x", "completion": null}',
    "no such field": b'{"prompt": "x"}',
    "an answer of spaces": b'{"prompt": "x", "completion": "   "}',
    "a comma too much": b'{"prompt": "x", "completion": "y",}',
    "two values": b'{"prompt": "x", "completion": "y"} {"prompt": "z", "completion": "y"}',
    "broken off": b'{"prompt": "x", "comple',
}


@pytest.mark.parametrize("name", ROWS_BY_HAND)
def test_a_nasty_row_among_good_ones(desk, name):
    lines = [GOOD.replace(b"Hi", b"Hi %d" % n) for n in range(6)]
    lines.insert(3, ROWS_BY_HAND[name])
    report = desk.bring(desk.file("x.jsonl", b"\n".join(lines)))
    assert (report.files[0].kept, [row["line"] for row in desk.problems()]) == (6, [4])


@pytest.mark.parametrize("name", ROWS_BY_HAND)
def test_a_nasty_row_alone(desk, name):
    path = desk.file("x.json", ROWS_BY_HAND[name])
    try:
        report = desk.bring(path)
    except TunerError as error:
        assert error.advice
    else:
        assert report.files[0].kept <= 2


TURNS_BY_HAND = {
    "no list": {"messages": "Hi"},
    "an empty list": {"messages": []},
    "no objects": {"messages": ["Hi?", "Hello."]},
    "no role": {"messages": [{"content": "Hi?"}, {"role": "assistant", "content": "Hello."}]},
    "an unknown role": {"messages": [{"role": "tool", "content": "Hi?"}, {"role": "assistant", "content": "Hello."}]},
    "a role that is a number": {"messages": [{"role": 1, "content": "Hi?"}]},
    "only an answer": {"messages": [{"role": "assistant", "content": "Hello."}]},
    "only a question": {"messages": [{"role": "user", "content": "Hi?"}]},
    "only a system prompt": {"messages": [{"role": "system", "content": "Hi?"}]},
    "an empty turn": {"messages": [{"role": "user", "content": ""}, {"role": "assistant", "content": "Hello."}]},
    "no text": {"messages": [{"role": "user"}, {"role": "assistant", "content": "Hello."}]},
    "a picture": {
        "messages": [
            {"role": "user", "content": [{"type": "image_url", "image_url": "x"}]},
            {"role": "assistant", "content": "A cat."},
        ]
    },
    "a tool": {
        "messages": [
            {"role": "user", "content": "Hi?"},
            {"role": "assistant", "content": None, "tool_calls": [{"name": "f"}]},
        ]
    },
}


@pytest.mark.parametrize("name", TURNS_BY_HAND)
def test_turns_nobody_could_learn_from(desk, name):
    good = {"messages": [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Hello."}]}
    lines = [json.dumps(row) for row in (good, TURNS_BY_HAND[name])]
    report = desk.bring(desk.file("x.jsonl", "\n".join(lines)))
    assert (report.files[0].kept, [row["line"] for row in desk.problems()]) == (1, [2])
    assert desk.problems()[0]["reason"]


def test_what_is_no_file(desk):
    pipe = desk.folder / "pipe"
    os.mkfifo(pipe)
    secret = desk.file("secret.jsonl", GOOD)
    secret.chmod(0)
    wrong = [desk.folder, pipe, desk.folder / "nothing", desk.file("empty.csv", ""), desk.file("blank.csv", " \n\n")]
    wrong += [desk.folder / "a\0b", desk.folder / ("x" * 300), desk.folder / "secret.jsonl" / "x"]
    if os.geteuid():
        wrong.append(secret)
    for path in wrong:
        with pytest.raises(TunerError) as raised:
            look(path)
        assert raised.value.advice, path
    secret.chmod(stat.S_IRUSR | stat.S_IWUSR)


def zipped():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x.csv", "a,b")
    return out.getvalue()


STRANGERS = {
    "picture.csv": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4,
    "packed.csv": b"\x1f\x8b\x08" + bytes(range(256)) * 4,
    "zip.csv": zipped(),
    "zip.xlsx": zipped(),
    "old.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000),
    "random.csv": random.Random(1).randbytes(5000),
    "words.csv": b"just a few words\nand some more of them\n",
    "half.parquet": b"PAR1" + bytes(400),
    "half.db": b"SQLite format 3\0" + bytes(80),
    "half.xlsx": b"PK\x03\x04" + bytes(80),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_what_is_no_table_whatever_its_name(desk, name):
    with pytest.raises(DatasetError) as raised:
        look(desk.file(name, STRANGERS[name]))
    assert raised.value.advice and raised.value.where.endswith(name)
