"""Every way in which conversations are written: detected by content, and read as the same turns."""

import json
import sqlite3
import subprocess
import sys

import pytest

from tui_tuner.errors import DatasetError, UsageError
from tui_tuner.importing.looking import look

TWO = ["user: Hi?", "assistant: Hello."]
FOUR = [*TWO, "user: And?", "assistant: That is all."]


def turns(*contents, role="role", content="content", names=("user", "assistant")):
    return [{role: names[place % 2], content: text} for place, text in enumerate(contents)]


OBJECTS = {
    "messages": ({"messages": turns("Hi?", "Hello.")}, "messages", TWO),
    "four messages": ({"messages": turns("Hi?", "Hello.", "And?", "That is all.")}, "messages", FOUR),
    "from and value under messages": (
        {"messages": turns("Hi?", "Hello.", role="from", content="value", names=("human", "gpt"))},
        "messages",
        TWO,
    ),
    "parts": ({"messages": turns([{"type": "text", "text": "Hi?"}], "Hello.")}, "messages", TWO),
    "ShareGPT": (
        {"id": "1", "conversations": turns("Hi?", "Hello.", role="from", content="value", names=("human", "gpt"))},
        "conversations",
        TWO,
    ),
    "ShareGPT with a system field": (
        {"system": "Be kind.", "conversations": turns("Hi?", "Hello.", role="from", content="value")},
        "conversations",
        ["system: Be kind.", *TWO],
    ),
    "another name": ({"chat_log": turns("Hi?", "Hello.")}, "messages", TWO),
    "prompt and completion": ({"prompt": "Hi?", "completion": "Hello."}, "completions", TWO),
    "prompt and completion of turns": (
        {"prompt": turns("Hi?"), "completion": [{"role": "assistant", "content": "Hello."}]},
        "completions",
        TWO,
    ),
    "prompt and a chosen conversation": (
        {"prompt": "Hi?", "chosen": turns("Hi?", "Hello."), "rejected": turns("Hi?", "Go away.")},
        "columns",
        TWO,
    ),
    "question and answer in one turn": (
        {"conversation": [{"human": "Hi?", "assistant": "Hello."}, {"human": "And?", "assistant": "That is all."}]},
        "conversations",
        FOUR,
    ),
    "instruction and response": ({"instruction": "Hi?", "response": "Hello."}, "columns", TWO),
    "question and answer": ({"id": 4, "question": "Hi?", "answer": "Hello."}, "columns", TWO),
    "Alpaca": ({"instruction": "Hi?", "input": "", "output": "Hello."}, "alpaca", TWO),
    "Alpaca with input": (
        {"instruction": "Sum up.", "input": "A text.", "output": "Short.", "system": "Be brief."},
        "alpaca",
        ["system: Be brief.", "user: Sum up.\n\nA text.", "assistant: Short."],
    ),
    "the guide's line": ({"text": "<s>[INST] Hi? [/INST] Hello.</s>"}, "text", TWO),
    "the guide's line with two turns": (
        {"text": "<s>[INST] Hi? [/INST] Hello.</s>[INST] And? [/INST] That is all.</s>"},
        "text",
        FOUR,
    ),
    "the guide's line with a question at its end": (
        {"text": "<s>[INST] Hi? [/INST] Hello.</s>[INST] And? [/INST]"},
        "text",
        TWO,
    ),
    "Llama 2 with a system prompt": (
        {"text": "<s>[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nHi? [/INST] Hello.</s>"},
        "text",
        ["system: Be kind.", *TWO],
    ),
    "ChatML": (
        {"text": "<|im_start|>user\nHi?<|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n"},
        "text",
        TWO,
    ),
    "Llama 3": (
        {
            "text": "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi?<|eot_id|>"
            "<|start_header_id|>assistant<|end_header_id|>\n\nHello.<|eot_id|>"
        },
        "text",
        TWO,
    ),
    "headings": ({"text": "### Instruction:\nHi?\n\n### Response:\nHello.\n"}, "text", TWO),
    "speakers": ({"text": "Human: Hi?\n\nAssistant: Hello."}, "text", TWO),
}


def as_json_lines(row):
    return json.dumps(row) + "\n" + json.dumps(row) + "\n"


def as_one_line(row):
    return json.dumps(row)


def as_list(row):
    return json.dumps([row, row], indent=2)


def as_list_with_an_item_a_line(row):
    return f"[\n{json.dumps(row)},\n{json.dumps(row)}\n]\n"


def as_object_that_holds_a_list(row):
    return json.dumps({"version": "1", "source": {"name": "x"}, "data": [row]})


