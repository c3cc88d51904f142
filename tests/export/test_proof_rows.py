import json

from tui_tuner.export.proof_rows import Proof, ProofRow, keep_proof, kept_proofs
from tui_tuner.models.model_files import read_provenance, write_provenance

GOOD = ProofRow("logits", "passed", "differ by 0.1")
BAD = ProofRow("template", "differs", "token 3 is x", "asked in another form")
OPEN = ProofRow("answers", "unproved", "nobody answered", "start Ollama")


def test_a_proof_is_as_good_as_its_rows():
    assert Proof.of("a", [GOOD, OPEN]).passed
    assert not Proof.of("a", [GOOD, BAD]).passed
    assert Proof.of("a", [GOOD, BAD]).detail == "template: token 3 is x"
    assert Proof.of("a", [GOOD, OPEN]).detail.endswith("; not proved: answers")


def test_proofs_are_kept_with_the_model_and_read_again(tmp_path):
    write_provenance(tmp_path, {"run": "run-1"})
    first, second = Proof.of("fused model", [GOOD]), Proof.of("Ollama mine", [BAD, OPEN])
    keep_proof(tmp_path, first)
    keep_proof(tmp_path, second)
    assert kept_proofs(tmp_path) == [first, second]
    assert read_provenance(tmp_path)["run"] == "run-1"
    again = Proof.of("fused model", [GOOD, OPEN])
    keep_proof(tmp_path, again)
    assert kept_proofs(tmp_path) == [second, again]


def test_damaged_proofs_are_no_proofs(tmp_path):
    row = {"name": "logits", "verdict": "differs", "finding": "much"}
    rows = [{"what": "a", "passed": True, "rows": [row]}, {"what": "b", "rows": []}, {"rows": [row]}, 3]
    (tmp_path / "tuner.json").write_text(json.dumps({"proofs": rows}))
    (found,) = kept_proofs(tmp_path)
    assert not found.passed  # whatever stands beside the rows
    (tmp_path / "tuner.json").write_text(json.dumps({"proofs": {"a": 1}}))
    assert kept_proofs(tmp_path) == []
    assert kept_proofs(tmp_path / "nothing") == []
