"""The proof by llama.cpp: it loads the file, reads text and conversations as MLX does, and says the same.

Runs on the engine's thread; llama.cpp in a process of its own.

Measured on SmolLM2-135M, the mean divergence of llama.cpp's predictions from MLX's in nats: f32 less than 1e-6, f16
1e-5, bf16 3e-4, q8_0 8e-3. llama.cpp multiplies in the type of the weights, and rounds what comes in to it: most of the
difference is that.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner.export.gguf.llama_answers import NOT_HERE
from tui_tuner.export.gguf.llama_reading import Readings, Written, reading_rows, readings_of
from tui_tuner.export.gguf.llama_refusal import not_loaded, reason_in, unproved
from tui_tuner.export.gguf.llama_server_proof import find_llama_server, server_rows
from tui_tuner.export.proof import Likeness, Statement, compare, take_statement
from tui_tuner.export.proof_rows import ProofRow
from tui_tuner.files import write_json
from tui_tuner.language import _
from tui_tuner.models.loading import LoadedModel, load_model, load_tokenizer
from tui_tuner.models.watched_process import run_watched
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Pace, StopToken


@dataclass(frozen=True)
class Expected:
    """What MLX makes of the model.

    Attributes:
        statement: what it answers, and the logits.
        readings: how it reads.
        ends: ids of the tokens that end an answer.
    """

    statement: Statement
    readings: Readings
    ends: frozenset[int]


@dataclass(frozen=True)
class Told:
    """A model that has already spoken: logits by sequence of tokens, each of shape (length, vocabulary)."""

    logits: dict[tuple[int, ...], Any]

    def __call__(self, tokens: Any) -> Any:
        """The logits of one sequence, shape (1, length, vocabulary)."""
        return self.logits[tuple(tokens[0].tolist())][None]

    def named_modules(self) -> list[tuple[str, Any]]:
        """It has no parts."""
        return []


def has_llama_cpp() -> bool:
    """Whether llama-cpp-python is installed."""
    return importlib.util.find_spec("llama_cpp") is not None


def llama_rows(written: Written, *, emit: Emit, stop: StopToken) -> Iterator[ProofRow]:
    """Compare llama.cpp and MLX, row by row; one row says so where there is no llama.cpp.

    Its library for Python is asked where it is installed, as that tells every logit; otherwise its server.

    Raises:
        ModelError: the model cannot be loaded.
        Stopped: asked to.
    """
    if not has_llama_cpp():
        if server := find_llama_server():
            yield from server_rows(server, written, emit=emit, stop=stop)
        else:
            yield unproved(_("llama.cpp is not installed"))
        return
    pace = Pace(_("Ask the fused model"), None, "", emit)
    expected = _expected(load_model(written.model, trust_remote_code=written.trust_remote_code), stop)
    pace.finish()
    pace = Pace(_("Ask llama.cpp"), None, "", emit)
    told = _ask(written.path, expected, written.work, stop)
    pace.finish()
    if isinstance(told, ProofRow):
        yield told
        return
    facts, logits = told
    heard = LoadedModel(Told(logits), None, written.path)
    yield from _likeness_rows(compare(expected.statement, heard, written.weight_type, squeezed=False, stop=stop), facts)
    tokenizer = load_tokenizer(written.model, trust_remote_code=written.trust_remote_code)
    yield from reading_rows(expected.readings, facts, tokenizer)
    yield _end_row(expected, facts, tokenizer)


def _expected(loaded: LoadedModel, stop: StopToken) -> Expected:
    import mlx.core as mx

    from tui_tuner.export.gguf.special_tokens import ends_of_answers

    statement = take_statement(loaded, loaded, stop)
    mx.clear_cache()
    return Expected(statement, readings_of(loaded.tokenizer), frozenset(ends_of_answers(loaded.tokenizer)))


def _ask(
    path: Path, expected: Expected, work: Path, stop: StopToken
) -> tuple[dict[str, Any], dict[Any, Any]] | ProofRow:
    """llama.cpp's facts and logits, or the row that says why there are none."""
    import mlx.core as mx
    import numpy

    questions = {
        "file": str(path),
        "sequences": expected.statement.sequences,
        **expected.readings.questions,
    }
    write_json(work / "questions.json", questions)
    files = [str(work / "questions.json"), str(work / "answers.npz")]
    command = [sys.executable, "-m", "tui_tuner.export.gguf.llama_answers", *files]
    code = run_watched(command, log=work / "log", stop=stop, look=lambda: None)
    said = (work / "log").read_text(encoding="utf-8", errors="replace")
    if code == NOT_HERE:
        return unproved(_("llama-cpp-python does not start: {error}", error=reason_in(said)))
    if code:
        return not_loaded(said)
    with numpy.load(work / "answers.npz") as arrays:
        facts = json.loads(arrays["facts"].tobytes())
        logits = {
            tuple(sequence): mx.array(arrays[f"logits_{number}"])
            for number, sequence in enumerate(expected.statement.sequences)
        }
    return facts, logits


def _likeness_rows(likeness: Likeness, facts: dict[str, Any]) -> Iterator[ProofRow]:
    finding = _(
        "differ by {largest} at most, {divergence} nats; rounding allows {limit}",
        largest=f"{likeness.largest_difference:.2g}",
        divergence=f"{max(likeness.divergence, 0.0):.1g}",
        limit=f"{likeness.limit:.0g}",
    )
    like = likeness.divergence <= likeness.limit
    yield ProofRow.of(_("logits"), like, finding, _("llama.cpp computes another model than MLX."))
    words = {"same": likeness.same_tokens, "total": likeness.tokens, "version": facts["version"]}
    finding = _("{same} of {total} the same in llama-cpp-python {version}", **words)
    if likeness.same_tokens < likeness.tokens and not likeness.other_choices:
        finding += _("; the others were as likely, within rounding")
    meaning = _("llama.cpp chooses other words than MLX.")
    yield ProofRow.of(_("next tokens"), likeness.other_choices == 0, finding, meaning)


def _end_row(expected: Expected, facts: dict[str, Any], tokenizer: Any) -> ProofRow:
    missing = sorted(expected.ends - set(facts["ends"]))
    names = [one_line(tokenizer.decode([token]), 30) for token in missing or sorted(expected.ends)]
    finding = _("not known as an end: {names}", names=", ".join(names)) if missing else ", ".join(names)
    return ProofRow.of(_("end of turn"), not missing, finding, _("It would not stop where its answers end."))
