import json

import pytest
import tuned_model
from teachers.small_ollama import MISTRAL, QWEN, SmallOllama

from tui_tuner.errors import Stopped, TeacherRefused, UsageError
from tui_tuner.evaluation.comparisons import Answer, answer_row
from tui_tuner.evaluation.judge import judge, unjudged
from tui_tuner.evaluation.judgement import read_judgement
from tui_tuner.evaluation.judges import judges, with_judge
from tui_tuner.evaluation.kept_comparisons import read_comparison
from tui_tuner.evaluation.losses import Loss
from tui_tuner.evaluation.opinions import Opinion, Tally, judged, voted
from tui_tuner.evaluation.report import as_html, as_markdown
from tui_tuner.evaluation.summary import summed, verdict_lines
from tui_tuner.journal import Journal
from tui_tuner.progress import Notice, StopToken, ignore_event
from tui_tuner.step_work import comparison_work
from tui_tuner.teachers.teacher import Answer as Said

HEAD = {"format": 2, "columns": {"base": {"label": "base"}, "run-1": {"label": "run-1"}}, "judge": "rule"}


class Rule:
    """Prefers what a rule prefers; counts what it was asked."""

    name, continues, at_once = "a rule", False, 3

    def __init__(self, rule):
        self.rule, self.requests = rule, []

    def ask(self, requests, on_answer, stop):
        for number, request in enumerate(requests):
            stop.check()
            self.requests.append(request)
            text = request.messages[0]["content"]
            a, b = text.split("===== ANSWER A =====\n")[1].split("\n===== END")[0].split("\n===== ANSWER B =====\n")
            said = self.rule(a, b)
            on_answer(number, said if isinstance(said, Exception) else Said(said, "stop", 5))


def longer(a, b):
    return json.dumps({"reason": "longer", "better": "A" if len(a) > len(b) else "B"})


@pytest.fixture
def kept(tmp_path):
    path = tmp_path / "one.jsonl"
    count = 8
    with Journal(path) as journal:
        journal.append({**HEAD, "prompts": [{"text": f"q{n}", "expected": ""} for n in range(count)]})
        for n in range(count):
            journal.append(answer_row(n, "base", Answer("short", 1, 1.0, 1.0, "stop")))
            text = "short" if n == 7 else "a longer one {with} braces"
            journal.append(answer_row(n, "run-1", Answer(text, 4, 1.0, 1.0, "stop")))
    return read_comparison(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"reason": "x", "better": "A"}', "A"),
        ('Sure!\n```json\n{"reason": "{B} is bad", "better": "b"}\n```\nDone.', "B"),
        ('{"better": "A"} no wait {"better": "tie"}', "tie"),
        ('{"reason": "cut off", "better": "Answer B', "B"),
        ("Better: A", "A"),
        ("B.", "B"),
        ("Both", "tie"),
        ("I compared both. My final verdict is: [[B]]", "B"),
        ("Say [[A]] or [[B]]? I say [[C]]", "tie"),
        ("**Verdict:** Assistant A", "A"),
        ("Answer B names the city.\n\nThe better answer is B.", "B"),
        ("Assistant A is clearly better, because it is right.", "A"),
        ("Answer A is not better than B. Answer B is better.", "B"),
        ("Answer A is better in style; answer B is better in facts.", ""),
        ("It is hard to say whether A is better.", ""),
        ('{"reason": "one short sentence", "better": "A" or "B" or "tie"}', ""),
        ("Which answer is better? A or B", ""),
        ("B\n\nIt is longer.", "B"),
        ("<think>A is better</think>\nB", "B"),
        ("<think>A is better, but", ""),
        ('{"better": 5}', ""),
        ("A good question. B", ""),
        ("", ""),
        ("{" * 3000, ""),
    ],
)
def test_what_a_judge_says_is_read_whatever_stands_around_it(text, said):
    assert read_judgement(text) == said


def test_each_pair_is_read_in_both_orders_and_nobody_sees_whose_it_is(kept):
    rule = Rule(longer)
    judge(kept, rule, emit=ignore_event, stop=StopToken())
    assert judged(kept.judgements, "run-1") == Tally(7, 0, 1)
    assert len(rule.requests) == 14  # the answers that are the same were not asked about
    for request in rule.requests:
        text = request.messages[0]["content"]
        assert "run-1" not in text and "base" not in text and request.schema and request.temperature == 0
    assert len({request.messages[0]["content"] for request in rule.requests}) == 14
    assert read_comparison(kept.path) == kept and unjudged(kept) == []
    assert kept.finished
    (line,) = verdict_lines(kept)
    assert line.startswith("run-1 against base: better: judge: 7 won, 0 lost (100%, 65% to 100%), 1 even")


