"""From a folder of documents to training files, with where each example came from."""

import json
from dataclasses import replace

import pytest
from dataset.passages_by_rule import (
    PASSAGES,
    answer_from_passage,
    passage_about,
    passage_teacher,
    questions_about,
    subject_of,
)
from dataset.teachers_by_rule import SEEDS, Heard, RuleTeacher, plan_in

from tui_tuner.dataset.examples import asked_and_answered
from tui_tuner.dataset.gathering import gather
from tui_tuner.dataset.grounding import NOT_SAID
from tui_tuner.dataset.make import make_dataset, needs_teacher
from tui_tuner.dataset.plan import plan_dataset
from tui_tuner.dataset.review import Review
from tui_tuner.dataset.review_table import ReviewTable, View
from tui_tuner.dataset.reviewing import review_slices
from tui_tuner.dataset.state import dataset_state
from tui_tuner.documents.adding import add_documents, plan_documents
from tui_tuner.errors import DatasetError
from tui_tuner.files import read_json, read_json_lines, write_json_lines
from tui_tuner.journey import standing
from tui_tuner.progress import StageProgress, StopToken, ignore_event
from tui_tuner.project import create_project
from tui_tuner.teachers.teacher import Answer


def plan_for(data, passages=PASSAGES, **choice):
    return replace(plan_in(data, **{"topic": "", **choice}), passages=tuple(passages))


def make(plan, teacher, emit=ignore_event):
    return make_dataset(plan, teacher, emit=emit, stop=StopToken())


def rows(path):
    return read_json_lines(path)[0]


@pytest.mark.parametrize("continues", [True, False])
def test_without_a_topic_passages_are_enough(tmp_path, continues):
    heard = Heard()
    plan = plan_for(tmp_path)
    assert needs_teacher(plan)
    report = make(plan, passage_teacher(continues=continues), heard.append)
    assert (report.instructions, report.answers, report.passages, report.documents) == (20, 20, 10, 1)
    assert report.train + report.valid == 20
    assert [event.stage for event in heard.of(StageProgress) if event.ended] == ["Passages", "Answers"]
    assert not (tmp_path / "instructions.json").exists()
    noted = read_json(tmp_path / "report.json")
    assert noted["from_documents"] == {PASSAGES[0].provenance.file: 20}
    assert noted["prompts"].keys() == {"questions about documents", "answers"}


def test_each_answer_says_which_passage_it_is_from_and_the_training_files_do_not(tmp_path):
    make(plan_for(tmp_path), passage_teacher(continues=False))
    for row in rows(tmp_path / "answers.jsonl"):
        subject = row["passage"]["heading"].split(" > ")[1].casefold()
        assert subject in row["messages"][0]["content"]
        assert row["passage"] == passage_row(passage_about(subject, row["passage"]["line"]))
    for row in rows(tmp_path / "train.jsonl"):
        assert set(row) == {"messages"}
        assert "much to be said" not in row["messages"][0]["content"]


def passage_row(passage):
    return {"id": passage.id, "file": passage.file, "heading": passage.heading, "line": passage.line}


def test_the_teacher_sees_the_passage_with_its_headings_above_the_question(tmp_path):
    teacher = passage_teacher(continues=False)
    make(plan_for(tmp_path, PASSAGES[:1], style="Be brief."), teacher)
    request = teacher.answer_groups[0][0]
    assert request.messages[0] == {"role": "system", "content": "Be brief."}
    asked = request.messages[-1]["content"]
    assert asked.startswith(f"{PASSAGES[0].heading}\n\n{PASSAGES[0].text}\n\n")
    assert asked.endswith("\n\n" + questions_about(teacher.asked[0])[0])
    assert (teacher.asked[0].temperature, request.temperature) == (0.7, 0.3)  # nothing is to be made up


def test_a_teacher_that_continues_is_shown_how_to_answer_from_a_text_unless_there_are_seed_examples(tmp_path):
    teacher = passage_teacher()
    make(plan_for(tmp_path / "one", PASSAGES[:2]), teacher)
    assert len(teacher.answer_groups[0][0].messages) == 7
    teacher = passage_teacher(answers=lambda request: f"In short: {answer_from_passage(request)}. Try this: do.")
    make(plan_for(tmp_path / "two", PASSAGES[:2], seeds=SEEDS), teacher)
    shown = [turn["content"] for turn in teacher.answer_groups[0][0].messages[:-1]]
    assert set(shown) == {turn["content"] for seed in SEEDS for turn in seed.messages}


