"""The headless commands as a person or a script runs them: in a process of their own."""

import gc
import json
import os
import signal
import subprocess
import sys

import pytest
import tiny_project

from tui_tuner import __version__
from tui_tuner.cli import main
from tui_tuner.project import open_project
from tui_tuner.project_lock import project_lock


def tuner(*arguments, cwd=None, stdin=None):
    return subprocess.run(
        [sys.executable, "-m", "tui_tuner", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        input=stdin,
        timeout=300,
    )


def events(ended):
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_version_and_help():
    assert tuner("--version").stdout == f"tuner {__version__}\n"
    shown = tuner("--help").stdout
    for name in (
        "demo",
        "new",
        "check",
        "pull",
        "import",
        "data",
        "tokens",
        "train",
        "runs",
        "compare",
        "fuse",
        "export",
        "chat",
        "serve-model",
    ):
        assert f"    {name} " in shown
        assert "examples:" in tuner(name, "--help").stdout


def test_a_wrong_argument_is_usage():
    assert tuner("trian").returncode == 2
    assert tuner("train", "--nonsense").returncode == 2


def test_without_a_project_it_says_how_to_make_one(tmp_path):
    ended = tuner("train", cwd=tmp_path)
    assert ended.returncode == 1
    assert "tuner new" in ended.stderr and "Traceback" not in ended.stderr


def test_a_project_named_before_the_command_stays_named(tmp_path, capsys):
    project = tiny_project.make(tmp_path / "play")
    for words in (["--project", str(project.folder), "runs"], ["runs", "--project", str(project.folder)]):
        assert main(words) == 0
        assert "no project" not in capsys.readouterr().err


def test_an_app_that_cannot_open_leaves_the_collector_on(tmp_path, capsys):
    assert main(["--project", str(tmp_path)]) == 1
    assert gc.isenabled()
    assert "tuner new" in capsys.readouterr().err


def test_a_new_project_is_found_in_the_current_folder(tmp_path):
    assert tuner("new", tmp_path / "p", "--topic", "bread").returncode == 0
    assert open_project(tmp_path / "p").choices.dataset.topic == "bread"
    ended = tuner("runs", cwd=tmp_path / "p")
    assert (ended.returncode, "No runs yet" in ended.stdout) == (0, True)


def test_a_new_project_in_json_is_one_event(tmp_path):
    made = tuner("new", tmp_path / "p", "--json")
    assert events(made) == [{"event": "project_made", "folder": str(tmp_path / "p")}]


def test_mistakes_in_settings_name_what_was_expected(tmp_path):
    tuner("new", tmp_path)
    for wrong in ("iters=0", "iters", "nothing=1", "nowhere.iters=1"):
        ended = tuner("train", "--project", tmp_path, "--set", wrong)
        assert ended.returncode == 2, wrong
        assert ended.stderr.startswith("tuner: ") and "Traceback" not in ended.stderr
    manifest = tmp_path / "tuner.toml"
    manifest.write_text(manifest.read_text().replace("iters = 200", 'iters = "many"'))
    line = next(n for n, text in enumerate(manifest.read_text().splitlines(), 1) if text.startswith("iters"))
    ended = tuner("train", "--project", tmp_path)
    assert ended.returncode == 2
    assert f"tuner.toml:{line}" in ended.stderr and "a whole number from 1" in ended.stderr


def test_a_locked_project_is_left_alone(tmp_path):
    project = tiny_project.make(tmp_path)
    with project_lock(project):
        ended = tuner("train", "--project", project.folder)
    assert ended.returncode == 1
    assert f"process {os.getpid()}" in ended.stderr
    assert not project.runs.exists()


def test_training_without_data_says_what_to_do(tmp_path):
    project = tiny_project.make(tmp_path, data=False)
    ended = tuner("train", "--project", project.folder)
    assert ended.returncode == 1
    assert "tuner data" in ended.stderr


def test_the_journey_headless_with_json(tmp_path):
    project = tiny_project.make(tmp_path)
    trained = tuner("train", "--project", project.folder, "--set", "iters=4", "--json")
    assert trained.returncode == 0, trained.stderr
    kinds = [event["event"] for event in events(trained)]
    assert kinds.count("train_step") == 4
    assert kinds[-1] == "job_ended" and "training_ended" in kinds

    runs = tuner("runs", "--project", project.folder, "--json")
    assert [(run["event"], run["name"], run["state"]) for run in events(runs)] == [("run_summary", "run-1", "finished")]

    compared = tuner("compare", "--project", project.folder, "--prompt", "Three?", "--json")
    assert compared.returncode == 0, compared.stderr
    answers = [event for event in events(compared) if event["event"] == "answer_ended"]
    assert [answer["column"] for answer in answers] == ["base", "tuned"]

    fused = tuner("fuse", "--project", project.folder, "--json")
    assert fused.returncode == 0, fused.stderr
    assert [event["passed"] for event in events(fused) if event["event"] == "proof"] == [True]
    assert (project.fused_model / "model.safetensors").is_file()

    asked = tuner("chat", "--project", project.folder, "--prompt", "-", "--json", stdin="Hello?\n")
    assert asked.returncode == 0, asked.stderr
    assert [event["event"] for event in events(asked)][-2:] == ["reply_ended", "job_ended"]
    alone = tuner("chat", "--project", project.folder, "--prompt", "Hello?", "--set", "max_tokens=2")
    assert alone.stdout.count("\n") == 1 and "cut at the longest answer" in alone.stderr
    wrong = tuner("chat", "--project", project.folder, "--prompt", "")
    assert wrong.returncode == 2


def train_until_first_step(project, *arguments):
    process = subprocess.Popen(
        [sys.executable, "-m", "tui_tuner", "train", "--project", str(project.folder), "--json", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "train_step":
            return process, event["iteration"]
    raise AssertionError("it never took a step")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_training_keeps_everything_and_goes_on(tmp_path, number):
    project = tiny_project.make(tmp_path, iters=100_000)
    process, _ = train_until_first_step(project)
    process.send_signal(number)
    rest = [json.loads(line) for line in process.stdout]
    assert process.wait(60) == 130
    assert rest[-1]["event"] == "job_ended" and rest[-1]["outcome"] == "stopped"
    done = next(event["iteration"] for event in rest if event["event"] == "training_ended")

    resumed, first = train_until_first_step(project, "--resume")
    resumed.kill()
    resumed.wait()
    resumed.stdout.close()
    assert first == done + 1


def test_a_reader_that_leaves_ends_the_work_quietly(tmp_path):
    project = tiny_project.make(tmp_path, iters=100_000)
    process = subprocess.Popen(
        [sys.executable, "-m", "tui_tuner", "train", "--project", str(project.folder), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.readline()
    process.stdout.close()
    complaints = process.stderr.read()
    assert process.wait(60) == 130
    assert "Traceback" not in complaints


def test_tokens_shows_totals_lengths_and_an_example_with_what_is_learned(tmp_path):
    project = tiny_project.make(tmp_path)
    ended = tuner("tokens", "--project", project.folder, "--example", "3", "--set", "max_seq_length=46")
    assert ended.returncode == 0, ended.stderr
    assert "train.jsonl: 10 examples" in ended.stdout
    assert "   46 " in ended.stdout and "(chosen)" in ended.stdout
    assert "read only │ <|im_start|>user↵" in ended.stdout
    assert "learned ┃ One, tw\n" in ended.stdout
    assert "cut off ✂" in ended.stdout
    heard = events(tuner("tokens", "--project", project.folder, "--part", "valid", "--example", "2", "--json"))
    kinds = [event["event"] for event in heard]
    assert kinds.count("part_totals") == 2 and kinds.count("example_shown") == 1
    assert heard[kinds.index("example_shown")]["part"] == "valid"
    missing = tuner("tokens", "--project", project.folder, "--example", "11")
    assert missing.returncode == 2 and "has 10" in missing.stderr


def test_the_card_is_shown_without_writing_anything(tmp_path):
    project = tiny_project.make(tmp_path)
    missing = tuner("data", "--card", "--project", project.folder)
    assert missing.returncode == 1 and "no card yet" in missing.stderr
    (project.data / "report.json").write_text('{"train": 10, "valid": 2, "sources": {"mine.csv": 12}}')
    before = sorted(project.data.iterdir())
    shown = tuner("data", "--card", "--project", project.folder)
    assert "train.jsonl  10 (83 %) · learned from" in shown.stdout and "mine.csv  12" in shown.stdout
    (event,) = events(tuner("data", "--card", "--json", "--project", project.folder))
    assert (event["event"], event["report"]["train"]) == ("dataset_card", 10)
    assert sorted(project.data.iterdir()) == before


def test_the_prompt_can_be_read_and_tried_without_the_app(tmp_path, capsys):
    project = tiny_project.make(tmp_path, data=False)
    assert main(["data", "--project", str(project.folder), "--show-prompt", "--set", "teacher=ollama"]) == 0
    assert "about counting from people of all levels" in capsys.readouterr().out
    wrong = ["data", "--project", str(project.folder), "--show-prompt", "--set", "question_prompt=List {these}"]
    assert main(wrong) != 0
    assert "{these}" in capsys.readouterr().err
    assert main(["data", "--project", str(project.folder), "--try-prompt", "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (tried,) = [event for event in events if event["event"] == "prompt_tried"]
    assert len(tried["questions"]) + len(tried["dropped"]) == 6
    assert not (project.data / "instructions.json").exists()
