"""The proof by llama.cpp: it loads the file, reads text and conversations as MLX does, and says the same.

Runs on the engine's thread; llama.cpp in a process of its own.

Measured on SmolLM2-135M, the mean divergence of llama.cpp's predictions from MLX's in nats: f32 less than 1e-6, f16
1e-5, bf16 3e-4, q8_0 8e-3. llama.cpp multiplies in the type of the weights, and rounds what comes in to it: most of the
difference is that.
"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui_tuner.export.gguf.llama_answers import NOT_HERE
from tui_tuner.export.proof import Likeness, Statement, compare, take_statement
from tui_tuner.export.proof_rows import ProofRow
from tui_tuner.export.reading import CONVERSATIONS, TEXTS, first_difference, render
from tui_tuner.files import write_json
from tui_tuner.language import _
from tui_tuner.models.loading import LoadedModel, load_model
from tui_tuner.models.watched_process import run_watched
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Pace, StopToken

NASTY = (
    "  two  spaces, \t a tab\r\nand lines\n\n\n\nfour   ",
    "it's I'VE We'Ll 'RE don't! 3.14 33333 ٣٤ １２",
    "naïve café ÜÑÍ ǅ ß ᾳ नमस्ते ภาษาไทย 한국어",
    "a\u00a0b\u2003c\u200bd \x00\x01\x7f",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \\n /usr/local/bin -------- ====",
    "<unk> <0x41> <html></html> [/INST] <think>\n\n</think> 👩‍👩‍👧‍👦🏳️‍🌈",
)
TOO_OLD = ("unknown model architecture", "unknown pre-tokenizer type")


@dataclass(frozen=True)
class Expected:
    """What MLX makes of the model.

    Attributes:
        statement: what it answers, and the logits.
        texts: each text, with its token ids.
        conversations: each conversation as the template writes it, with its token ids.
        template: the chat template; empty for a model without one.
        bos: what a conversation is begun with by programs themselves; empty where they do not.
        ends: ids of the tokens that end an answer.
    """

    statement: Statement
    texts: tuple[tuple[str, tuple[int, ...]], ...]
    conversations: tuple[tuple[str, tuple[int, ...]], ...]
    template: str
    bos: str
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


def llama_rows(
    path: Path,
    model: Path,
    weight_type: str,
    work: Path,
    *,
    trust_remote_code: bool,
    emit: Emit,
    stop: StopToken,
) -> Iterator[ProofRow]:
    """Compare llama.cpp and MLX, row by row; one row says so where there is no llama.cpp.

    Args:
        path: the GGUF file.
        model: the folder it was made of.
        weight_type: what its matrices are stored as.
        work: a folder for what the two processes tell one another.
        trust_remote_code: run Python code that comes with the model.
        emit: hears what is being done.
        stop: asked again and again.

    Raises:
        Stopped: asked to.
    """
    if not has_llama_cpp():
        yield _unproved(_("llama-cpp-python is not installed"))
        return
    pace = Pace(_("Ask the fused model"), None, "", emit)
    expected = _expected(load_model(model, trust_remote_code=trust_remote_code), stop)
    pace.finish()
    pace = Pace(_("Ask llama.cpp"), None, "", emit)
    told = _ask(path, expected, work, stop)
    pace.finish()
    if isinstance(told, ProofRow):
        yield told
        return
    facts, logits = told
    heard = LoadedModel(Told(logits), None, path)
    yield from _likeness_rows(compare(expected.statement, heard, weight_type, squeezed=False, stop=stop), facts)
    yield from _reading_rows(expected, facts, model, trust_remote_code)


def _unproved(reason: str) -> ProofRow:
    meaning = _("That llama.cpp answers as MLX does was not proved. Install it and export again: {command}")
    return ProofRow("llama.cpp", "unproved", reason, meaning.replace("{command}", "pip install llama-cpp-python"))


def _expected(loaded: LoadedModel, stop: StopToken) -> Expected:
    import mlx.core as mx

    from tui_tuner.export.gguf.special_tokens import chat_template, ends_of_answers

    tokenizer = loaded.tokenizer
    statement = take_statement(loaded, loaded, stop)
    # In a conversation text never stands at the very beginning, where some tokenizers read it in another way.
    lead = tokenizer.bos_token or ""
    texts = tuple(
        (lead + text, tuple(tokenizer.encode(lead + text, add_special_tokens=False))) for text in (*TEXTS, *NASTY)
    )
    template = chat_template(tokenizer) or ""
    rendered = [render(tokenizer, turns) for turns in CONVERSATIONS.values()] if template else []
    conversations = tuple((found.text, found.tokens) for found in rendered if not found.refusal)
    begun = bool(lead) and all(text.startswith(lead) for text, _tokens in conversations)
    ends = frozenset(ends_of_answers(tokenizer))
    mx.clear_cache()
    return Expected(statement, texts, conversations, template, lead if begun else "", ends)


def _ask(
    path: Path, expected: Expected, work: Path, stop: StopToken
) -> tuple[dict[str, Any], dict[Any, Any]] | ProofRow:
    """llama.cpp's facts and logits, or the row that says why there are none."""
    import mlx.core as mx
    import numpy

    questions = {
        "file": str(path),
        "sequences": expected.statement.sequences,
        "texts": [text for text, _tokens in expected.texts],
        "conversations": [text.removeprefix(expected.bos) for text, _tokens in expected.conversations],
    }
    write_json(work / "questions.json", questions)
    files = [str(work / "questions.json"), str(work / "answers.npz")]
    command = [sys.executable, "-m", "tui_tuner.export.gguf.llama_answers", *files]
    code = run_watched(command, log=work / "log", stop=stop, look=lambda: None)
    said = (work / "log").read_text(encoding="utf-8", errors="replace")
    if code == NOT_HERE:
        return _unproved(_("llama-cpp-python does not start: {error}", error=_reason(said)))
    if code and any(words in said for words in TOO_OLD):
        reason = next(line for line in said.splitlines() if any(words in line for words in TOO_OLD))
        return _unproved(_("the llama-cpp-python here is too old: {error}", error=one_line(reason, 200)))
    if code:
        return ProofRow("llama.cpp", "differs", _reason(said), _("llama.cpp cannot load the file."))
    with numpy.load(work / "answers.npz") as arrays:
        facts = json.loads(arrays["facts"].tobytes())
        logits = {
            tuple(sequence): mx.array(arrays[f"logits_{number}"])
            for number, sequence in enumerate(expected.statement.sequences)
        }
    return facts, logits


