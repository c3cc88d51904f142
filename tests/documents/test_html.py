import time

import pytest

from tui_tuner.documents.html import read_html

PAGE = """<!DOCTYPE html>
<html><head><title>My site</title><style>p { color: red }</style><script>alert("no")</script></head>
<body>
<nav><ul><li>Home</li><li>About</li></ul></nav>
<h1>Bread &amp; <em>butter</em></h1>
<p>First   paragraph,
over lines.<p>Second<br>with a break.
<h2>List</h2>
<ul><li>one <b>bold</b><ul><li>inner</li></ul></li><li>two</li></ul>
<pre><code># not a heading
  indented</code></pre>
<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>
<div role="navigation">Next page</div><p hidden>secret</p>
<footer>© somebody</footer>
</body></html>
"""


def test_text_with_its_structure_and_without_scripts_and_navigation():
    assert [(block.kind, block.line, block.text) for block in read_html(PAGE)] == [
        ("heading", 5, "# Bread & butter"),
        ("text", 6, "First paragraph, over lines."),
        ("text", 7, "Second\nwith a break."),
        ("heading", 8, "## List"),
        ("lines", 9, "- one bold\n  - inner\n- two"),
        ("lines", 10, "```\n# not a heading\n  indented\n```"),
        ("lines", 12, "a | b\n1 | 2"),
    ]


def test_of_a_page_that_names_its_main_part_only_that_is_read():
    page = "<div>Sidebar</div><div><main><p>The text.</p></main></div><p>Cookies!</p>"
    assert [block.text for block in read_html(page)] == ["The text."]
    page = '<p>Sidebar</p><div role="main"><p>The text.</p><p>More.</p></div><p>Cookies!</p>'
    assert [block.text for block in read_html(page)] == ["The text.", "More."]


def test_without_headings_the_title_is_one():
    blocks = read_html("<title>My\n page</title><p>Text.")
    assert [(block.kind, block.title or block.text) for block in blocks] == [("heading", "My page"), ("text", "Text.")]


def test_words_of_neighbouring_elements_keep_their_spaces():
    assert read_html("<p>one <b>two</b> three<i>four</i></p>")[0].text == "one two threefour"


def test_an_unclosed_navigation_ends_with_what_holds_it():
    assert [block.text for block in read_html("<div><nav><a>Home</a></div><p>Text.</p>")] == ["Text."]


def test_a_hundred_thousand_tags_in_one_another_are_read():
    page = "<div>" * 100_000 + "deep" + "</span>" * 100_000 + "</div>" * 100_000 + "<p>after</p>"
    assert [block.text for block in read_html(page)] == ["deep", "after"]


def test_broken_off_anywhere_it_is_read_as_far_as_it_goes():
    for end in range(0, len(PAGE), 7):
        read_html(PAGE[:end])


def test_comments_are_left_out_and_lines_still_counted():
    page = "<p>One <!-- not\nthis -->two.</p>\n<p>Three.<!-- never closed <p>Four."
    assert [(block.line, block.text) for block in read_html(page)] == [
        (1, "One two."),
        (3, "Three. never closed"),
        (3, "Four."),
    ]


def test_a_tag_that_breaks_off_is_left_out_and_a_sign_is_not():
    assert read_html("<p>1 < 2 and so on")[0].text == "1 < 2 and so on"
    assert read_html('<p>Text <a href="http')[0].text == "Text"


@pytest.mark.parametrize("piece", ["<!--", '<a href="', "<b> </b>", "<ul><li>", "</p>", "<!", "<"])
def test_a_hundred_thousand_of_anything_are_read_in_a_moment(piece):
    began = time.process_time()
    read_html("<p>Text.</p>" + piece * 100_000)
    assert time.process_time() - began < 30