def test_one_that_follows_the_order_decides_nothing(kept):
    judge(kept, Rule(lambda _a, _b: "A"), emit=ignore_event, stop=StopToken())
    assert judged(kept.judgements, "run-1") == Tally(even=1, turned=7)
    assert verdict_lines(kept)[0].endswith(
        "cannot tell: judge: 0 won, 0 lost, 1 even, 7 unclear (7 changed with the order)"
    )


def test_what_was_unclear_is_said_beside_clear_evidence_and_in_every_report(kept):
    def changeable(a, b):
        number = len(rule.requests)
        if number > 12:
            return "hm"
        return "A" if number % 4 == 1 else longer(a, b)

    rule = Rule(changeable)
    judge(kept, rule, emit=ignore_event, stop=StopToken())
    tally = judged(kept.judgements, "run-1")
    assert tally.all == 8 and tally.turned and tally.unread
    said = f"{tally.unclear} unclear ({tally.turned} changed with the order, {tally.unread} could not be read)"
    rows = {line: (3.0 + line / 100, 10) for line in range(1, 9)}
    kept.losses["base"] = Loss("test.jsonl", rows)
    kept.losses["run-1"] = Loss("test.jsonl", {line: (loss - 1, n) for line, (loss, n) in rows.items()})
    (line,) = verdict_lines(kept)
    assert "better: loss on test.jsonl" in line and said in line
    assert said in as_markdown(kept) and said in as_html(kept)
    (told,) = json.loads(json.dumps(summed(kept).as_json()))["judged"]
    wanted = {"column": "run-1", "against": "base", "judge": "a rule", "turned": tally.turned, "unread": tally.unread}
    assert wanted.items() <= told.items()
    assert told["win_rate_low"] < told["win_rate"] == tally.won / tally.decided <= told["win_rate_high"]


def test_what_cannot_be_read_does_not_count_and_an_error_is_asked_again(kept):
    events, mute = [], Rule(lambda _a, _b: "hm")
    judge(kept, mute, emit=events.append, stop=StopToken())
    assert judged(kept.judgements, "run-1") == Tally(even=1, unread=7)
    assert len(mute.requests) == 28 and unjudged(kept) == []
    (notice,) = [event.text for event in events if isinstance(event, Notice)]
    assert "nothing clear about 7 of 8 pairs: 7 could not be read" in notice and "stronger judge" in notice
    kept.judgements.clear()
    events = []
    judge(kept, Rule(lambda _a, _b: TeacherRefused("no")), emit=events.append, stop=StopToken())
    assert len(unjudged(kept)) == 14 and not kept.finished
    assert any("judgement is missing" in getattr(event, "text", "") for event in events)


@pytest.mark.parametrize("continues", [False, True])
def test_one_that_cannot_say_why_is_asked_for_a_letter(kept, continues):
    class Terse(Rule):
        def ask(self, requests, on_answer, stop):
            if requests[0].max_tokens > 20:
                super().ask(requests, lambda number, _said: on_answer(number, Said("Well, well", "length", 300)), stop)
            else:
                super().ask(requests, on_answer, stop)

    terse = Terse(lambda a, b: "A" if len(a) > len(b) else "B")
    terse.continues = continues
    judge(kept, terse, emit=ignore_event, stop=StopToken())
    assert judged(kept.judgements, "run-1") == Tally(7, 0, 1)
    letters = [request for request in terse.requests if request.max_tokens <= 20]
    assert len(letters) == 14 and {bool(request.beginning) for request in letters} == {continues}


def test_one_that_never_says_why_is_asked_for_letters_alone(kept):
    mute = Rule(lambda _a, _b: "hm")
    mute.at_once = 4
    judge(kept, mute, emit=ignore_event, stop=StopToken())
    assert [request.max_tokens > 20 for request in mute.requests] == [True] * 4 + [False] * 14
    assert judged(kept.judgements, "run-1") == Tally(even=1, unread=7)


def test_of_many_that_could_be_asked_at_once_few_are_so_that_a_kill_takes_few(kept, monkeypatch):
    monkeypatch.setattr("tui_tuner.evaluation.judge.AT_ONCE", 5)
    eager, sizes = Rule(longer), []
    eager.at_once, ask = 512, eager.ask
    eager.ask = lambda requests, hear, stop: (sizes.append(len(requests)), ask(requests, hear, stop))
    judge(kept, eager, emit=ignore_event, stop=StopToken())
    assert sizes == [5, 5, 4]


