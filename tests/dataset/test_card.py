"""The dataset's card: what the report knows, as a page, and never over a person's own README."""

import json

import pytest
import tiny_model
import tiny_project
from dataset.teachers_by_rule import SEEDS, RuleTeacher, listed_questions

from tui_tuner.choices import DatasetChoice, ModelChoice
from tui_tuner.dataset.card import MADE_HERE, as_markdown, make_card, out_of_date, read_card, read_report, write_card
from tui_tuner.dataset.examples import asked_and_answered
from tui_tuner.dataset.make import make_dataset
from tui_tuner.dataset.plan import DatasetPlan
from tui_tuner.errors import DatasetError
from tui_tuner.files import write_json, write_json_lines
from tui_tuner.progress import StopToken, ignore_event


def made(data, teacher, **changes):
    choice = DatasetChoice(topic="counting", instructions=12, style="Be kind.", test_fraction=0.1)
    plan = DatasetPlan(data, choice, SEEDS, batch_size=4, **changes)
    return make_dataset(plan, teacher, emit=ignore_event, stop=StopToken())


def rows_of(card, heading):
    rows = next(section.rows for section in card.sections if section.heading == heading)
    assert len(set(rows)) == len(rows), "something is said twice"
    return dict(rows)


def bring(data):
    brought = [asked_and_answered(f"Is {n} a prime?", "Perhaps.", f"my numbers.csv:{n}") for n in (2, 3, 5, 7, 11)]
    write_json_lines(data / "imported.jsonl", [{**one.as_row(), "source": one.source} for one in brought])


def test_it_says_where_the_examples_are_from_and_which_part_is_held_out(tmp_path):
    bring(tmp_path)
    report = made(tmp_path, RuleTeacher())
    card = read_card(tmp_path, "numbers")
    total = report.train + report.valid + report.test
    origin = rows_of(card, "Where they are from")
    assert origin["my numbers.csv"] == "5"
    assert origin["seed examples, chosen by a person"] == str(len(SEEDS))
    assert origin["rule"] == "12 answers"
    assert total == 5 + len(SEEDS) + 12
    examples = rows_of(card, "Examples")
    assert examples["train.jsonl"].startswith(f"{report.train} (")
    assert "held out, never learned from" in examples["valid.jsonl"] and "0.1" in examples["valid.jsonl"]
    assert "last test" in examples["test.jsonl"]
    assert rows_of(card, "How they were made")["seed"] == "0"
    assert (tmp_path / "README.md").read_text() == as_markdown(
        make_card(read_report(tmp_path), tmp_path.absolute().parent.name)
    )


def test_it_has_the_prompts_that_were_really_used_also_of_a_session_before(tmp_path):
    def refuse(request):
        stop.request()
        return "Yes."

    stop = StopToken()
    teacher = RuleTeacher(listed_questions(), continues=False)
    made(tmp_path, teacher)
    prompts = read_report(tmp_path)["prompts"]
    assert prompts.keys() == {"questions", "answers"}
    assert prompts["questions"]["messages"] == [dict(message) for message in teacher.asked[0].messages]
    assert prompts["answers"]["messages"][0] == {"role": "system", "content": "Be kind."}
    assert prompts["answers"]["teacher"] == "rule"
    silent = RuleTeacher()
    made(tmp_path, silent)  # nothing is left to be asked
    assert silent.asked == []
    assert read_report(tmp_path)["prompts"] == prompts


def test_with_the_base_model_it_counts_tokens_as_training_does(tmp_path):
    model = tiny_model.make(tmp_path / "model")
    data = tmp_path / "data"
    data.mkdir()
    bring(data)
    report = made(data, RuleTeacher(), base_model=ModelChoice(name=str(model)), max_seq_length=60)
    counted = read_report(data)
    assert counted["tokens"]["measured"] == report.train
    assert counted["tokens"]["longest"] <= 60
    assert 0 < counted["tokens"]["learned"] < counted["tokens"]["tokens"]
    assert counted["cut"] > 0
    tokens = rows_of(read_card(data, "numbers"), "In tokens")
    assert f"{counted['tokens']['tokens']:,}" in tokens["tokens"] and "estimated" not in tokens["tokens"]
    assert "longer than 60 tokens" in tokens["cut"]
    other = {**counted, "tokens": {**counted["tokens"], "measured": 2}}
    assert "estimated from 2 examples" in rows_of(make_card(other, ""), "In tokens")["tokens"]


