from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from tui_tuner.errors import UsageError
from tui_tuner.evaluation.comparisons import Answer, Comparison
from tui_tuner.evaluation.prompts import Prompt
from tui_tuner.evaluation.report import as_html, as_markdown, export_comparison

NASTY = "a <script>alert(1)</script> ![x](http://there/x.png) ```\n````\n# **b** \x1b[31m& <img src=//there> | end"


@pytest.fixture
def kept(tmp_path):
    made = Comparison(
        tmp_path / "2026-03-04_12-00-00.jsonl",
        {},
        {"base": "base <b>", "tuned": "tuned | run_1_"},
        (Prompt("why? " + NASTY, NASTY), Prompt("when?")),
    )
    made.answers[0, "base"] = Answer("it is so", 3, 1.0, 1.0, "stop")
    made.answers[0, "tuned"] = Answer("it was so " + NASTY, 5, 1.0, 1.0, "length")
    return made


class Tags(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags, self.texts, self.marked = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        assert not {"src", "href", "onload"} & {name for name, _value in attributes}

    def handle_data(self, data):
        self.texts.append(data)
        if self.tags[-1:] == ["mark"]:
            self.marked.append(data)
            self.tags.append("after")


def test_the_page_holds_nothing_but_text(kept):
    page = as_html(kept)
    found = Tags(page)
    assert not {"script", "img", "b", "a", "link"} & set(found.tags)
    assert "<script>alert(1)</script>" in "".join(found.texts)
    assert "\x1b" not in page and "http://there" in page  # as words, which nobody fetches
    assert found.marked[0] == "was"
    assert "when?" not in page  # nobody has answered it


def test_in_markdown_an_answer_stays_what_it_is(kept):
    tokens = MarkdownIt("commonmark").enable("table").parse(as_markdown(kept))
    kinds = {token.type for token in tokens} | {child.type for token in tokens for child in token.children or ()}
    assert not {"html_block", "html_inline", "image", "link_open", "em_open"} & kinds
    fences = [token.content for token in tokens if token.type == "fence"]
    assert [text.startswith(begin) for text, begin in zip(fences, ("a <script>", "it is so", "it was so"), strict=True)]
    assert "\n````\n" in fences[2]  # its own fence does not end it


def test_the_ending_says_how(kept, tmp_path):
    export_comparison(kept, tmp_path / "a" / "one.html")
    export_comparison(kept, tmp_path / "one.MD")
    assert (tmp_path / "a" / "one.html").read_text() == as_html(kept)
    assert (tmp_path / "one.MD").read_text() == as_markdown(kept)
    with pytest.raises(UsageError, match="Markdown or as HTML"):
        export_comparison(kept, tmp_path / "one.txt")


def test_every_answer_has_its_length_time_and_speed(kept):
    kept.answers[1, "base"] = Answer("so", 42, 21.0, 2.04, "stop", together=True)
    for report in (as_html(kept), as_markdown(kept)):
        assert "(3 tokens, 1.0 s, 1 tok/s)" in report
        assert "(5 tokens, 1.0 s, 1 tok/s, cut at the longest answer)" in report
        assert "(42 tokens, in a batch)" in report