def test_topic_and_documents_go_together_and_repeat_nothing(tmp_path):
    teacher = passage_teacher()
    heard = Heard()
    report = make(plan_for(tmp_path, topic="counting", instructions=12), teacher, heard.append)
    assert (report.instructions, report.answers) == (32, 32)
    assert [event.stage for event in heard.of(StageProgress) if event.ended] == ["Questions", "Passages", "Answers"]
    assert sum("passage" in row for row in rows(tmp_path / "answers.jsonl")) == 20


def test_answers_that_are_not_from_the_passage_are_refused_with_their_reason(tmp_path):
    said = {
        "backups": NOT_SAID,
        "restoring": "The passage says that restoring is in the file restoring.txt.",
        "users": "Hygrometers measure humidity with sensitive sensors.",
    }
    teacher = passage_teacher(
        continues=False, answers=lambda request: said.get(subject_of(request)) or answer_from_passage(request)
    )
    report = make(plan_for(tmp_path), teacher)
    assert (report.answers, report.refused) == (14, 6)
    assert report.rejects == {"not_in_passage": 12, "mentions_passage": 6}
    refused = rows(tmp_path / "rejects.jsonl")
    assert {row["passage"]["heading"] for row in refused} == {PASSAGES[place].heading for place in range(3)}


def test_a_threshold_of_nothing_lets_other_words_pass(tmp_path):
    plan = plan_for(tmp_path)
    plan = replace(plan, quality=replace(plan.quality, from_passage=0.0))
    report = make(plan, passage_teacher(continues=False, answers=lambda request: "Sensors measure humidity."))
    assert (report.answers, report.refused) == (20, 0)


def test_what_was_written_from_a_passage_that_has_changed_is_set_aside_and_can_be_taken_back(tmp_path):
    make(plan_for(tmp_path), passage_teacher(continues=False))
    teacher = RuleTeacher(
        lambda request: json.dumps([f"Why {subject_of(request)}?", f"Since when {subject_of(request)} of all things?"]),
        answer_from_passage,
        continues=False,
    )
    changed = plan_for(tmp_path, [*PASSAGES[1:], passage_about("goats")])
    report = make(changed, teacher)
    assert report.set_aside == {"outdated": 2}
    assert report.train + report.valid == 20
    assert {subject_of(request) for request in teacher.asked} == {"goats"}
    aside = rows(tmp_path / "set_aside.jsonl")
    assert [row["passage"]["heading"] for row in aside] == ["Guide > Backups"] * 2
    assert "guide.md:1" in aside[0]["detail"]
    review = Review(tmp_path / "review.jsonl")
    review.decide(aside[0]["id"], "accept")
    assert make(changed, teacher).set_aside == {"outdated": 1}


def test_questions_brought_along_are_not_asked_about_a_passage_again(tmp_path):
    make(plan_for(tmp_path / "first", PASSAGES[:1]), passage_teacher(continues=False))
    first = [row["messages"][0]["content"] for row in rows(tmp_path / "first" / "answers.jsonl")]
    known = asked_and_answered(first[0], "In the file backups.txt.", "")
    write_json_lines(tmp_path / "imported.jsonl", [known.as_row()])
    make(plan_for(tmp_path, PASSAGES[:1]), passage_teacher(continues=False))
    asked = [row["messages"][0]["content"] for row in rows(tmp_path / "answers.jsonl")]
    assert first[0] not in asked
    assert first[1] in asked
    assert len(asked) == 2


def test_where_not_one_question_can_be_had_it_says_so(tmp_path):
    with pytest.raises(DatasetError, match="usable question"):
        make(plan_for(tmp_path), RuleTeacher(lambda request: "no", continues=False))


