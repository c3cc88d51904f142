import json
import resource
import shutil
import signal
import time

import pytest
import tuned_model
from teachers.small_ollama import MISTRAL, SmallOllama

from tui_tuner.errors import (
    DatasetError,
    ModelError,
    ProjectError,
    Stopped,
    StorageError,
    TeacherRefused,
    TeacherUnavailable,
)
from tui_tuner.evaluation.answering import groups
from tui_tuner.evaluation.compare import FEW, compare, plan_comparison
from tui_tuner.evaluation.events import AnswerEnded, AnswerStarted, AnswerText, ComparisonSummed
from tui_tuner.evaluation.kept_comparisons import list_comparisons, read_comparison, runs_in
from tui_tuner.export.fuse import fuse, plan_fuse
from tui_tuner.models.generation import stream_reply
from tui_tuner.models.loading import load_model
from tui_tuner.models.replies import Sampling
from tui_tuner.progress import Notice, StopToken, ignore_event
from tui_tuner.training.examples import read_examples
from tui_tuner.training.loss import PlainLoss
from tui_tuner.training.validation import held_out_loss

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
    answered = compare(plan, emit=ignore_event, stop=StopToken()).answered
    assert [row.prompt for row in answered] == PROMPTS.split(";")
    for row in answered:
        assert row.answers["base"].text == alone(base, None, row.prompt)
        assert row.answers["tuned"].text == alone(base, project.tuned_run(), row.prompt)
    assert any(row.answers["base"].text != row.answers["tuned"].text for row in answered)


def test_both_get_the_same_seed_and_system_prompt(project, base):
    project = project.with_settings("chat", {"system_prompt": "be kind"})
    project = project.with_settings("compare", {"temperature": "1.0", "seed": "5"})
    plan = plan_comparison(project, base)
    for row in compare(plan, emit=ignore_event, stop=StopToken()).answered:
        for name, run in (("base", None), ("tuned", project.tuned_run())):
            assert row.answers[name].text == alone(base, run, row.prompt, "be kind", temperature=1.0, seed=5)


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
        answer = answered.answers[end.index, end.column]
        assert "".join(pieces) == end.text == answer.text
        assert (end.tokens, end.seconds, end.finish) == (answer.tokens, answer.seconds, answer.finish)
        assert end.seconds > 0
    assert json.dumps([event.as_json() for event in events])


def test_it_is_kept_and_read_again(project, base):
    plan = plan_comparison(project, base)
    answered = compare(plan, emit=ignore_event, stop=StopToken())
    assert list_comparisons(project) == [plan.target]
    kept = read_comparison(plan.target)
    assert kept == answered
    assert (kept.made["columns"]["tuned"]["run"], kept.made["max_tokens"]) == ("run-1", 16)


def stop_at(count, kind, stop):
    seen = []

    def emit(event):
        if isinstance(event, kind):
            seen.append(event)
            if len(seen) == count:
                stop.request()

    return emit


@pytest.mark.parametrize("answer", [2, 3, 4])
def test_stopped_it_keeps_every_answer_that_was_whole(project, base, answer):
    stop = StopToken()
    plan = plan_comparison(project, base)
    with pytest.raises(Stopped):
        compare(plan, emit=stop_at(answer, AnswerStarted, stop), stop=stop)
    places = [(0, "base"), (0, "tuned"), (1, "base"), (1, "tuned")]
    assert list(read_comparison(plan.target).answers) == places[: answer - 1]


def texts(comparison):
    return {place: answer.text for place, answer in comparison.answers.items()}


def test_what_broke_off_is_gone_on_with(project, base):
    whole = compare(plan_comparison(project, base), emit=ignore_event, stop=StopToken())
    list_comparisons(project)[0].unlink()
    stop, broken = StopToken(), plan_comparison(project, base)
    with pytest.raises(Stopped):
        compare(broken, emit=stop_at(4, AnswerStarted, stop), stop=stop)
    events, again = [], plan_comparison(project, base)
    assert again.target == broken.target
    answered = compare(again, emit=events.append, stop=StopToken())
    assert texts(answered) == texts(whole)
    assert [(e.index, e.column) for e in events if isinstance(e, AnswerEnded)] == list(whole.answers)
    # Only the last one was asked again.
    assert {(e.index, e.column) for e in events if isinstance(e, AnswerText)} == {(1, "tuned")}
    assert read_comparison(broken.target) == answered
    assert plan_comparison(project, base).target != broken.target  # a whole one is followed by a new one


