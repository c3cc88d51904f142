import os
from pathlib import Path

import pytest

from tui_tuner.documents.adding import LOOK_EVERY, DocumentsPlan, add_documents
from tui_tuner.documents.looking import look_at_documents
from tui_tuner.documents.passages import read_passages
from tui_tuner.errors import DatasetError, Stopped
from tui_tuner.progress import StageProgress, StopToken, ignore_event

BREAD = "# Bread\n\nBread is made of flour, water, salt and yeast, and it has to rise twice before it is baked.\n"
TEA = "Tea is made with leaves and hot water. Green tea wants water that no longer boils."


def add(data, *sources, longest=50, emit=ignore_event):
    return add_documents(DocumentsPlan(data, sources, longest), emit=emit, stop=StopToken())


@pytest.fixture
def docs(tmp_path):
    folder = tmp_path / "docs"
    (folder / "inner").mkdir(parents=True)
    (folder / "bread.md").write_text(BREAD)
    (folder / "inner" / "tea.txt").write_text(TEA)
    return folder


def pdf(*texts):
    """A small PDF, one page for each text."""
    pages = "".join(f"{4 + 2 * place} 0 R " for place in range(len(texts)))
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{pages}]/Count {len(texts)}>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for place, text in enumerate(texts):
        stream = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET" if text else ""
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents {5 + 2 * place} 0 R"
            "/Resources<</Font<</F1 3 0 R>>>>>>"
        )
        objects.append(f"<</Length {len(stream)}>>stream\n{stream}\nendstream")
    content, places = b"%PDF-1.4\n", []
    for number, text in enumerate(objects, start=1):
        places.append(len(content))
        content += f"{number} 0 obj{text}endobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
    return content + f"{end}trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{len(content)}\n%%EOF".encode()


def test_a_folder_becomes_passages_with_their_places(tmp_path, docs):
    heard = []
    added = add(tmp_path / "data", docs, emit=heard.append)
    passages = read_passages(tmp_path / "data")
    assert [(one.place, one.heading) for one in passages] == [
        ("docs/bread.md:1", "Bread"),
        ("docs/inner/tea.txt:1", ""),
    ]
    assert [one.text for one in passages] == [BREAD.strip(), TEA]
    assert (added.documents, added.passages, added.new, added.all_passages) == (2, 2, 2, 2)
    assert added.words == sum(one.words for one in passages) > 30
    assert heard[-1] == added
    assert [event for event in heard if isinstance(event, StageProgress)][-1].ended


def test_added_again_only_what_changed_is_new_and_what_is_gone_goes(tmp_path, docs):
    data = tmp_path / "data"
    (docs / "rice.md").write_text("# Rice\n\nRice is washed first, then it is cooked with twice its volume of water.")
    add(data, docs)
    before = {one.file: one.id for one in read_passages(data)}
    (docs / "bread.md").write_text(BREAD + "\n" * 9 + "And eaten warm.")
    (docs / "rice.md").unlink()
    added = add(data, docs)
    after = {one.file: one.id for one in read_passages(data)}
    assert (added.new, added.gone, added.all_passages) == (1, 2, 2)
    assert after["docs/inner/tea.txt"] == before["docs/inner/tea.txt"]
    assert after["docs/bread.md"] != before["docs/bread.md"]


def test_other_documents_stay_and_one_file_can_be_added_by_itself(tmp_path, docs):
    data, other = tmp_path / "data", tmp_path / "notes.md"
    other.write_text("# Notes\n\nThese notes have nothing to do with the folder beside them, and they stay.")
    add(data, docs)
    add(data, other)
    (docs / "inner" / "tea.txt").write_text(TEA.replace("Green", "White"))
    added = add(data, docs / "inner" / "tea.txt")
    assert (added.documents, added.new, added.gone, added.all_passages) == (1, 1, 1, 3)
    assert len({one.path for one in read_passages(data)}) == 3


def test_a_document_that_cannot_be_read_any_more_keeps_its_passages(tmp_path, docs):
    data = tmp_path / "data"
    add(data, docs)
    (docs / "bread.md").write_bytes(b"\0" * 100)
    added = add(data, docs)
    assert [one.file for one in added.unreadable] == ["docs/bread.md"]
    assert sorted(one.file for one in read_passages(data)) == ["docs/bread.md", "docs/inner/tea.txt"]


def test_nasty_files_are_listed_with_their_reason_and_the_others_go_on(tmp_path, docs):
    (docs / "picture.md").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)))
    (docs / "empty.md").write_text(" \n\n")
    (docs / "broken.pdf").write_bytes(pdf("Text")[:40])
    (docs / "no.pdf").write_bytes(b"certainly no PDF")
    (docs / "scanned.pdf").write_bytes(pdf("", ""))
    os.mkfifo(docs / "pipe.md")
    (docs / "lost.md").symlink_to(docs / "nowhere")
    (docs / "photo.jpg").write_bytes(b"...")
    (docs / ".hidden.md").write_text("hidden")
    (docs / ".git").mkdir()
    (docs / ".git" / "readme.md").write_text("hidden")
    added = add(tmp_path / "data", docs)
    reasons = {Path(one.file).name: one.reason for one in added.unreadable}
    assert sorted(reasons) == ["broken.pdf", "empty.md", "lost.md", "no.pdf", "picture.md", "pipe.md", "scanned.pdf"]
    assert "binary" in reasons["picture.md"]
    assert "no text" in reasons["empty.md"]
    assert "pipe" in reasons["pipe.md"]
    assert "scanned" in reasons["scanned.pdf"]
    assert added.unsupported == ("docs/photo.jpg",)
    assert added.documents == 2


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="a file that opens and cannot be read")
def test_a_file_that_cannot_be_read_is_listed(tmp_path, docs):
    (docs / "memory.md").symlink_to("/proc/self/mem")
    added = add(tmp_path / "data", docs)
    assert [one.file for one in added.unreadable] == ["docs/memory.md"]


