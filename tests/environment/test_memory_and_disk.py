import json

import pytest

from tui_tuner.choices import ModelChoice
from tui_tuner.environment.base_model import judge_base_model
from tui_tuner.environment.disk import check_disk, judge_disk
from tui_tuner.environment.memory import MemoryFacts, judge_memory, linux_memory, mac_memory
from tui_tuner.environment.model_size import ModelSize, size_of
from tui_tuner.environment.system import parse_colons

GIB, GB = 2**30, 10**9
SYSCTL = "hw.memsize: 17179869184\niogpu.wired_limit_mb: 0\n"
VM_STAT = """Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                              131072.
Pages active:                            300000.
Pages inactive:                          262144.
Pages speculative:                        65536.
Pages throttled:                              0.
Pages wired down:                        150000.
"Translation faults":                 123456789.
"""
MEMINFO = "MemTotal:       24680820 kB\nMemFree:         1000000 kB\nMemAvailable:   20000000 kB\n"


def test_a_macs_free_memory_is_what_nobody_needs():
    facts = mac_memory(parse_colons(SYSCTL), VM_STAT)
    assert facts == MemoryFacts(16 * GIB, 7 * GIB, None)


def test_a_limit_the_person_set_is_what_mlx_may_use():
    values = parse_colons(SYSCTL) | {"iogpu.wired_limit_mb": "12288"}
    assert mac_memory(values, VM_STAT).for_mlx == 12 * GIB


def test_linux_counts_what_is_available_rather_than_free():
    facts = linux_memory(MEMINFO)
    assert facts == MemoryFacts(24680820 * 1024, 20000000 * 1024, 20000000 * 1024)


def test_a_container_has_only_what_it_is_given():
    facts = linux_memory(MEMINFO, f"{4 * GIB}\n", f"{3 * GIB}\n")
    assert facts == MemoryFacts(4 * GIB, GIB, GIB)
    assert linux_memory(MEMINFO, "max\n", f"{3 * GIB}\n") == linux_memory(MEMINFO)


def test_memory_is_said_with_its_units():
    result = judge_memory(MemoryFacts(16 * GIB, 10 * GIB, int(10.7 * GIB)), None)
    assert (result.state, result.finding) == ("ok", "16.0 GB, 10.0 GB free · MLX may use 10.7 GB")


@pytest.mark.parametrize(
    ("facts", "weights", "words"),
    [
        (MemoryFacts(16 * GIB, GIB, 10 * GIB), 0, ""),
        (MemoryFacts(16 * GIB, 12 * GIB, 10 * GIB), 14 * GIB, "the base model needs about 17.8 GB"),
        (MemoryFacts(8 * GIB, 6 * GIB, None), 7 * GIB, "the base model needs"),
        (MemoryFacts(0, 0, None), 0, "could not be read"),
    ],
)
def test_too_little_memory_is_a_warning(facts, weights, words):
    result = judge_memory(facts, ModelSize(weights, 0, weights))
    assert result.state == "warning"
    assert words in result.finding


def test_a_disk_needs_room_for_the_download_and_the_fused_model():
    model = ModelSize(4 * GB, 4 * GB, 14 * GB)
    assert judge_disk(19 * GB, model, None).state == "ok"
    short = judge_disk(7_200_000_000, model, None)
    assert short.state == "warning"
    assert short.finding == "7.2 GB free · fetching and fusing the base model needs 19.0 GB"
    assert short.why.startswith("Free 11.8 GB more")


def test_a_disk_is_judged_before_the_project_is_there(tmp_path):
    assert "free" in check_disk(tmp_path / "not" / "yet" / "made", None).finding


@pytest.mark.parametrize(
    ("name", "weights", "fused"),
    [
        ("mlx-community/Mistral-7B-Instruct-v0.3-4bit", 7e9 * 4.5 / 8, 14e9),
        ("Qwen/Qwen2.5-0.5B-Instruct", 1e9, 1e9),
        ("HuggingFaceTB/SmolLM2-360M", 0.72e9, 0.72e9),
        ("mlx-community/Llama-3.2-1B-Instruct-8bit", 1e9 * 8.5 / 8, 2e9),
    ],
)
def test_a_name_tells_the_size(name, weights, fused):
    assert size_of(ModelChoice(name=name), None) == ModelSize(int(weights), int(weights), int(fused))


@pytest.mark.parametrize("name", ["someone/model", "a/gpt-b", "7Bmodels/chat"])
def test_a_name_without_a_size_tells_nothing(name):
    assert size_of(ModelChoice(name=name), None) is None


def test_a_folder_tells_the_size_and_how_much_larger_the_fused_model_is(tmp_path):
    (tmp_path / "model-1.safetensors").write_bytes(b"x" * 4500)
    (tmp_path / "model-2.safetensors").write_bytes(b"x" * 4500)
    assert size_of(ModelChoice(name="any"), tmp_path) == ModelSize(9000, 0, 9000)
    (tmp_path / "config.json").write_text(json.dumps({"quantization": {"bits": 4, "group_size": 64}}))
    assert size_of(ModelChoice(name="any"), tmp_path) == ModelSize(9000, 0, 32000)


@pytest.mark.parametrize(
    ("name", "weights", "download"),
    [
        ("Qwen/Qwen2.5-0.5B-Instruct", 1e9 * 4.5 / 16, 1e9 + 1e9 * 4.5 / 16),
        ("starter", 540e6 * 4.5 / 32, 740e6 + 540e6 * 4.5 / 32),
        ("mlx-community/Mistral-7B-Instruct-v0.3-4bit", 7e9 * 4.5 / 8, 7e9 * 4.5 / 8),  # has its four bits already
    ],
)
def test_a_model_that_is_quantized_on_arrival_needs_room_twice(name, weights, download):
    size = size_of(ModelChoice(name=name, quantize="4"), None)
    assert (size.weights, size.download) == (int(weights), int(download))


def test_a_base_model_that_is_not_here_can_be_fetched(tmp_path):
    result = judge_base_model("mlx-community/x-7B-4bit", None, ModelSize(4 * GB, 4 * GB, 14 * GB))
    assert (result.state, result.fix.run) == ("missing", "base_model")
    assert "4.0 GB to fetch" in result.finding
    here = judge_base_model("starter", tmp_path, ModelSize(540_000_000, 0, 0))
    assert (here.state, here.finding, here.fix) == ("ok", "starter · 540.0 MB", None)