def test_killed_before_the_first_answer_it_begins_in_the_same_place(project, base):
    plan = plan_comparison(project, base)
    compare(plan, emit=ignore_event, stop=StopToken())
    head = plan.target.read_bytes().splitlines(keepends=True)[0]
    plan.target.write_bytes(head)
    compare(plan_comparison(project, base), emit=ignore_event, stop=StopToken())
    assert list_comparisons(project) == [plan.target]
    assert plan.target.read_bytes().count(b'"format"') == 1
    assert read_comparison(plan.target).finished


@pytest.mark.parametrize("change", ["prompts", "temperature", "adapter"])
def test_what_was_asked_otherwise_is_not_gone_on_with(project, base, change):
    stop, broken = StopToken(), plan_comparison(project, base)
    with pytest.raises(Stopped):
        compare(broken, emit=stop_at(3, AnswerStarted, stop), stop=stop)
    if change == "adapter":  # the run was gone on with
        with (project.tuned_run() / "adapters.safetensors").open("ab") as file:
            file.write(b" ")
    else:
        values = {"prompts": "how do I start;where is it", "temperature": "0.5"}
        project = project.with_settings("compare", {change: values[change]})
    again = plan_comparison(project, base)
    assert (again.target == broken.target, again.kept.answers) == (False, {})


def test_stopped_before_the_first_answer_it_leaves_nothing(project, base):
    stop, events = StopToken(), []
    emit = stop_at(2, AnswerText, stop)
    with pytest.raises(Stopped):
        compare(plan_comparison(project, base), emit=lambda e: (emit(e), events.append(e)), stop=stop)
    ended = [event for event in events if isinstance(event, AnswerEnded)]
    assert [event.finish for event in ended] == ["stopped"]
    assert list_comparisons(project) == []


def test_many_are_answered_together_and_as_they_are_alone(project, base):
    asked = [
        f"how do i {word}" for word in ("start", "go", "read a long book of many words", "stop", "a b c", "d", "e")
    ]
    asked += ["what is this", "and that", "why"]
    assert len(asked) > FEW
    project = project.with_settings("compare", {"prompts": ";".join(asked)})
    events = []
    made = compare(plan_comparison(project, base), emit=events.append, stop=StopToken())
    assert not any(isinstance(event, AnswerText) for event in events)
    assert all(answer.together for answer in made.answers.values())
    for row in made.answered:
        assert row.answers["base"].text == alone(base, None, row.prompt)
        assert row.answers["tuned"].text == alone(base, project.tuned_run(), row.prompt)
    assert [row.prompt for row in made.answered] == asked
    assert read_comparison(made.path) == made
    # With sampling an answer would depend on those beside it: each is written alone, and can be had again.
    project = project.with_settings("compare", {"temperature": "1.0", "seed": "3"})
    for row in compare(plan_comparison(project, base), emit=ignore_event, stop=StopToken()).answered[:3]:
        assert row.answers["base"].text == alone(base, None, row.prompt, temperature=1.0, seed=3)


def test_stopped_among_many_it_keeps_those_that_ended(project, base):
    asked = ";".join(f"how {'so ' * number}" for number in range(1, 14))
    project = project.with_settings("compare", {"prompts": asked})
    stop, plan = StopToken(), plan_comparison(project, base)
    with pytest.raises(Stopped):
        compare(plan, emit=stop_at(2, AnswerEnded, stop), stop=stop)
    kept = read_comparison(plan.target).answers
    assert 2 <= len(kept) < 26
    again = plan_comparison(project, base)
    assert again.target == plan.target
    whole = compare(again, emit=ignore_event, stop=StopToken())
    assert whole.finished and kept.items() <= whole.answers.items()


def test_any_number_of_columns(project, base):
    other = tuned_model.adapter(project.runs / "run-2", base, strength=0.9)
    step = project.runs / "run-1" / "checkpoints" / "40"
    shutil.copytree(other, step)  # a checkpoint is an adapter's folder
    fuse(plan_fuse(project, base, project.runs / "run-1"), emit=ignore_event, stop=StopToken())
    with SmallOllama(MISTRAL) as server:
        project = project.with_settings("dataset", {"teacher": "ollama", "url": server.place})
        names = ["run-1", "base", "run-2", "run-1@40", "fused", "ollama:mistral:7b"]
        project = project.with_settings("compare", {"columns": ";".join(names)})
        made = compare(plan_comparison(project, base), emit=ignore_event, stop=StopToken())
        (options,) = {json.dumps(body["options"], sort_keys=True) for body in server.bodies}
    assert made.columns == tuple(names) and made.finished
    assert {"num_predict": 16, "repeat_penalty": 1.0, "seed": 0, "temperature": 0.0}.items() <= json.loads(
        options
    ).items()
    adapters = {"base": None, "run-1": project.runs / "run-1", "run-2": other, "run-1@40": other}
    for row in made.answered:
        for name, adapter in adapters.items():
            assert row.answers[name].text == alone(base, adapter, row.prompt)
        assert row.answers["fused"].text == alone(project.fused_model, None, row.prompt)
        assert row.prompt in row.answers["ollama:mistral:7b"].text
    assert runs_in(made) == {"run-1", "run-2"}
    assert read_comparison(made.path) == made


