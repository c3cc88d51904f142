"""A page to share: whole, escaped, and from this file alone."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from training.story import EVENTS, make_run, started, step

from tui_tuner.choices import TrainingChoice
from tui_tuner.project import create_project
from tui_tuner.training.events import FinalTest, SampleAnswered, TrainingEnded, Validation
from tui_tuner.training.run_names import write_note
from tui_tuner.training.run_report import report_page, write_report

NASTY = '<script>alert("1")</script><img src=x onerror=y>\x1b[31m & "quoted"'


class Page(HTMLParser):
    """What a browser would find."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.texts, self.attributes = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == [], "every element is closed"

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture
def run(tmp_path):
    project = create_project(tmp_path / "secret-folder")
    events = [
        started(),
        Validation(0, 4.0, False, 0.1, 1.0),
        *(SampleAnswered(at, 0, NASTY, f"{NASTY} {at}", 5, at == 8, 2.0) for at in (0, 4, 8, 10)),
        *(step(number, 2.0 - number / 10) for number in range(1, 11)),
        Validation(8, 1.5, True, 0.1, 2.0),
        FinalTest(8, 1.6, 4.953, 3, 30, 2.0),
        TrainingEnded("run-1", 10, 10, True, 1.5, 8, 5.0, 3.0),
    ]
    make_run(project, "run-1", events, choice=TrainingChoice(iters=10, sample_prompts=(NASTY,)))
    write_note(project.runs / "run-1", NASTY)
    return project.runs / "run-1"


def test_it_tells_the_run(run):
    page = Page(report_page(run))
    text = "\n".join(page.texts)
    assert "starter, finished: 10 of 10 steps; held-out loss 4.000 → 1.500" in text
    assert "1.500 after step 8" in text
    assert "1.600, perplexity 4.953, 3 rows" in text
    assert "finished after 10 steps" in text
    assert page.tags.count("svg") == 5
    assert "learning_rate" in text
    answers = [found for found in page.texts if found.startswith(("before training", "step "))]
    assert answers == ["before training", "step 8, kept", "step 10"]


def test_nothing_in_it_is_markup_or_from_elsewhere(run):
    text = report_page(run)
    page = Page(text)
    assert not {"script", "img", "link", "iframe"} & set(page.tags)
    assert not [name for name, _value in page.attributes if name.startswith("on") or name in ("src", "href")]
    assert not re.search(r"https?:|url\(|@import", text)
    assert "\x1b" not in text
    assert 'alert("1")' in "".join(page.texts), "it is there as a text"


def test_it_does_not_say_where_things_are(run):
    assert "secret-folder" not in report_page(run)
    assert "/a/model" not in report_page(run)


def test_settings_that_are_not_the_usual_are_marked(run):
    changed = re.findall(r'<tr class="changed"><th>(\w+)</th>', report_page(run))
    assert changed == ["iters", "sample_prompts"]


def test_a_run_without_anything_has_its_page(tmp_path):
    project = create_project(tmp_path / "p")
    make_run(project, "run-1", [])
    page = Page(report_page(project.runs / "run-1"))
    assert "svg" not in page.tags


def test_it_is_written_whole(run, tmp_path):
    path = tmp_path / "deep" / "report.html"
    write_report(run, path)
    assert path.read_text() == report_page(run)


def test_a_long_run_stays_small(tmp_path):
    project = create_project(tmp_path / "p")
    make_run(project, "run-1", [*EVENTS[:1], *(step(number, 2.0) for number in range(1, 5_001))])
    assert len(report_page(project.runs / "run-1")) < 250_000
