"""Two small documents, and the real starter model as the teacher: questions and answers that are about them."""

import pytest

from tui_tuner.dataset.grounding import share_from
from tui_tuner.dataset.make import make_dataset
from tui_tuner.dataset.plan import plan_dataset
from tui_tuner.documents.adding import add_documents, plan_documents
from tui_tuner.documents.passages import read_passages
from tui_tuner.files import read_json_lines
from tui_tuner.progress import StopToken, ignore_event
from tui_tuner.project import create_project
from tui_tuner.teachers.mlx_teacher import MLXTeacher

GUIDE = """\
# Bakery guide

## Backups

Backups are made every night at two o'clock and kept for thirty days. Older backups are deleted. Each backup is stored
in the folder /var/backups, compressed with zstd. A full backup takes about twelve minutes.

## Users

Every user has a role: reader, editor or owner. Readers can only look at pages. Editors can change pages but cannot
delete them. Only owners can invite new users and delete pages.
"""
BREAD = """\
# Sourdough

A sourdough starter is fed once a day with equal weights of flour and water. It is ready when it doubles within six
hours. In the fridge it needs feeding only once a week.
"""


@pytest.mark.starter
def test_documents_become_examples_that_are_about_them(tmp_path, starter):
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "guide.md").write_text(GUIDE)
    (docs / "bread.md").write_text(BREAD)
    project = create_project(tmp_path / "p").with_settings(
        "dataset", {"questions_per_passage": "3", "max_tokens": "60", "opening_phrases": "What is; How; When; Who can"}
    )
    add_documents(plan_documents(project, [docs]), emit=ignore_event, stop=StopToken())
    texts = {passage.id: passage.text for passage in read_passages(project.data)}
    assert len(texts) == 3
    report = make_dataset(plan_dataset(project), MLXTeacher(starter), emit=ignore_event, stop=StopToken())
    answers, _bad = read_json_lines(project.data / "answers.jsonl")
    assert report.answers == len(answers) >= 2
    assert report.train + report.valid >= 2
    shares = [share_from(row["messages"][1]["content"], texts[row["passage"]["id"]]) for row in answers]
    assert sum(shares) / len(shares) > 0.4
    assert not any("Answer from this text alone" in turn["content"] for row in answers for turn in row["messages"])