def test_the_losses_are_those_of_training(project, base):
    events = []
    made = compare(plan_comparison(project, base), emit=events.append, stop=StopToken())
    for name, adapter in (("base", None), ("tuned", project.tuned_run())):
        loaded = load_model(base, adapter)
        rows = read_examples(
            project.data / "valid.jsonl",
            loaded.tokenizer,
            max_seq_length=2048,
            mask_prompt=True,
            emit=ignore_event,
            stop=StopToken(),
        ).usable
        wanted = held_out_loss(
            loaded.model, PlainLoss(), rows, 4, emit=ignore_event, check=lambda: None, clock=time.monotonic
        )
        assert made.losses[name].mean == pytest.approx(wanted.loss, rel=1e-5)
        assert made.losses[name].tokens == sum(row.supervised for row in rows)
    assert made.losses["base"].mean != made.losses["tuned"].mean
    assert read_comparison(made.path) == made
    (summed,) = [event for event in events if isinstance(event, ComparisonSummed)]
    assert "loss on valid.jsonl" in summed.verdicts[0] and "perplexity" in summed.table[0]
    without = project.with_settings("compare", {"losses": "no"})
    assert compare(plan_comparison(without, base), emit=ignore_event, stop=StopToken()).losses == {}


def test_killed_before_the_last_loss_it_is_gone_on_with(project, base):
    whole = compare(plan_comparison(project, base), emit=ignore_event, stop=StopToken())
    lines = whole.path.read_bytes().splitlines(keepends=True)
    whole.path.write_bytes(b"".join(lines[:-1]))
    again = plan_comparison(project, base)
    assert again.target == whole.path
    events = []
    assert compare(again, emit=events.append, stop=StopToken()).losses == whole.losses
    assert not any(isinstance(event, AnswerText) for event in events)


def test_those_that_are_not_a_pair_are_never_in_memory_together(project, base):
    for name in ("run-2", "run-3"):
        tuned_model.adapter(project.runs / name, base)
    project = project.with_settings("compare", {"columns": "run-3;run-2;base;run-1"})
    columns = plan_comparison(project, base).columns
    assert [[column.name for column in group] for group in groups(columns)] == [["run-3", "base"], ["run-2"], ["run-1"]]
    only = [column for column in columns if column.name != "base"]
    assert [len(group) for group in groups(only)] == [1, 1, 1]


def test_without_a_tuned_run_it_says_what_to_do(tmp_path, base):
    with pytest.raises(ProjectError, match="no tuned model yet") as caught:
        plan_comparison(tuned_model.project(tmp_path / "empty"), base)
    assert "tuner train" in caught.value.advice


def test_a_read_only_project_and_a_missing_base(project, base, tmp_path):
    project.comparisons.parent.joinpath("comparisons").write_text("in the way")
    with pytest.raises(StorageError):
        compare(plan_comparison(project, base), emit=ignore_event, stop=StopToken())
    project.comparisons.unlink()
    with pytest.raises(ModelError):
        compare(plan_comparison(project, tmp_path / "gone"), emit=ignore_event, stop=StopToken())


@pytest.mark.starter
def test_the_starter_answers_differently_once_it_is_tuned(starter, tmp_path):
    project = tuned_model.project(tmp_path / "project").with_settings("compare", {"max_tokens": "12"})
    tuned_model.adapter(project.runs / "run-1", starter, strength=0.5, num_layers=8)
    project = project.with_settings("compare", {"prompts": "What is the capital of France?"})
    (answered,) = compare(plan_comparison(project, starter), emit=ignore_event, stop=StopToken()).answered
    assert "Paris" in answered.answers["base"].text
    assert answered.answers["tuned"].text != answered.answers["base"].text


