import pytest
from teachers.misbehaving_server import MisbehavingServer, hang_up, raw, reply

from tui_tuner.environment import servers
from tui_tuner.environment.servers import check_lm_studio, check_ollama
from tui_tuner.teachers.ollama_address import Address

VERSION = reply({"version": "0.13.5"})
MISTRAL = {"name": "mistral:7b", "size": 4_113_301_824, "details": {"family": "llama"}}
SMALL = {"name": "smollm2:135m", "size": 270_000_000, "details": {"family": "llama"}}
EMBEDDER = {"name": "nomic-embed-text:latest", "size": 274_000_000, "details": {"family": "nomic-bert"}}


@pytest.fixture
def nobody():
    with MisbehavingServer(hang_up) as server:
        pass
    return server.address


def test_ollama_with_models_is_ok():
    with MisbehavingServer(VERSION, reply({"models": [SMALL, MISTRAL]})) as server:
        result = check_ollama(server.address)
    assert result.state == "ok"
    assert result.finding == f"0.13.5 at localhost:{server.port} · 2 models · largest mistral:7b 4.1 GB"


@pytest.mark.parametrize("models", [[], [EMBEDDER]])
def test_ollama_without_a_model_that_writes_offers_to_pull_one(models):
    with MisbehavingServer(VERSION, reply({"models": models})) as server:
        result = check_ollama(server.address)
    assert (result.state, result.fix.run) == ("warning", "ollama_model")


def test_ollama_installed_but_silent_can_be_started(monkeypatch, nobody, tmp_path):
    monkeypatch.setattr(servers, "ollama_program", lambda: tmp_path / "ollama")
    result = check_ollama(nobody)
    assert (result.state, result.fix.run, result.fix.command) == ("warning", "ollama", "ollama serve")


def test_ollama_not_installed_can_only_be_installed_by_hand(monkeypatch, nobody):
    monkeypatch.setattr(servers, "ollama_program", lambda: None)
    result = check_ollama(nobody)
    assert (result.state, result.fix.run) == ("missing", None)
    assert "install" in result.fix.command


def test_ollama_on_another_machine_is_not_started_from_here(monkeypatch):
    monkeypatch.setattr(servers, "ollama_program", lambda: None)
    result = check_ollama(Address(host="10.255.255.1"))  # the tests' own guard refuses the connection
    assert (result.state, result.fix) == ("warning", None)
    assert "10.255.255.1" in result.finding


def test_something_else_on_ollamas_port_is_told():
    with MisbehavingServer(raw(b"<html>nginx</html>")) as server:
        result = check_ollama(server.address)
    assert (result.state, result.fix) == ("warning", None)
    assert "nginx" in result.finding


def test_lm_studio_says_how_many_models_it_lists():
    with MisbehavingServer(reply({"object": "list", "data": [{"id": "a"}, {"id": "b"}]})) as server:
        result = check_lm_studio(server.address)
    assert (result.state, result.finding) == ("ok", f"at localhost:{server.port} · 2 models")


@pytest.mark.parametrize(("installed", "has_fix"), [(True, True), (False, False)])
def test_lm_studio_that_is_silent_is_only_missing(monkeypatch, nobody, tmp_path, installed, has_fix):
    monkeypatch.setattr(servers, "LM_STUDIO_PLACES", (tmp_path if installed else tmp_path / "none",))
    result = check_lm_studio(nobody)
    assert result.state == "missing"
    assert (result.fix is not None) is has_fix


def test_something_else_on_lm_studios_port_is_told():
    with MisbehavingServer(reply({"hello": "world"})) as server:
        assert "something else" in check_lm_studio(server.address).finding
