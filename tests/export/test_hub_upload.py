import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile

import pytest
from export.hub_for_uploads import HubForUploads

from tui_tuner.errors import ConfigurationError, ExportError, StorageError
from tui_tuner.export.hub_files import plan_upload
from tui_tuner.export.hub_upload import upload_to_hub
from tui_tuner.export.proof_rows import Proof, ProofRow, keep_proof, kept_proofs
from tui_tuner.files import write_json
from tui_tuner.progress import Notice, StageProgress, StopToken, ignore_event

TOKEN = "hf_a-secret-nobody-should-see"
WITHIN = 60


@pytest.fixture
def project(fused_project):
    return fused_project.with_settings("export", {"repository": "me/mine"})


@pytest.fixture
def hub(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with HubForUploads(TOKEN) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield running


def upload(project, what="fused", *, emit=ignore_event, stop=None):
    return upload_to_hub(plan_upload(project, what), emit=emit, stop=stop or StopToken())


def test_a_plan_tells_exactly_what_would_leave_and_asks_nobody(project, hub):
    event = plan_upload(project).as_event()
    assert event.repository == "me/mine" and event.private
    assert set(event.names) == {
        *("README.md", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
    }
    assert "tuner.json" not in event.names  # its story names this machine's folders
    sizes = [(project.fused_model / name).stat().st_size for name in event.names]
    assert list(event.sizes) == sizes and event.total == sum(sizes)
    words = "\n".join(plan_upload(project).in_words())
    assert "private: only you see it" in words and "model.safetensors" in words
    public = project.with_settings("export", {"private": "false"})
    assert "PUBLIC: everybody sees it" in plan_upload(public).in_words()[0]
    assert hub.asked == []


def test_what_arrives_is_what_was_planned(project, hub):
    events = []
    address = upload(project, emit=events.append)
    assert address == f"{hub.url}/me/mine"
    repository = hub.repositories["me/mine"]
    assert repository["private"]
    plan = plan_upload(project)
    assert {name: len(content) for name, content in repository["files"].items()} == dict(
        zip(plan.as_event().names, plan.as_event().sizes, strict=True)
    )
    assert repository["files"]["model.safetensors"] == (project.fused_model / "model.safetensors").read_bytes()
    stages = [event for event in events if isinstance(event, StageProgress)]
    assert stages[-1].ended and stages[-1].done == pytest.approx(stages[-1].total)
    assert kept_proofs(project.fused_model)[-1].passed
    assert TOKEN not in str(events)
    assert address in [event.text for event in events if isinstance(event, Notice)][-1]


def test_an_adapter_goes_without_the_folders_of_this_machine(project, hub):
    path = project.runs / "run-1" / "adapter_config.json"
    before = path.read_text()
    extra = {"model": "/home/me/base", "data": "/home/me/secret", "note": "~/x", "lora_layers": 4}
    write_json(path, {**json.loads(before), **extra})
    try:
        upload(project, "adapter")
    finally:
        path.write_text(before)
    files = hub.repositories["me/mine"]["files"]
    assert set(files) == {"README.md", "adapter_config.json", "adapters.safetensors"}
    assert b"/home/me" not in files["adapter_config.json"] and b"~/x" not in files["adapter_config.json"]
    assert json.loads(files["adapter_config.json"])["lora_layers"] == 4
    assert b"--adapter-path" in files["README.md"]


def test_gguf_files_are_uploaded_where_there_are_some(project, hub):
    with pytest.raises(ExportError, match="no GGUF file of this model yet"):
        plan_upload(project, "gguf")
    folder = project.folder / "exports" / "mine-f16"
    folder.mkdir(parents=True)
    (folder / "mine-f16.gguf").write_bytes(b"GGUF" * 5000)
    with pytest.raises(ExportError, match="no GGUF file of this model yet"):  # of an earlier fused model, it may be
        plan_upload(project, "gguf")
    keep_proof(project.fused_model, Proof.of("GGUF mine-f16", [ProofRow("weights", "passed", "")]))
    upload(project, "gguf")
    assert hub.repositories["me/mine"]["files"]["mine-f16.gguf"] == b"GGUF" * 5000


def test_nothing_private_goes_into_a_public_repository(project, hub):
    hub.repositories["me/mine"] = {"private": False, "files": {}}
    with pytest.raises(ExportError, match="is public"):
        upload(project)
    assert not hub.puts and not hub.repositories["me/mine"]["files"]
    upload(project.with_settings("export", {"private": "false"}))
    assert hub.repositories["me/mine"]["files"]


@pytest.mark.parametrize(("token", "words"), [("hf_wrong", "may not write there"), ("", "wants to know who uploads")])
def test_without_a_token_that_may_it_says_what_to_do(token, words, project, hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(ExportError, match=words) as caught:
        upload(project)
    assert "hf auth login" in caught.value.advice
    assert "hf_wrong" not in str(caught.value)


def test_what_was_sent_whole_is_not_sent_again(project, hub):
    (project.fused_model / "vocab.json").write_text("x" * 20_000)
    try:
        hub.bad_days = ["", "refuses"]
        with pytest.raises(ExportError) as caught:
            upload(project)
        assert "not sent again" in caught.value.advice or "may not write" in caught.value.what
        assert len(hub.puts) == 1
        upload(project)
    finally:
        (project.fused_model / "vocab.json").unlink()
    assert len(hub.puts) == len(set(hub.puts)) == 2


def test_a_file_the_hub_does_not_list_is_noticed(project, hub):
    hub.loses = {"config.json"}
    with pytest.raises(ExportError, match=r"does not list what was sent: files: .*config\.json"):
        upload(project)
    assert not kept_proofs(project.fused_model)[-1].passed


def test_stopped_it_ends_at_once_and_goes_on_later(project, hub):
    assert hub.stopped_half_way(lambda stop: upload(project, stop=stop), held=True)
    hub.go_on.set()
    upload(project)
    assert hub.repositories["me/mine"]["files"]


def test_killed_its_own_process_ends_too_and_the_next_one_goes_on(project, hub):
    hub.go_on.clear()
    code = f"""
from pathlib import Path
from tui_tuner.project import open_project
from tui_tuner.export.hub_files import plan_upload
from tui_tuner.export.hub_upload import upload_to_hub
from tui_tuner.progress import StopToken, ignore_event
project = open_project(Path({str(project.folder)!r})).with_settings("export", {{"repository": "me/mine"}})
upload_to_hub(plan_upload(project), emit=ignore_event, stop=StopToken())
"""
    child = subprocess.Popen([sys.executable, "-c", code])
    try:
        assert hub.half.wait(WITHIN)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait(WITHIN)
    hub.go_on.set()
    upload(project)
    weights = (project.fused_model / "model.safetensors").read_bytes()
    assert hub.repositories["me/mine"]["files"]["model.safetensors"] == weights
    assert hashlib.sha256(weights).hexdigest() in hub.store


def test_what_cannot_be_planned(project):
    with pytest.raises(ConfigurationError, match="no repository is chosen"):
        plan_upload(project.with_settings("export", {"repository": ""}))
    for name in ("mine", "me/../x", "a/b/c", "https://huggingface.co/me/x"):
        with pytest.raises(ConfigurationError, match="is no repository"):
            plan_upload(project.with_settings("export", {"repository": name}))


def test_offline_by_choice_is_said(project, hub, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ExportError, match="HF_HUB_OFFLINE"):
        upload(project)


def test_a_hub_without_room_for_it_says_so(project, hub):
    hub.bad_days, proofs = ["full"], kept_proofs(project.fused_model)
    with pytest.raises(ExportError, match="no room left") as caught:
        upload(project)
    assert "hf auth login" not in caught.value.advice  # no token would help
    assert hub.repositories["me/mine"]["files"] == {}
    assert kept_proofs(project.fused_model) == proofs
    upload(project)
    assert hub.repositories["me/mine"]["files"]


def test_a_full_disk_here_uploads_nothing_and_leaves_nothing(project, hub, tmp_path, monkeypatch):
    def full(_file):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="the disk is full"):
            upload(project)
    assert not hub.asked and list(tmp_path.iterdir()) == []
    upload(project)
    assert hub.repositories["me/mine"]["files"]
