"""The Export step by keys: every place a model can go, what is asked first, and what is shown of the proof."""

import pytest
import tiny_project
import tuned_model
from export.hub_for_uploads import HubForUploads
from export.ollama_with_store import OllamaWithStore
from test_app import WaitingWork, notices, running_app
from textual.widgets import OptionList, Static

import tui_tuner.screens.export as module
from tui_tuner.export.fuse import fuse, plan_fuse
from tui_tuner.export.greedy import speak
from tui_tuner.export.proof_rows import Proof, ProofRow, keep_proof, kept_proofs
from tui_tuner.models.loading import load_model
from tui_tuner.progress import StopToken, ignore_event
from tui_tuner.project import save_project
from tui_tuner.screens.question import Question
from tui_tuner.screens.upload_question import UploadQuestion

TOKEN = "hf_a-secret-nobody-should-see"


@pytest.fixture
def fused(tmp_path):
    """A project with a fused model."""
    base = tuned_model.speaker(tmp_path / "base")
    project = tuned_model.project(tmp_path / "mine", base)
    fuse(plan_fuse(project, base), emit=ignore_event, stop=StopToken())
    save_project(project)
    return project


async def ended(app, pilot):
    """Wait until the step's job has ended and the screen has heard of it."""
    app.board.jobs["export"].wait(120)
    for _patience in range(500):
        await pilot.pause(0.01)
        if not app.board.running("export"):
            break
    await pilot.pause()


def row(app, place):
    return str(app.screen.query_one("#places", OptionList).get_option(place).prompt)


def proof(app):
    return str(app.screen.query_one("#proof", Static).content)


def verdict(app):
    return str(app.screen.query_one("#verdict", Static).content)


def commands(app):
    return [option.id for option in app.screen.query_one("#usage", OptionList).options]


async def test_arrows_go_through_the_places_and_show_what_was_proved_of_each(fused):
    keep_proof(fused.fused_model, Proof.of("Ollama mine", [ProofRow("answers", "differs", "2 of 3", "it is another")]))
    async with running_app(fused, "export") as (app, pilot):
        assert "✓ 6 rows passed" in row(app, "fuse") and "✗ mine · answers differ" in row(app, "ollama")
        assert "–" in row(app, "gguf")
        assert "next tokens" in proof(app) and any("mlx_lm.chat" in command for command in commands(app))
        await pilot.press("down")
        assert "it is another" in proof(app)
        assert commands(app) == []  # what differs is not offered for use
        await pilot.press("down")
        assert proof(app) == ""


async def test_everything_fits_and_the_keys_are_in_sight(fused):
    async with running_app(fused, "export") as (app, _pilot):
        for place, key in {"fuse": "g", "ollama": "o", "lm-studio": "l", "gguf": "w", "hub": "u"}.items():
            assert row(app, place).split()[0] == key
        assert app.screen.query_one("#usage").region.bottom <= 23
        assert app.focused.id == "places"


async def test_nothing_is_handed_on_before_there_is_a_fused_model(tmp_path):
    async with running_app(tiny_project.make(tmp_path), "export") as (app, pilot):
        for key in "olwu":
            await pilot.press(key)
            await pilot.pause()
        assert not app.board.all_running()
        assert "there is no fused model yet" in notices(app)


async def test_ollama_by_one_key_asks_before_it_replaces(fused, tmp_path, monkeypatch):
    said = {one.question: one.text for one in speak(load_model(fused.fused_model), StopToken())}
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "store"))
    tokenizer = fused.fused_model / "tokenizer.json"
    with OllamaWithStore(tmp_path / "store", tokenizer, lambda question: said.get(question, "")) as server:
        project = fused.with_settings("export", {"ollama_url": server.place})
        async with running_app(project, "export") as (app, pilot):
            await pilot.press("o")
            await ended(app, pilot)
            assert server.names() == ["mine:latest"]
            assert "mine is in Ollama" in verdict(app)
            assert "✓ mine · 5 rows passed" in row(app, "ollama")
            assert "chat template" in proof(app) and commands(app) == ["ollama run mine"]
            before = server.manifest("mine").read_bytes()
            await pilot.press("o")
            await ended(app, pilot)
            assert isinstance(app.screen, Question)
            assert "failed" not in notices(app)
            await pilot.press("n")
            await pilot.pause()
            assert "Nothing was replaced" in verdict(app)
            assert server.manifest("mine").read_bytes() == before and len(server.created) == 1
            await pilot.press("o")
            await ended(app, pilot)
            await pilot.press("y")
            await pilot.pause()
            await ended(app, pilot)
            assert len(server.created) == 2 and server.names() == ["mine:latest"]


async def test_an_upload_is_shown_whole_and_only_one_key_does_it(fused, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with HubForUploads(TOKEN) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        project = fused.with_settings("export", {"repository": "me/mine"})
        async with running_app(project, "export") as (app, pilot):
            for answer in ("n", "escape", "enter"):
                await pilot.press("u")
                await pilot.pause()
                assert isinstance(app.screen, UploadQuestion)
                texts = " ".join(str(text.content) for text in app.screen.query(Static).results(Static))
                assert "me/mine (private: only you see it)" in texts and "model.safetensors" in texts
                await pilot.press(answer)
                await pilot.pause()
            await pilot.press("escape")
            await pilot.pause()
            assert hub.asked == []
            await pilot.press("u", "y")
            await pilot.pause()
            await ended(app, pilot)
            assert "model.safetensors" in hub.repositories["me/mine"]["files"]
            assert f"Uploaded: {hub.url}/me/mine" in verdict(app)


async def test_without_a_repository_it_says_where_to_name_one(fused):
    async with running_app(fused, "export") as (app, pilot):
        await pilot.press("u")
        await pilot.pause()
        assert "no repository is chosen" in notices(app)


async def test_enter_does_the_marked_place_and_what_failed_is_shown(fused, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "lm_studio_work", lambda _project, replace: WaitingWork())
    async with running_app(fused, "export") as (app, pilot):
        await pilot.press("down", "down", "enter")
        await pilot.pause()
        assert app.board.running("export")
        assert not app.screen.works_now("hand_on")  # one after the other
        await pilot.press("s")
        await ended(app, pilot)
        assert "–" in row(app, "lm-studio")


async def test_the_settings_are_reached_by_a_key(fused):
    async with running_app(fused, "export") as (app, pilot):
        await pilot.press("e")
        assert app.screen.shows_settings
        await pilot.press("o", "n", "e", "escape", "escape")
        await pilot.pause()
        assert app.project.choices.export.name == "one"


async def test_a_fuse_that_fails_its_proof_shows_its_rows(fused, monkeypatch):
    failed = Proof.of("fused model", [ProofRow("logits", "differs", "by 9", "not the one that was trained")])

    def work(_project):
        def fail(emit, _stop):
            emit(failed)
            raise module.ExportError("the fused model is not the one that was trained")

        return fail

    monkeypatch.setattr(module, "fuse_work", work)
    async with running_app(fused, "export") as (app, pilot):
        await pilot.press("g")
        await ended(app, pilot)
        assert "✗ logits differ" in row(app, "fuse")
        assert "not the one that was trained" in proof(app)
        assert kept_proofs(fused.fused_model)[0].passed  # the earlier model is still there