def test_what_was_left_out_is_there_with_its_reason(tmp_path):
    report = made(
        tmp_path, RuleTeacher(answers=lambda request: "" if " 3?" in request.messages[-1]["content"] else "Yes.")
    )
    assert report.rejects == {"empty": 3}
    assert rows_of(read_card(tmp_path, ""), "Not learned, by reason")["empty"] == "3 answers refused"


def test_a_small_held_out_part_is_called_small():
    card = make_card({"train": 9, "valid": 1, "batch_size": 4}, "")
    assert "fewer than one batch of 4" in rows_of(card, "Examples")["valid.jsonl"]
    assert "fewer" not in rows_of(card, "Examples")["train.jsonl"]


def test_a_persons_own_readme_is_left_alone(tmp_path):
    card = make_card({"train": 9, "valid": 1}, "mine")
    (tmp_path / "README.md").write_text("# Mine\n")
    assert not write_card(tmp_path, card)
    assert (tmp_path / "README.md").read_text() == "# Mine\n"
    (tmp_path / "README.md").write_text(MADE_HERE + " and older")
    assert write_card(tmp_path, card)
    assert "# mine" in (tmp_path / "README.md").read_text()


def test_names_cannot_break_the_page():
    odd = "<b>x|y</b> [a](b)\x1b[31m\n# no"
    page = as_markdown(
        make_card({"train": 1, "sources": {odd: 1}, "prompts": {odd: {"messages": [{"role": "user"}]}}}, odd)
    )
    assert "\\<b\\>x\\|y" in page and "\x1b" not in page
    assert not [line for line in page.splitlines() if line.startswith("# no")]


@pytest.mark.parametrize("content", [None, "[1]", "{"])
def test_without_a_report_it_says_what_to_do(tmp_path, content):
    if content is not None:
        (tmp_path / "report.json").write_text(content)
    with pytest.raises(DatasetError) as caught:
        read_card(tmp_path, "")
    assert caught.value.advice


@pytest.mark.parametrize(
    "report", [{}, {"train": "many", "sources": [1], "prompts": {"a": 3, "b": {"messages": [1]}}, "tokens": 7}]
)
def test_an_older_or_damaged_report_is_drawn_as_far_as_it_goes(tmp_path, report):
    write_json(tmp_path / "report.json", report)
    assert json.dumps(as_markdown(read_card(tmp_path, "x")))


def test_it_says_when_another_model_or_length_is_chosen_or_the_files_have_changed(tmp_path):
    project = tiny_project.make(tmp_path)
    report = {"tokens": {"measured": 1}, "base_model": project.choices.model.name, "sequence_length": 2048}
    for name in ("instructions.json", "report.json"):
        (project.data / name).unlink(missing_ok=True)
    assert out_of_date(report, project) == []
    (text,) = out_of_date(report, project.with_settings("training", {"max_seq_length": "512"}))
    assert "512" in text and "2048" in text
    (text,) = out_of_date(report, project.with_settings("model", {"name": "other"}))
    assert "other" in text
    write_json(project.data / "instructions.json", ["Who asks?"])
    (text,) = out_of_date(report, project)
    assert "tuner data" in text


def test_documents_and_follow_ups_are_on_it():
    report = {"train": 9, "documents": 2, "passages": 30, "from_documents": {"guide.md": 8, "faq.pdf": 1}}
    card = make_card({**report, "follow_ups": 7, "follow_up_rejects": {"empty": 2}}, "")
    names = [name for section in card.sections if section.heading == "Where they are from" for name, _ in section.rows]
    assert names.count("follow-ups") == 1
    origin = rows_of(card, "Where they are from")
    assert origin["guide.md"] == "8 answers about its passages"
    assert origin["documents"] == "2, cut into 30 passages"
    assert origin["follow-ups"].startswith("7")
    assert rows_of(card, "Not learned, by reason")["empty"] == "2 follow-ups refused"