def test_killed_anywhere_it_asks_only_what_was_lost(project, base):
    whole = compare(plan_comparison(project, base), emit=ignore_event, stop=StopToken())
    content = whole.path.read_bytes()
    lines = content.splitlines(keepends=True)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines))]
    for number, start in list(enumerate(starts))[1:]:  # the first is written whole or not at all
        for cut in (start, start + 1, start + len(lines[number]) - 1):  # at a line's beginning, in it, before its end
            whole.path.write_bytes(content[:cut])
            events, again = [], plan_comparison(project, base)
            if again.target != whole.path:
                assert number == len(lines) - 1 and cut == len(content) - 1  # nothing was lost
                continue
            made = compare(again, emit=events.append, stop=StopToken())
            assert texts(made) == texts(whole) and made.losses == whole.losses and made.finished
            asked = {(event.index, event.column) for event in events if isinstance(event, AnswerText)}
            lost = number - 1 if cut < start + len(lines[number]) - 1 else number
            assert asked == set(list(whole.answers)[lost:])
            kept = read_comparison(whole.path)
            assert (kept, kept.damaged) == (made, 0)
            assert whole.path.read_bytes().count(b"\n") == len(lines)


@pytest.mark.parametrize("room", [1, 3])
def test_a_full_disk_ends_it_with_what_was_kept(project, base, room):
    whole = compare(plan_comparison(project, base), emit=ignore_event, stop=StopToken())
    lines = whole.path.read_bytes().splitlines(keepends=True)
    whole.path.unlink()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    plan = plan_comparison(project, base)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (sum(map(len, lines[:room])) + 40, before[1]))
        with pytest.raises(StorageError) as caught:
            compare(plan, emit=ignore_event, stop=StopToken())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert caught.value.where == str(plan.target) and caught.value.advice
    if room == 1:
        assert not plan.target.exists()  # a comparison of nothing is not one
        return
    assert list(read_comparison(plan.target).answers) == list(whole.answers)[: room - 1]
    again = plan_comparison(project, base)
    assert again.target == plan.target
    assert texts(compare(again, emit=ignore_event, stop=StopToken())) == texts(whole)


def test_damaged_lines_are_asked_again_and_said(project, base):
    whole = compare(plan_comparison(project, base), emit=ignore_event, stop=StopToken())
    lines = whole.path.read_bytes().splitlines(keepends=True)
    lines[2] = b"\x00\xff" + lines[2][2:]
    whole.path.write_bytes(b"".join(lines))
    events = []
    made = compare(plan_comparison(project, base), emit=events.append, stop=StopToken())
    assert made.path == whole.path and texts(made) == texts(whole)
    assert any("1 line of it is damaged" in event.text for event in events if isinstance(event, Notice))


def test_a_question_that_does_not_fit_is_named_before_anybody_answers(tmp_path):
    project = tuned_model.talker(tmp_path)  # its model holds 120 tokens
    base = tmp_path / "base"
    settings = {"prompts": "why;" + "how so " * 20 + ";when", "max_tokens": "8"}
    with pytest.raises(DatasetError, match=r"question 2 is too long for base: .* of up to 8 .* 120") as caught:
        compare(plan_comparison(project.with_settings("compare", settings), base), emit=ignore_event, stop=StopToken())
    assert caught.value.where.startswith("how so") and "Shorten" in caught.value.advice
    assert list_comparisons(project) == []
    fits = project.with_settings("compare", {"prompts": "why", "max_tokens": "8"})
    assert compare(plan_comparison(fits, base), emit=ignore_event, stop=StopToken()).finished
    with SmallOllama(MISTRAL, context=20) as server:
        project = project.with_settings("dataset", {"teacher": "ollama", "url": server.place})
        project = project.with_settings("compare", {"prompts": "so " * 30, "columns": "ollama:mistral:7b;base"})
        with pytest.raises(DatasetError, match="question 1 is too long for ollama:mistral:7b"):
            compare(plan_comparison(project, base), emit=ignore_event, stop=StopToken())


@pytest.mark.parametrize("there", [True, False])
def test_a_model_that_its_server_does_not_have_is_said_before_anybody_answers(project, base, there):
    with SmallOllama(MISTRAL) as server:
        project = project.with_settings("dataset", {"teacher": "ollama", "url": server.place})
        project = project.with_settings("compare", {"columns": "base;tuned;ollama:phi"})
        if not there:
            server.shutdown()
            server.server_close()
        with pytest.raises(TeacherRefused if there else TeacherUnavailable) as caught:
            compare(plan_comparison(project, base), emit=ignore_event, stop=StopToken())
    assert caught.value.advice and list_comparisons(project) == []