def as_objects_one_after_another(row):
    return json.dumps(row, indent=2) + "\n" + json.dumps(row, indent=2)


WRITERS = [value for name, value in list(globals().items()) if name.startswith("as_")]


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("name", OBJECTS)
def test_every_format_in_every_kind_of_json(desk, name, writer):
    row, form, expected = OBJECTS[name]
    path = desk.file("x.json", writer(row))
    sighting = look(path)
    assert (sighting.shape.form, sighting.bad) == (form, ())
    report = desk.bring(path)
    assert desk.conversations() == [expected]
    assert (report.files[0].kept, report.files[0].bad) == (1, 0)


@pytest.mark.parametrize("ending", ["jsonl", "json", "txt", "csv", ""])
def test_the_ending_does_not_matter(desk, ending):
    desk.bring(desk.file(f"x.{ending}", as_json_lines({"prompt": "Hi?", "completion": "Hello."})))
    assert desk.conversations() == [TWO]


def test_lines_that_are_lists_of_turns(desk):
    desk.bring(desk.file("x.jsonl", json.dumps(turns("Hi?", "Hello.")) + "\n" + json.dumps(turns("A?", "B."))))
    assert desk.conversations() == [TWO, ["user: A?", "assistant: B."]]


def test_the_guides_lines_without_json(desk):
    desk.bring(desk.file("x.txt", "<s>[INST] Hi? [/INST] Hello.</s>\n\n<s>[INST] A? [/INST] B.</s>\n"))
    assert desk.conversations() == [TWO, ["user: A?", "assistant: B."]]
    assert desk.sources() == ["x.txt:1", "x.txt:3"]


def test_a_question_without_an_answer_at_the_end_is_cut_off_and_counted(desk):
    lines = [
        {"messages": turns("Hi?", "Hello.", "And?")},
        {"messages": turns("A?", "B.", "C?", "")},
        {"messages": turns("D?", "E.")},
    ]
    report = desk.bring(desk.file("x.jsonl", "\n".join(map(json.dumps, lines))))
    assert [len(row["messages"]) for row in desk.rows()] == [2, 2, 2]
    assert report.files[0].cut == 2


# -- tables of text ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(desk, delimiter):
    lines = [["Frage", "Antwort", "Datum"], ["Hi?", "Hello.", "1"], ["A, b; c?", "B.", "2"]]
    text = "\n".join(delimiter.join(f'"{cell}"' for cell in line) for line in lines)
    desk.bring(desk.file("x.csv", text))
    assert desk.conversations() == [TWO, ["user: A, b; c?", "assistant: B."]]


def test_a_first_line_that_names_the_delimiter(desk):
    desk.bring(desk.file("x.csv", "sep=|\r\nquestion|answer\r\nHi?|Hello.\r\n"))
    assert (desk.conversations(), desk.sources()) == ([TWO], ["x.csv:3"])


def test_quoted_newlines_and_quotation_marks_and_line_numbers(desk):
    text = 'question,answer\r\n"Hi?","Hello\r\n""you"".\r\n\r\nBye."\r\nA?,B.\r\n'
    desk.bring(desk.file("x.csv", text))
    assert desk.conversations() == [
        ["user: Hi?", 'assistant: Hello\r\n"you".\r\n\r\nBye.'],
        ["user: A?", "assistant: B."],
    ]
    assert desk.sources() == ["x.csv:2", "x.csv:6"]


def test_tabs_with_quotation_marks_that_are_only_letters(desk):
    lines = "".join(f'He said "{n}"?\t"No" was the answer {n}.\n' for n in range(5))
    desk.bring(desk.file("x.tsv", f"question\tanswer\n{lines}"))
    assert desk.conversations()[0] == ['user: He said "0"?', 'assistant: "No" was the answer 0.']
    assert len(desk.rows()) == 5


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", False),
        ("utf-8-sig", False),
        ("utf-16", False),
        ("utf-16-le", True),
        ("utf-16-be", True),
        ("utf-32", False),
        ("cp1252", True),
    ],
)
def test_encodings(desk, encoding, said):
    content = "Frage,Antwort\nWie heißt du?,Jürgen – „so“.\n".encode(encoding)
    path = desk.file("x.csv", content)
    assert bool(look(path).doubts) == said
    desk.bring(path)
    assert desk.conversations() == [["user: Wie heißt du?", "assistant: Jürgen – „so“."]]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_json_in_other_encodings(desk, encoding):
    content = '{"prompt": "Wie heißt du?", "completion": "Jürgen"}\n{"prompt": "b", "completion": "ö"}\n'
    desk.bring(desk.file("x.jsonl", content.encode(encoding)))
    assert desk.conversations()[0] == ["user: Wie heißt du?", "assistant: Jürgen"]