def test_stopped_it_goes_on_where_it_was(kept):
    stop = StopToken()

    def until_the_fifth(a, b):
        if len(rule.requests) == 5:
            stop.request()
        return longer(a, b)

    rule = Rule(until_the_fifth)
    with pytest.raises(Stopped):
        judge(kept, rule, emit=ignore_event, stop=stop)
    again, rest = read_comparison(kept.path), Rule(longer)
    assert not again.finished
    judge(again, rest, emit=ignore_event, stop=StopToken())
    assert len(rest.requests) == 14 - 5
    assert judged(again.judgements, "run-1") == Tally(7, 0, 1)


def test_votes_are_kept_beside_the_answers(kept):
    with Journal(kept.path) as journal:
        for index, says in ((0, "first"), (0, "column"), (1, "even"), (2, "first")):
            journal.append(Opinion(index, "run-1", says).as_row())
        journal.append({"opinion": {"index": 3, "column": "run-1", "says": "<b>"}})
    again = read_comparison(kept.path)
    assert voted(again.votes, "run-1") == Tally(1, 1, 1)
    assert "your votes: 1 won, 1 lost (50%, 9% to 91%), 1 even" in verdict_lines(again)[0]


def test_the_judge_takes_the_teachers_place(tmp_path):
    project = tuned_model.project(tmp_path / "project")
    project = project.with_settings("dataset", {"teacher": "ollama", "url": "there:1"})
    chosen = with_judge(project.with_settings("compare", {"judge": "ollama:mistral:7b"})).choices.dataset
    assert (chosen.teacher, chosen.teacher_model, chosen.url) == ("ollama", "mistral:7b", "there:1")
    chosen = with_judge(project.with_settings("compare", {"judge": "mlx"})).choices.dataset
    assert (chosen.teacher, chosen.teacher_model, chosen.url) == ("mlx", "", "")
    with pytest.raises(UsageError, match="'bob' is no judge"):
        with_judge(project.with_settings("compare", {"judge": "bob:x"}))


def test_the_whole_work_with_a_model_in_this_process_as_its_own_judge(tmp_path):
    base = tuned_model.speaker(tmp_path / "base")
    project = tuned_model.project(tmp_path / "project", base).with_settings("model", {"name": str(base)})
    tuned_model.adapter(project.runs / "run-2", base, model_name=str(base))
    settings = {"prompts": "how;why", "max_tokens": "8", "judge": "mlx", "columns": "base;run-2"}
    project = project.with_settings("compare", settings)
    events = []
    kept = comparison_work(project)(events.append, StopToken())
    assert read_comparison(kept.path) == kept and kept.finished and len(kept.judgements) == 4
    assert all("in this process" in opinion.judge for opinion in kept.judgements.values())
    with pytest.raises(UsageError, match="no judge"):
        comparison_work(project.with_settings("compare", {"judge": "bob"}))(events.append, StopToken())


def test_another_judge_reads_the_answers_that_are_there(tmp_path):
    base = tuned_model.speaker(tmp_path / "base")
    project = tuned_model.project(tmp_path / "project", base).with_settings("model", {"name": str(base)})
    tuned_model.adapter(project.runs / "run-2", base, model_name=str(base))
    project = project.with_settings("compare", {"prompts": "how;why", "max_tokens": "8", "columns": "base;run-2"})
    unjudged_one = comparison_work(project)(ignore_event, StopToken())
    answers = dict(unjudged_one.answers)
    for judge_name, shown in (("mlx", "base in this process"), (f"mlx:{base}", "base in this process")):
        chosen = project.with_settings("compare", {"judge": judge_name})
        events = []
        kept = comparison_work(chosen)(events.append, StopToken())
        assert kept.path == unjudged_one.path and kept.answers == answers
        assert {opinion.judge for opinion in kept.judgements.values()} == {shown} and len(kept.judgements) == 4
        assert sum(getattr(event, "stage", "") == "Judge" and event.total == 4 for event in events)
        assert read_comparison(kept.path) == kept and kept.finished and kept.made["judge"] == judge_name
    assert comparison_work(chosen)(ignore_event, StopToken()).path != kept.path  # the same again is another comparison


def test_those_who_can_judge_have_the_names_the_setting_takes(tmp_path, monkeypatch):
    base = tuned_model.speaker(tmp_path / "base")
    project = tuned_model.project(tmp_path / "project", base).with_settings("model", {"name": str(base)})
    with SmallOllama(MISTRAL) as server, SmallOllama(QWEN) as other:
        monkeypatch.setenv("OLLAMA_HOST", server.place)
        project = project.with_settings("dataset", {"teacher": "openai", "url": other.place})
        found = {judge.setting for judge in judges(project)}
        assert {"mlx", "ollama:mistral:7b"} <= found and "ollama:qwen3:4b" not in found
        for judge in judges(project):
            chosen = with_judge(project.with_settings("compare", {"judge": judge.setting})).choices.dataset
            assert (chosen.teacher, chosen.teacher_model) == (judge.teacher.kind, judge.teacher.model)