def test_the_review_knows_where_each_example_came_from(tmp_path):
    make(plan_for(tmp_path), passage_teacher(continues=False))
    table = ReviewTable()
    for rows_ in review_slices(tmp_path, {}):
        table.add(rows_)
    assert {row.written.passage.place for row in table.rows.values()} == {passage.place for passage in PASSAGES}
    list(table.select(View(words="guide.md:5 restoring")))
    assert [table.rows[name].provenance for name in table.shown] == ["rule · guide.md:5 · Guide > Restoring"] * 2
    refusing = passage_teacher(continues=False, answers=lambda request: NOT_SAID)
    with pytest.raises(DatasetError):
        make(plan_for(tmp_path / "refused", PASSAGES[:1]), refusing)
    (refused, *_others), *_more = review_slices(tmp_path / "refused", {})
    assert refused.written.passage.id == PASSAGES[0].id


def test_a_project_with_documents_needs_no_topic_and_knows_how_far_it_is(tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    for passage in PASSAGES:
        (docs / f"{passage.heading.split(' > ')[1]}.md").write_text(passage.text)
    project = create_project(tmp_path / "p")
    with pytest.raises(DatasetError, match="nothing to ask"):
        plan_dataset(project)
    add_documents(plan_documents(project, [docs]), emit=ignore_event, stop=StopToken())
    state = dataset_state(project)
    assert (state.stage, state.documents, state.passages, state.instructions) == ("questions", 10, 10, 0)
    make(plan_dataset(project), passage_teacher(continues=False))
    state = dataset_state(project)
    assert (state.stage, state.instructions, state.answers) == ("ready", 20, 20)
    assert standing("dataset", project).state == "done"
    (docs / "Goats.md").write_text(passage_about("goats").text)
    add_documents(plan_documents(project, [docs]), emit=ignore_event, stop=StopToken())
    assert dataset_state(project).stage == "answers"
    assert standing("dataset", project).state == "ready" and standing("train", project).state == "ready"


def test_follow_ups_are_asked_for_and_answered_with_the_passage_and_keep_to_it(tmp_path):
    def follow_up(request):
        subject = subject_of_first(request)
        return (
            "What else does the passage say?" if subject == "users" else f"And who reads of {subject} {request.seed}?"
        )

    def subject_of_first(request):
        return request.messages[0]["content"].split("## ", 1)[1].split("\n", 1)[0].casefold()

    def answer(request):
        if request.messages[-1]["content"].startswith("What is a likely follow-up"):
            return follow_up(request)
        subject = subject_of_first(request)
        if len(request.messages) > 1 and subject == "rivers":
            return NOT_SAID
        return f"{len(request.messages)} people: all of it is in the file {subject}.txt."

    teacher = passage_teacher(continues=False, answers=answer)
    report = make(plan_for(tmp_path, turns=2), teacher)
    assert report.answers == 20
    assert all("## " in request.messages[0]["content"] for request in teacher.asked)
    learned = [row["messages"] for row in (*rows(tmp_path / "train.jsonl"), *rows(tmp_path / "valid.jsonl"))]
    assert len(learned) == 20
    longer = [turns for turns in learned if len(turns) == 4]
    assert len(longer) == 16
    assert not any("users" in turns[0]["content"] or "rivers" in turns[0]["content"] for turns in longer)


def test_a_follow_up_that_has_left_the_passage_is_not_learned(tmp_path):
    origin = PASSAGES[0].provenance
    first = asked_and_answered("Where are backups?", "In the file backups.txt.", "rule", origin)
    left = asked_and_answered("And then?", "Sensors measure humidity daily.", "rule")
    gathered = gather(plan_for(tmp_path), [], [first.followed_by(left.messages)], {}, StopToken())
    assert [example.messages for example in gathered.kept] == [first.messages]
    assert gathered.set_aside == ()


def test_where_a_small_model_goes_on_with_the_next_question_its_answer_is_what_came_before(tmp_path):
    def answer(request):
        prompt = request.messages[-1]["content"].split("---\n\n")[1]
        return Answer(f"{answer_from_passage(request)}\n\n---\n\n{prompt} And", "length", 80)

    make(plan_for(tmp_path, PASSAGES[:2]), passage_teacher(answers=answer))
    answers = {row["messages"][1]["content"] for row in rows(tmp_path / "answers.jsonl")}
    assert answers == {"All of it is in the file backups.txt.", "All of it is in the file restoring.txt."}
