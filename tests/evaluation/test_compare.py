import json

import pytest
import tuned_model

from tui_tuner.errors import DatasetError, ModelError, ProjectError, Stopped, StorageError
from tui_tuner.evaluation.compare import compare, list_comparisons, plan_comparison, read_comparison
from tui_tuner.evaluation.events import AnswerEnded, AnswerStarted, AnswerText
from tui_tuner.models.generation import Sampling, stream_reply
from tui_tuner.models.loading import load_model
from tui_tuner.progress import StopToken, ignore_event

PROMPTS = "how do I start;what is this"


@pytest.fixture
def base(tmp_path):
    return tuned_model.speaker(tmp_path / "base")


@pytest.fixture
def project(tmp_path, base):
    made = tuned_model.project(tmp_path / "project", base)
    return made.with_settings("compare", {"prompts": PROMPTS, "max_tokens": "16"})


def alone(path, adapter, prompt, system="", **sampling):
    turns = [{"role": "system", "content": system}] if system else []
    turns.append({"role": "user", "content": prompt})
    choice = Sampling(16, **sampling)
    return stream_reply(load_model(path, adapter), turns, choice, lambda _piece: None, StopToken()).text


def test_both_answer_as_they_do_alone(project, base):
    plan = plan_comparison(project, base)
    answered = compare(plan, emit=ignore_event, stop=StopToken())
    assert [row.prompt for row in answered] == PROMPTS.split(";")
    for row in answered:
        assert row.base.text == alone(base, None, row.prompt)
        assert row.tuned.text == alone(base, plan.run, row.prompt)
    assert any(row.base.text != row.tuned.text for row in answered)


def test_both_get_the_same_seed_and_system_prompt(project, base):
    project = project.with_settings("chat", {"system_prompt": "be kind"})
    project = project.with_settings("compare", {"temperature": "1.0", "seed": "5"})
    plan = plan_comparison(project, base)
    for row in compare(plan, emit=ignore_event, stop=StopToken()):
        assert row.base.text == alone(base, None, row.prompt, "be kind", temperature=1.0, seed=5)
        assert row.tuned.text == alone(base, plan.run, row.prompt, "be kind", temperature=1.0, seed=5)


def test_everything_is_told_as_it_comes(project, base):
    events = []
    answered = compare(plan_comparison(project, base), emit=events.append, stop=StopToken())
    started = [event for event in events if isinstance(event, AnswerStarted)]
    assert [(event.index, event.total, event.column) for event in started] == [
        (0, 2, "base"),
        (0, 2, "tuned"),
        (1, 2, "base"),
        (1, 2, "tuned"),
    ]
    ended = [event for event in events if isinstance(event, AnswerEnded)]
    for end in ended:
        pieces = [
            e.text for e in events if isinstance(e, AnswerText) and (e.index, e.column) == (end.index, end.column)
        ]
        answer = getattr(answered[end.index], end.column)
        assert "".join(pieces) == end.text == answer.text
        assert (end.tokens, end.seconds, end.finish) == (answer.tokens, answer.seconds, answer.finish)
        assert end.seconds > 0
    assert json.dumps([event.as_json() for event in events])


def test_it_is_kept_and_read_again(project, base):
    plan = plan_comparison(project, base)
    answered = compare(plan, emit=ignore_event, stop=StopToken())
    assert list_comparisons(project) == [plan.target]
    kept = read_comparison(plan.target)
    assert list(kept.answers) == answered
    assert (kept.made["run"], kept.made["max_tokens"]) == ("run-1", 16)


def stop_at(count, kind, stop):
    seen = []

    def emit(event):
        if isinstance(event, kind):
            seen.append(event)
            if len(seen) == count:
                stop.request()

    return emit


@pytest.mark.parametrize("answer", [3, 4])
def test_stopped_in_the_second_prompt_it_keeps_the_first(project, base, answer):
    stop = StopToken()
    plan = plan_comparison(project, base)
    with pytest.raises(Stopped):
        compare(plan, emit=stop_at(answer, AnswerStarted, stop), stop=stop)
    assert [row.prompt for row in read_comparison(plan.target).answers] == [PROMPTS.split(";")[0]]


def test_what_broke_off_is_gone_on_with(project, base):
    whole = compare(plan_comparison(project, base), emit=ignore_event, stop=StopToken())
    list_comparisons(project)[0].unlink()
    stop, broken = StopToken(), plan_comparison(project, base)
    with pytest.raises(Stopped):
        compare(broken, emit=stop_at(3, AnswerStarted, stop), stop=stop)
    events, again = [], plan_comparison(project, base)
    assert again.target == broken.target
    answered = compare(again, emit=events.append, stop=StopToken())
    assert [(row.prompt, row.base.text, row.tuned.text) for row in answered] == [
        (row.prompt, row.base.text, row.tuned.text) for row in whole
    ]
    assert [event.index for event in events if isinstance(event, AnswerEnded)] == [0, 0, 1, 1]
    assert {event.index for event in events if isinstance(event, AnswerText)} == {1}  # the first was not asked again
    assert list(read_comparison(broken.target).answers) == answered
    assert plan_comparison(project, base).target != broken.target  # a whole one is followed by a new one