def test_links_in_a_circle_are_followed_once(tmp_path, docs):
    (docs / "inner" / "again").symlink_to(docs)
    (docs / "inner" / "self").symlink_to("self")
    added = add(tmp_path / "data", docs)
    assert (added.documents, added.passages) == (2, 2)


def test_a_pdf_gives_its_pages(tmp_path):
    path = tmp_path / "guide.pdf"
    path.write_bytes(pdf(TEA, BREAD.split("\n\n")[1].strip()))
    add(tmp_path / "data", path, longest=20)
    passages = read_passages(tmp_path / "data")
    assert [one.place for one in passages] == ["guide.pdf, page 1", "guide.pdf, page 2"]
    assert passages[0].text == TEA


def test_an_encrypted_pdf_is_said(tmp_path, docs):
    from pypdf import PdfReader, PdfWriter

    (docs / "open.pdf").write_bytes(pdf(TEA))
    writer = PdfWriter(PdfReader(docs / "open.pdf"))
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(docs / "closed.pdf")
    (problem,) = add(tmp_path / "data", docs).unreadable
    assert problem.file == "docs/closed.pdf"
    assert "encrypted" in problem.reason


def test_names_that_are_not_utf8_do_no_harm(tmp_path, docs):
    (docs / os.fsdecode(b"caf\xe9.md")).write_text("# Café\n\nA file from another time, with a name from there.")
    assert add(tmp_path / "data", docs).documents == 3
    assert add(tmp_path / "data", docs).all_passages == 3


def test_where_there_are_no_documents_it_says_so_and_changes_nothing(tmp_path, docs):
    data = tmp_path / "data"
    add(data, docs)
    before = (data / "passages.jsonl").read_bytes()
    empty = tmp_path / "empty"
    empty.mkdir()
    for source in (empty, tmp_path / "nowhere", tmp_path / "photo.jpg"):
        (tmp_path / "photo.jpg").write_bytes(b"...")
        with pytest.raises(DatasetError):
            add(data, source)
    assert (data / "passages.jsonl").read_bytes() == before


def test_stopped_in_the_middle_the_passages_are_as_they_were(tmp_path, docs):
    stop = StopToken()
    data = tmp_path / "data"

    def emit(event):
        if isinstance(event, StageProgress) and event.done == 1:
            stop.request()

    with pytest.raises(Stopped):
        add_documents(DocumentsPlan(data, (docs,), 50), emit=emit, stop=stop)
    assert read_passages(data) == []


def test_a_look_counts_the_files_it_passes_and_can_be_stopped_among_them(tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(2 * LOOK_EVERY + 1):
        (folder / f"{number}.{'txt' if number % 2 else 'png'}").write_text("A few words about the matter at hand.")
    plan, heard = DocumentsPlan(tmp_path / "data", (folder, folder), 50), []
    seen = look_at_documents(plan, emit=heard.append, stop=StopToken())
    assert (seen.documents, len(seen.first)) == (LOOK_EVERY, 5)
    assert [(event.stage, event.done) for event in heard if event.ended] == [("Looking", 2 * (2 * LOOK_EVERY + 1))]
    stop = StopToken()

    def emit(event):
        passed.append(event.done)
        if event.done == LOOK_EVERY:
            stop.request()

    passed = []
    with pytest.raises(Stopped):
        look_at_documents(plan, emit=emit, stop=stop)
    assert max(passed) == LOOK_EVERY


def test_the_event_is_one_line_of_json(tmp_path, docs):
    (docs / "picture.md").write_bytes(b"\0")
    said = add(tmp_path / "data", docs).as_json()
    assert said["event"] == "documents_added"
    assert said["unreadable"][0]["file"] == "docs/picture.md"


def test_a_pdfs_own_table_of_contents_gives_the_headings(tmp_path):
    from pypdf import PdfReader, PdfWriter

    path = tmp_path / "guide.pdf"
    path.write_bytes(pdf("1. Tea", TEA, "1.1 Green  tea", TEA.replace("Tea", "It")))
    writer = PdfWriter(PdfReader(path))
    chapter = writer.add_outline_item(title="Tea", page_number=0)
    writer.add_outline_item(title="Green tea", page_number=2, parent=chapter)
    writer.add_outline_item(title="On no page", page_number=3)
    writer.write(path)
    add(tmp_path / "data", path, longest=20)
    found = [(one.line, one.heading, one.text.split("\n")[0]) for one in read_passages(tmp_path / "data")]
    assert found == [(1, "1. Tea", "1. Tea"), (3, "1. Tea > 1.1 Green tea", "1.1 Green  tea")]