@pytest.mark.parametrize(
    ("answer", "encoding", "said"),
    [
        ("Где находится библиотека? Она стоит на главной площади города.", "koi8-r", "KOI8-R"),
        ("図書館はどこにありますか。町の中央広場にあります。", "shift_jis", "CP932"),
        ("Wie heißt du? Größer, schöner, älter, süßer, über Öl, Äpfel und Übel.", "cp1252", "Windows-1252"),
    ],
)
def test_a_table_in_an_encoding_of_its_country_is_read_as_what_it_looks_like(desk, answer, encoding, said):
    path = desk.file("x.csv", f'question,answer\nOne?,"{answer}"\nTwo?,"{answer} {answer}"\n'.encode(encoding))
    assert any(f"read as {said}, so look" in doubt for doubt in look(path).doubts)
    desk.bring(path)
    assert desk.conversations()[0] == ["user: One?", f"assistant: {answer}"]


def test_without_names_the_first_two_columns_are_question_and_answer_and_that_is_said(desk):
    path = desk.file("x.csv", "What is it?,A cat.\nWho is it?,A dog.\n")
    assert len(look(path).doubts) == 2
    desk.bring(path)
    assert desk.conversations() == [
        ["user: What is it?", "assistant: A cat."],
        ["user: Who is it?", "assistant: A dog."],
    ]


def test_more_turns_in_columns(desk):
    text = "system,user,assistant,user2,assistant2\nBe kind.,Hi?,Hello.,And?,That is all.\n,Hi?,Hello.,,\n"
    desk.bring(desk.file("x.csv", text))
    assert desk.conversations() == [["system: Be kind.", *FOUR], TWO]


def test_turns_as_json_in_a_cell(desk):
    cell = json.dumps(turns("Hi?", "Hello.")).replace('"', '""')
    desk.bring(desk.file("x.csv", f'id,messages\n1,"{cell}"\n'))
    assert desk.conversations() == [TWO]


# -- a person's own mapping --------------------------------------------------------------------------------------------


def test_columns_nobody_knows_are_asked_for(desk):
    path = desk.file("x.csv", "betreff,text_a,text_b\nx,Hi?,Hello.\n")
    sighting = look(path)
    assert not sighting.shape.complete and sighting.columns == ("betreff", "text_a", "text_b")
    with pytest.raises(DatasetError, match="--map user=COLUMN"):
        desk.bring(path)
    assert not desk.rows()
    desk.bring(path, mapping={"user": "text_a", "assistant": "text_b"})
    assert desk.conversations() == [TWO]


def test_a_mapping_goes_before_the_guess_and_can_take_a_role_away(desk):
    path = desk.file("x.csv", "question,answer,context,other\nA?,B.,About,Hi?\n")
    desk.bring(path, mapping={"user": "other", "input": ""})
    assert desk.conversations() == [["user: Hi?", "assistant: B."]]


@pytest.mark.parametrize("mapping", [{"nobody": "question"}, {"user": "frage"}])
def test_a_wrong_mapping_names_what_there_is(desk, mapping):
    path = desk.file("x.csv", "question,answer\nA?,B.\n")
    with pytest.raises(UsageError) as raised:
        look(path, mapping=mapping)
    assert "question" in raised.value.advice or "user" in raised.value.advice


def test_a_format_that_is_named_goes_before_the_guess(desk):
    row = {"text": "<s>[INST] Hi? [/INST] Hello.</s>", "question": "A?", "answer": "B."}
    path = desk.file("x.jsonl", json.dumps(row))
    desk.bring(path, form="text")
    assert desk.conversations() == [TWO]
    with pytest.raises(UsageError):
        look(path, form="messages")


# -- databases, Parquet, workbooks -------------------------------------------------------------------------------------


def database(path, *statements):
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(*statement) if isinstance(statement, tuple) else connection.execute(statement)
    connection.close()
    return path