def test_killed_before_the_first_answer_it_begins_in_the_same_place(project, base):
    plan = plan_comparison(project, base)
    compare(plan, emit=ignore_event, stop=StopToken())
    head = plan.target.read_bytes().splitlines(keepends=True)[0]
    plan.target.write_bytes(head)
    compare(plan_comparison(project, base), emit=ignore_event, stop=StopToken())
    assert list_comparisons(project) == [plan.target]
    assert plan.target.read_bytes().count(b'"format"') == 1
    assert len(read_comparison(plan.target).answers) == 2


@pytest.mark.parametrize("change", ["prompts", "temperature", "adapter"])
def test_what_was_asked_otherwise_is_not_gone_on_with(project, base, change):
    stop, broken = StopToken(), plan_comparison(project, base)
    with pytest.raises(Stopped):
        compare(broken, emit=stop_at(3, AnswerStarted, stop), stop=stop)
    if change == "adapter":  # the run was gone on with
        with (broken.run / "adapters.safetensors").open("ab") as file:
            file.write(b" ")
    else:
        values = {"prompts": "how do I start;where is it", "temperature": "0.5"}
        project = project.with_settings("compare", {change: values[change]})
    again = plan_comparison(project, base)
    assert (again.target == broken.target, again.kept) == (False, ())


def test_stopped_before_the_first_pair_it_leaves_nothing(project, base):
    stop, events = StopToken(), []
    emit = stop_at(2, AnswerText, stop)
    with pytest.raises(Stopped):
        compare(plan_comparison(project, base), emit=lambda e: (emit(e), events.append(e)), stop=stop)
    ended = [event for event in events if isinstance(event, AnswerEnded)]
    assert [event.finish for event in ended] == ["stopped"]
    assert list_comparisons(project) == []


def test_prompts_come_from_the_held_out_examples(project, base):
    project = project.with_settings("compare", {"prompts": ""})
    assert plan_comparison(project, base).prompts == ("how do I start?", "what is this?")
    rows = [{"messages": [{"role": "user", "content": f"question {n}"}]} for n in range(9)]
    odd = ['{"text": "no turns"}', '{"messages": 5}', '{"messages": ["?"]}', "[]", '{"mess']
    (project.data / "valid.jsonl").write_text("\n".join([*odd, *map(json.dumps, rows)]))
    assert plan_comparison(project, base).prompts == tuple(f"question {n}" for n in range(5))
    (project.data / "valid.jsonl").write_text('{"prompt": "Why so?", "completion": "So."}\n')
    assert plan_comparison(project, base).prompts == ("Why so?",)
    (project.data / "valid.jsonl").write_text('{"text": "<s>[INST] Why?[/INST] So.</s>"}\n')
    (project.data / "report.json").write_text('{"held_out_questions": ["Why?", 7]}')
    assert plan_comparison(project, base).prompts == ("Why?",)
    (project.data / "valid.jsonl").unlink()
    with pytest.raises(DatasetError, match="nothing to ask") as caught:
        plan_comparison(project, base)
    assert "--prompt" in caught.value.advice


def test_without_a_tuned_run_it_says_what_to_do(tmp_path, base):
    with pytest.raises(ProjectError, match="no tuned model yet") as caught:
        plan_comparison(tuned_model.project(tmp_path / "empty"), base)
    assert "tuner train" in caught.value.advice


def test_a_read_only_project_and_a_missing_base(project, base, tmp_path):
    project.comparisons.parent.joinpath("comparisons").write_text("in the way")
    with pytest.raises(StorageError):
        compare(plan_comparison(project, base), emit=ignore_event, stop=StopToken())
    with pytest.raises(ModelError):
        compare(plan_comparison(project, tmp_path / "gone"), emit=ignore_event, stop=StopToken())


@pytest.mark.starter
def test_the_starter_answers_differently_once_it_is_tuned(starter, tmp_path):
    run = tuned_model.adapter(tmp_path / "run", starter, strength=0.5, num_layers=8)
    project = tuned_model.project(tmp_path / "project").with_settings("compare", {"max_tokens": "12"})
    project = project.with_settings("compare", {"prompts": "What is the capital of France?"})
    plan = plan_comparison(project, starter, run)
    (answered,) = compare(plan, emit=ignore_event, stop=StopToken())
    assert "Paris" in answered.base.text
    assert answered.tuned.text != answered.base.text
