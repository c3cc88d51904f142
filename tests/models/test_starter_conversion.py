from __future__ import annotations

import time

import pytest

from tui_tuner.errors import ModelError, Stopped, StorageError
from tui_tuner.models import starter_conversion
from tui_tuner.models.blas import load_fast_blas
from tui_tuner.models.starter_conversion import check_answer, convert, weight_type
from tui_tuner.progress import StopToken, ignore_event

load_fast_blas()

import mlx.core as mx  # noqa: E402


@pytest.mark.parametrize("dtype", [mx.float32, mx.float16])
def test_weights_have_the_type_that_suits_the_device(tiny, tmp_path, monkeypatch, dtype):
    monkeypatch.setattr(starter_conversion, "weight_type", lambda: dtype)
    tiny.write_gguf(tmp_path / "tiny.gguf")
    folder = tmp_path / "model"
    folder.mkdir()
    name = convert(tmp_path / "tiny.gguf", folder, emit=ignore_event, stop=StopToken())
    weights = mx.load(str(folder / "model.safetensors"))
    assert {weight.dtype for weight in weights.values()} == {dtype}
    assert str(dtype).endswith(name)


def test_half_precision_only_where_there_is_a_gpu():
    assert weight_type() == (mx.float16 if mx.is_available(mx.gpu) else mx.float32)


def test_a_full_disk_is_called_by_its_name(tiny, tmp_path, monkeypatch):
    def fail(*arguments):
        raise RuntimeError("[save_safetensors] could not write")

    tiny.write_gguf(tmp_path / "tiny.gguf")
    monkeypatch.setattr(mx, "save_safetensors", fail)
    usage = starter_conversion.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(starter_conversion.shutil, "disk_usage", lambda path: usage._replace(free=0))
    with pytest.raises(StorageError, match="full"):
        convert(tmp_path / "tiny.gguf", tmp_path, emit=ignore_event, stop=StopToken())


@pytest.mark.starter
def test_the_starter_knows_the_answer(starter):
    began = time.perf_counter()
    answer = check_answer(starter, emit=ignore_event, stop=StopToken())
    assert "Paris" in answer
    assert time.perf_counter() - began < 60


@pytest.mark.starter
def test_the_check_can_be_stopped(starter):
    stop = StopToken()
    with pytest.raises(Stopped):
        check_answer(starter, emit=lambda event: stop.request() if event.done else None, stop=stop)


@pytest.mark.starter
def test_a_starter_with_its_heads_in_disorder_is_found_out(starter, tmp_path):
    """The known answer notices what no checksum can: weights that are well written and wrong."""
    for path in starter.iterdir():
        if path.name != "model.safetensors":
            (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = mx.load(str(starter / "model.safetensors"))
    for name in [name for name in weights if ".q_proj." in name]:
        weights[name] = weights[name][::-1]
    mx.save_safetensors(str(tmp_path / "model.safetensors"), weights, {"format": "mlx"})
    with pytest.raises(ModelError, match="does not answer"):
        check_answer(tmp_path, emit=ignore_event, stop=StopToken())
