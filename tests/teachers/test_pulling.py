import pytest
from teachers.small_ollama import MISTRAL, SmallOllama

from tui_tuner.cli import main
from tui_tuner.errors import Stopped, UsageError
from tui_tuner.progress import Notice, StageProgress, StopToken
from tui_tuner.teachers.ollama import OllamaServer
from tui_tuner.teachers.ollama_address import address_for
from tui_tuner.teachers.pulling import model_name_in, pull_work


@pytest.mark.parametrize(
    "text", ["mistral:7b", " mistral:7b\n", "ollama pull mistral:7b", "ollama run mistral:7b", "pull mistral:7b"]
)
def test_the_command_of_ollamas_page_may_be_pasted(text):
    assert model_name_in(text) == "mistral:7b"


@pytest.mark.parametrize("text", ["", "  ", "two words", "ollama pull "])
def test_what_is_no_name_is_said_before_anybody_is_asked(text):
    with pytest.raises(UsageError) as caught:
        pull_work("", text)
    assert "ollama.com/library" in caught.value.advice


def test_a_model_is_there_afterwards():
    heard = []
    with SmallOllama() as server:
        pull_work(server.place, "llama3.2:3b")(heard.append, StopToken())
        assert [model.name for model in OllamaServer(address_for(server.place)).models()] == ["llama3.2:3b"]
    assert isinstance(heard[-1], Notice) and "llama3.2:3b" in heard[-1].text
    # A template of some kilobytes has no progress worth a row.
    assert {event.stage for event in heard if isinstance(event, StageProgress)} == {"llama3.2:3b: pulling ff82381e2bea"}


def test_pulling_again_goes_on_where_it_was_stopped():
    with SmallOllama(MISTRAL, seconds_per_layer=1.0) as server:
        stop = StopToken()

        def stop_half_way(event):
            if isinstance(event, StageProgress) and event.total and event.done > event.total / 2:
                stop.request()

        with pytest.raises(Stopped):
            pull_work(server.place, "llama3.2:3b")(stop_half_way, stop)
        server.seconds_per_layer = 0.0
        heard = []
        pull_work(server.place, "llama3.2:3b")(heard.append, StopToken())
    first = next(event for event in heard if isinstance(event, StageProgress))
    assert first.total is not None
    assert first.done > first.total / 2
    assert first.rate is None  # what was there before is no speed


def test_the_command_says_how_far_it_is_and_ends_well_only_with_the_model(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with SmallOllama() as server:
        assert main(["pull", "llama3.2:3b", "--url", server.place]) == 0
    assert "llama3.2:3b is there" in capsys.readouterr().out
    assert main(["pull", "llama3.2:3b", "--url", server.place]) == 1
    assert "nobody answers" in capsys.readouterr().err
    assert main(["pull", "two words"]) == 2


def test_the_command_asks_the_projects_ollama(tmp_path):
    with SmallOllama() as server:
        assert main(["new", str(tmp_path / "p")]) == 0
        manifest = tmp_path / "p/tuner.toml"
        text = manifest.read_text().replace('url = ""', f'url = "{server.place}"')
        manifest.write_text(text.replace('teacher = "mlx"', 'teacher = "ollama"'))
        assert main(["pull", "llama3.2:3b", "--project", str(tmp_path / "p"), "--json"]) == 0
        assert server.models
