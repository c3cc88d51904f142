import os
import signal
import socket
import stat
import sys
import threading
import time

import pytest
from teachers.misbehaving_server import WITHIN, MisbehavingServer, hang_up, reply, stream

from tui_tuner.choices import ModelChoice
from tui_tuner.environment import fixes
from tui_tuner.environment.fixes import FIXES, fix_work
from tui_tuner.errors import Stopped, TeacherRefused, TeacherUnavailable, UsageError
from tui_tuner.progress import Notice, StopToken, ignore_event

OLLAMA = """#!{python}
import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
open({record!r}, "w").write(json.dumps([os.getpid(), sys.argv[1:]]))
{first}

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{{"version": "9.9.9"}}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass

HTTPServer(("127.0.0.1", int(os.environ["OLLAMA_HOST"].rpartition(":")[2])), Handler).serve_forever()
"""


@pytest.fixture
def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a program named `ollama` on the path; end whatever it started."""
    record = tmp_path / "record.json"

    def install(first=""):
        program = tmp_path / "bin" / "ollama"
        program.parent.mkdir()
        program.write_text(OLLAMA.format(python=sys.executable, record=str(record), first=first))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
        return record

    yield install
    if record.exists():
        process = int(record.read_text()[1:].partition(",")[0])
        try:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
        except (ProcessLookupError, ChildProcessError):
            pass


def start(port, heard=None, stop=None):
    work = fix_work("ollama", ModelChoice(), ollama_url=f"localhost:{port}")
    return work(ignore_event if heard is None else heard.append, stop or StopToken())


def test_an_unknown_fix_names_the_known_ones():
    with pytest.raises(UsageError, match="base_model, ollama, ollama_model"):
        fix_work("disk", ModelChoice())


def test_ollama_is_started_where_it_will_be_looked_for(install, free_port):
    record, heard = install(), []
    start(free_port, heard)
    assert '"serve"' in record.read_text()
    assert heard[-1] == Notice(f"Ollama 9.9.9 answers at localhost:{free_port}.")
    assert any(event.kind == "stage_progress" and event.ended for event in heard)
    os.kill(int(record.read_text()[1:].partition(",")[0]), 0)  # it lives on


def test_an_ollama_that_answers_is_not_started_again(monkeypatch):
    monkeypatch.setattr(fixes, "ollama_program", lambda: pytest.fail("looked for the program"))
    heard = []
    with MisbehavingServer(reply({"version": "0.13.5"})) as server:
        start(server.port, heard)
    assert "0.13.5" in heard[-1].text


def test_an_ollama_that_does_not_start_says_its_last_words(install, free_port):
    install("sys.exit('Error: could not create the models folder')")
    with pytest.raises(TeacherUnavailable, match="could not create the models folder"):
        start(free_port)


def test_stopping_ends_an_ollama_that_does_not_answer_yet(install, free_port):
    record = install("import time; time.sleep(60)")
    stop = StopToken()

    def stop_when_it_runs():
        deadline = time.monotonic() + WITHIN
        while time.monotonic() < deadline and not (record.exists() and record.read_text()):
            pass
        stop.request()

    threading.Thread(target=stop_when_it_runs).start()
    with pytest.raises(Stopped):
        start(free_port, stop=stop)
    with pytest.raises(ProcessLookupError):
        os.kill(int(record.read_text()[1:].partition(",")[0]), 0)


def test_ollama_elsewhere_or_not_installed_is_not_started(monkeypatch, free_port):
    monkeypatch.setattr(fixes, "ollama_program", lambda: None)
    with pytest.raises(TeacherRefused, match="not installed"):
        start(free_port)
    with pytest.raises(TeacherRefused, match="another machine"):
        fix_work("ollama", ModelChoice(), ollama_url="10.255.255.1")(ignore_event, StopToken())


def test_a_model_is_pulled_by_ollama():
    with MisbehavingServer(stream({"status": "pulling manifest"}, {"status": "success"})) as server:
        work = fix_work("ollama_model", ModelChoice(), ollama_url=f"localhost:{server.port}", ollama_model="llama3.2")
        work(ignore_event, StopToken())
        assert (server.asked[0].path, server.asked[0].body["model"]) == ("/api/pull", "llama3.2")


def test_the_base_model_is_fetched_by_the_catalogue(monkeypatch, tmp_path):
    asked = []

    def fetch(model, *, emit, stop):
        asked.append((model.name, emit, stop))
        return tmp_path

    monkeypatch.setattr(fixes, "fetch_base", fetch)
    stop = StopToken()
    assert fix_work("base_model", ModelChoice(name="some/model"))(ignore_event, stop) == tmp_path
    assert asked == [("some/model", ignore_event, stop)]


def test_every_fix_a_check_offers_can_be_run(monkeypatch):
    from tui_tuner.environment import servers
    from tui_tuner.environment.base_model import judge_base_model
    from tui_tuner.environment.servers import check_ollama

    monkeypatch.setattr(servers, "ollama_program", lambda: "ollama")
    with MisbehavingServer(hang_up) as server:
        pass
    with MisbehavingServer(reply({"version": "1"}), reply({"models": []})) as empty:
        offered = [check_ollama(empty.address), check_ollama(server.address), judge_base_model("starter", None, None)]
    assert {result.fix.run for result in offered} == set(FIXES)
