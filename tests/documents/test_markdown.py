import re

from tui_tuner.documents.markdown import read_markdown

GUIDE = """\
---
title: Guide
tags: [a, b]
---
# The *Guide* to [Backups](http://example.org) `now`

Intro, first line
and second.

Setext here
===========

- one
  - nested

    with a paragraph
  - other
- two

```sh
# not a heading
echo hi

## neither
```

| a | b |
|---|---|
| 1 | 2 |

<!-- a remark
of the author -->

Ends here, see [there][far].

[far]: http://example.org/far
"""


def squeezed(text):
    return re.sub(r"\s+", "", text)


def test_blocks_with_their_kinds_and_lines():
    found = [(block.kind, block.line, block.text.split("\n")[0]) for block in read_markdown(GUIDE)]
    assert found == [
        ("heading", 5, "# The *Guide* to [Backups](http://example.org) `now`"),
        ("text", 7, "Intro, first line"),
        ("heading", 10, "Setext here"),
        ("lines", 13, "- one"),
        ("lines", 20, "```sh"),
        ("lines", 27, "| a | b |"),
        ("text", 34, "Ends here, see [there][far]."),
    ]


def test_titles_are_without_marks_and_levels_are_known():
    headings = [block for block in read_markdown(GUIDE) if block.kind == "heading"]
    assert [(block.level, block.title) for block in headings] == [(1, "The Guide to Backups now"), (1, "Setext here")]


def test_nothing_is_lost_but_front_matter_and_comments():
    whole = "".join(block.text for block in read_markdown(GUIDE))
    expected = re.sub(r"<!--.*?-->", "", GUIDE.split("---\n", 2)[2], flags=re.DOTALL)
    assert squeezed(whole) == squeezed(expected)


def test_a_rule_at_the_top_is_no_front_matter():
    text = "---\n\nA sentence of some length, no setting.\n\n---\n\nMore."
    assert squeezed("".join(block.text for block in read_markdown(text))) == squeezed(text)


def test_front_matter_of_other_makers_goes_too():
    assert [block.text for block in read_markdown('+++\ntitle = "x"\n+++\nText.')] == ["Text."]


def test_only_definitions_of_links_are_text_too():
    assert [block.text for block in read_markdown("[far]: http://example.org/far\n")] == [
        "[far]: http://example.org/far"
    ]


def test_a_hundred_thousand_quotes_in_one_another_are_read():
    text = "> " * 100_000 + "deep"
    assert squeezed("".join(block.text for block in read_markdown(text))) == squeezed(text)