def test_a_database_is_read_by_rowid_and_not_changed(desk):
    path = database(
        desk.folder / "x.db",
        "CREATE TABLE log (line TEXT)",
        "CREATE TABLE chats (id INTEGER PRIMARY KEY, prompt TEXT, response TEXT)",
        "INSERT INTO chats VALUES (7, 'Hi?', 'Hello.'), (9, 'How many?', 42), (12, 'x', NULL)",
    )
    before = path.read_bytes()
    sighting = look(path)
    assert (sighting.table, sighting.tables, sighting.rows) == ("chats", ("log", "chats"), 3)
    assert any("log" in doubt for doubt in sighting.doubts)
    desk.bring(path)
    assert desk.conversations() == [TWO, ["user: How many?", "assistant: 42"]]
    assert desk.sources() == ["x.db:7", "x.db:9"]
    assert [(row["row"], row["reason"]) for row in desk.problems()] == [(12, "no answer")]
    assert path.read_bytes() == before and sorted(desk.folder.iterdir()) == [desk.data, path]


def test_what_another_program_left_half_done_stays_as_it_is(desk):
    path = database(
        desk.folder / "x.db", "CREATE TABLE chats (prompt, response)", "INSERT INTO chats VALUES ('A?', 'B.')"
    )
    # Killed between two writes: the file is changed and its journal beside it; whoever may write would undo the change.
    program = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA cache_size = 1');"
        "c.execute('PRAGMA cache_spill = 1');"
        "c.executemany('INSERT INTO chats VALUES (?, ?)', [(str(n), 'x' * 500) for n in range(5000)]); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", program, str(path)])
    before = {entry.name: entry.read_bytes() for entry in desk.folder.iterdir()}
    assert sorted(before) == ["x.db", "x.db-journal"]
    with pytest.raises(DatasetError) as raised:
        look(path)
    assert "was killed while it wrote" in raised.value.advice
    assert {entry.name: entry.read_bytes() for entry in desk.folder.iterdir()} == before


def test_a_table_is_chosen_and_a_view_is_one(desk):
    path = database(
        desk.folder / "x.db",
        'CREATE TABLE "odd ""name" (question, answer) ',
        "INSERT INTO \"odd \"\"name\" VALUES ('Hi?', 'Hello.')",
        "CREATE TABLE without (question TEXT PRIMARY KEY, answer) WITHOUT ROWID",
        'CREATE VIEW seen AS SELECT question, answer FROM "odd ""name"',
    )
    for table in ('odd "name', "seen"):
        desk.bring(path, table=table, replace=True)
        assert desk.conversations() == [TWO]
    assert desk.bring(path, table="without").files[0].rows == 0
    with pytest.raises(UsageError, match="no table"):
        look(path, table="nothing")


def test_parquet(desk):
    duckdb = pytest.importorskip("duckdb")
    path = desk.folder / "x [1]*.parquet"
    rows = "(VALUES ('Hi?', 'Hello.'), ('A?', NULL)) AS rows(question, answer)"
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT * FROM {rows}) TO '{path}' (FORMAT parquet)")
    assert (look(path).columns, look(path).rows) == (("question", "answer"), 2)
    desk.bring(path)
    assert (desk.conversations(), desk.sources()) == ([TWO], [f"{path.name}:1"])
    assert desk.problems()[0]["row"] == 2


def test_parquet_with_lists_of_turns(desk):
    duckdb = pytest.importorskip("duckdb")
    path = desk.folder / "x.parquet"
    row = "[{'role': 'user', 'content': 'Hi?'}, {'role': 'assistant', 'content': 'Hello.'}] AS messages"
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT {row}) TO '{path}' (FORMAT parquet)")
    desk.bring(path)
    assert desk.conversations() == [TWO]


def test_a_workbook(desk):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["nothing", "here"])
    sheet = book.create_sheet("Chats")
    for cells in (["Frage", "Antwort", None], ["Hi?", "Hello."], [], ["How many?", 42], ["x", None]):
        sheet.append(cells)
    path = desk.folder / "x.xlsx"
    book.save(path)
    sighting = look(path)
    assert (sighting.kind, sighting.table) == ("xlsx", "Chats")
    desk.bring(path)
    assert desk.conversations() == [TWO, ["user: How many?", "assistant: 42"]]
    assert desk.sources() == ["x.xlsx:2", "x.xlsx:4"]
    assert desk.problems()[0]["row"] == 5
    with pytest.raises(DatasetError, match="which column is the question"):
        desk.bring(path, table="Sheet")


@pytest.mark.parametrize(("name", "module"), [("x.parquet", "duckdb"), ("x.xlsx", "openpyxl")])
def test_without_the_extra_it_says_what_to_install(desk, name, module, monkeypatch):
    import zipfile

    path = desk.folder / name
    if name.endswith("xlsx"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("xl/workbook.xml", "<workbook/>")
    else:
        path.write_bytes(b"PAR1" + bytes(100))
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(DatasetError) as raised:
        look(path)
    assert "pip install 'tui-tuner[tables]'" in raised.value.advice