def _reason(said: str) -> str:
    """The first line in which a process says what is wrong, or else its last one."""
    lines = [line for line in said.splitlines() if line.strip()]
    wrong = [line for line in lines if re.search("error|assert", line, re.IGNORECASE)]
    return one_line((wrong[:1] or lines[-1:] or [_("it ended without a word")])[0], 200)


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


def _reading_rows(
    expected: Expected, facts: dict[str, Any], model: Path, trust_remote_code: bool
) -> Iterator[ProofRow]:
    from tui_tuner.models.loading import load_tokenizer

    tokenizer = load_tokenizer(model, trust_remote_code=trust_remote_code)
    meaning = _("It would read other words than those it learned.")
    wanted = [tokens for _text, tokens in expected.texts]
    yield _tokens_row(_("tokenizer"), wanted, facts["texts"], tokenizer, meaning)
    name = _("chat template")
    if not expected.template:
        yield ProofRow(
            name, "unproved", _("the model has none"), _("Programs do not know how to put a question to it.")
        )
    elif facts["template"] != expected.template:
        yield ProofRow(name, "differs", _("the file holds another one"), _("It would be asked in another form."))
    else:
        wanted = [tokens for _text, tokens in expected.conversations]
        meaning = _("It would be asked in another form than it learned.")
        yield _tokens_row(name, wanted, facts["conversations"], tokenizer, meaning)
    missing = sorted(expected.ends - set(facts["ends"]))
    names = [one_line(tokenizer.decode([token]), 30) for token in missing or sorted(expected.ends)]
    finding = _("not known as an end: {names}", names=", ".join(names)) if missing else ", ".join(names)
    yield ProofRow.of(_("end of turn"), not missing, finding, _("It would not stop where its answers end."))


def _tokens_row(
    name: str, wanted: Sequence[Sequence[int]], found: Sequence[Sequence[int]], tokenizer: Any, meaning: str
) -> ProofRow:
    pairs = zip(wanted, found, strict=True)
    first = next((first_difference(one, other, tokenizer) for one, other in pairs if list(one) != list(other)), "")
    words = {"number": len(wanted), "tokens": sum(map(len, wanted))}
    return ProofRow.of(name, not first, first or _("{number} texts, {tokens} tokens, all the same", **words), meaning)
