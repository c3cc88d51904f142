"""llama.cpp itself: the only one who can say that a file is right."""

import json
from types import SimpleNamespace

import pytest
import tiny_families

from tui_tuner.errors import ExportError, Stopped
from tui_tuner.export.gguf import llama_proof, tensors, vocabulary
from tui_tuner.export.gguf.llama_reading import Readings
from tui_tuner.export.gguf.write import GgufPlan, write_gguf
from tui_tuner.export.proof_rows import kept_proofs
from tui_tuner.progress import StageProgress, StopToken, ignore_event

BY_LLAMA = ("logits", "next tokens", "tokenizer", "chat template", "end of turn")
needs_llama_cpp = pytest.mark.skipif(not llama_proof.has_llama_cpp(), reason="llama-cpp-python is not installed")


def write(folder, target, weight_type="f32", emit=ignore_event, stop=None):
    return write_gguf(GgufPlan(folder, target, weight_type, "my model"), emit=emit, stop=stop or StopToken())


def verdicts(proof):
    return {row.name: row.verdict for row in proof.rows}


@needs_llama_cpp
@pytest.mark.parametrize("kind", list(tiny_families.KINDS))
def test_llama_cpp_says_what_mlx_says(kind, tmp_path):
    written = write(tiny_families.make(tmp_path / "model", kind), tmp_path / "out")
    assert verdicts(written.proof) == dict.fromkeys(verdicts(written.proof), "passed")
    assert set(BY_LLAMA) < set(verdicts(written.proof))
    assert kept_proofs(written.path.parent) == [written.proof]
    assert sorted(path.name for path in written.path.parent.iterdir()) == ["out.gguf", "tuner.json"]


@needs_llama_cpp
@pytest.mark.parametrize("weight_type", ["f16", "bf16", "q8_0"])
def test_llama_cpp_reads_every_type(weight_type, tmp_path):
    written = write(tiny_families.make(tmp_path / "model", "qwen3", dtype="bfloat16"), tmp_path / "out", weight_type)
    assert verdicts(written.proof) == dict.fromkeys(verdicts(written.proof), "passed")


@needs_llama_cpp
def test_a_wrong_cut_is_noticed_and_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(vocabulary.byte_level, "cut_name", lambda _content: "gpt-2")
    with pytest.raises(ExportError, match="tokenizer: token") as caught:
        write(tiny_families.make(tmp_path / "model", "qwen3"), tmp_path / "out")
    assert "convert_hf_to_gguf.py" in caught.value.advice
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@needs_llama_cpp
def test_a_model_that_is_computed_otherwise_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(tensors, "factor_tensors", lambda _model, _family: {})
    events = []
    with pytest.raises(ExportError, match="logits: differ by"):
        write(tiny_families.make(tmp_path / "model", "llama"), tmp_path / "out", emit=events.append)
    (proof,) = [event for event in events if event.kind == "proof"]
    assert verdicts(proof)["logits"] == "differs"
    assert verdicts(proof)["tokenizer"] == "passed"


@needs_llama_cpp
def test_a_file_that_llama_cpp_cannot_load_is_not_done(tmp_path, monkeypatch):
    right = vocabulary.Vocabulary.metadata

    def without_scores(self):
        return {key: value for key, value in right(self).items() if not key.endswith(("scores", "tokens"))}

    monkeypatch.setattr(vocabulary.Vocabulary, "metadata", without_scores)
    with pytest.raises(ExportError, match=r"llama\.cpp: "):
        write(tiny_families.make(tmp_path / "model", "mistral"), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@needs_llama_cpp
def test_it_can_be_stopped_while_llama_cpp_is_asked(tmp_path):
    stop = StopToken()

    def emit(event):
        if isinstance(event, StageProgress) and event.stage == "Ask llama.cpp":
            stop.request()

    with pytest.raises(Stopped):
        write(tiny_families.make(tmp_path / "model", "qwen3"), tmp_path / "out", emit=emit, stop=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@needs_llama_cpp
@pytest.mark.starter
@pytest.mark.timeout(900)
def test_the_starter_says_the_same_in_llama_cpp(starter, tmp_path):
    proof = write(starter, tmp_path / "starter-f16", "f16").proof
    assert verdicts(proof) == dict.fromkeys(verdicts(proof), "passed")
    (tokens,) = [row.finding for row in proof.rows if row.name == "next tokens"]
    assert tokens.startswith("24 of 24")


@pytest.mark.usefixtures("no_llama_cpp")
def test_without_llama_cpp_it_says_what_was_not_proved(tmp_path):
    proof = write(tiny_families.make(tmp_path / "model", "qwen3"), tmp_path / "out").proof
    assert list(verdicts(proof).values()) == ["passed", "passed", "unproved"]
    assert proof.passed
    assert "pip install llama-cpp-python" in proof.rows[-1].meaning


@pytest.mark.parametrize(
    ("code", "said", "verdict"),
    [
        (3, "Failed to load shared library\n", "unproved"),
        (1, "llama_model_load: error: unknown model architecture: 'qwen9'\nmore", "unproved"),
        (-6, "GGML_ASSERT(n > 0) failed\n", "differs"),
    ],
)
def test_what_ails_llama_cpp_itself_is_told_from_a_bad_file(code, said, verdict, tmp_path, monkeypatch):
    def run(_command, *, log, stop, look):
        log.write_text(said)
        return code

    monkeypatch.setattr(llama_proof, "run_watched", run)
    statement = SimpleNamespace(sequences=((1, 2),))
    expected = llama_proof.Expected(statement, Readings((), (), "", ""), frozenset())
    row = llama_proof._ask(tmp_path / "x.gguf", expected, tmp_path, StopToken())
    assert row.verdict == verdict
    assert said.splitlines()[0] in row.finding
    assert json.loads((tmp_path / "questions.json").read_text())["sequences"] == [[1, 2]]
