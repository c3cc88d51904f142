import pytest
import tiny_model
import tuned_model

from tui_tuner.choices import ExportChoice
from tui_tuner.export.fuse import fuse, plan_fuse
from tui_tuner.export.size import fused_size
from tui_tuner.progress import StopToken, ignore_event


@pytest.mark.parametrize(
    ("bits", "settings", "raised"),
    [
        (0, {}, False),
        (4, {}, True),
        (8, {"dequantize": "false"}, False),
        (0, {"quantize": "8"}, False),
        (4, {"quantize": "8"}, False),
    ],
)
def test_the_size_said_beforehand_is_the_size_it_has(tmp_path, bits, settings, raised):
    base = tiny_model.make(tmp_path / "base", tied=False)
    model = tuned_model.quantized(base, tmp_path / "few", bits) if bits else base
    project = tuned_model.project(tmp_path / "project", model).with_settings("export", settings)
    told = fused_size(model, project.fused_model, project.choices.export)
    made = fuse(plan_fuse(project, model), emit=ignore_event, stop=StopToken())
    assert told.size == made.size
    assert told.raised == raised
    assert ("full precision" in told.in_words()) == raised


def test_where_it_goes_need_not_exist_yet(tmp_path):
    base = tiny_model.make(tmp_path / "base")
    assert fused_size(base, tmp_path / "not" / "yet" / "there", ExportChoice()).free > 0
