"""Whether the model in Ollama is the one that was trained: its template, its tokens, its end of turn, its answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tui_tuner.export.greedy import ANSWER_TOKENS, Spoken, answers_row, parting
from tui_tuner.export.ollama_store import GreedyAnswer, OllamaStore
from tui_tuner.export.proof_rows import ProofRow
from tui_tuner.export.reading import CONVERSATIONS, Reading
from tui_tuner.language import _
from tui_tuner.plain_text import one_line
from tui_tuner.progress import StopToken

# How far behind a token may be, in logits, where two programs part: what rounding to 16 bits explains, or fewer.
LIMITS = {"none": 0.5, "q8_0": 1.0, "q4_K_M": 2.5, "q4_K_S": 2.5}


@dataclass(frozen=True)
class Wanted:
    """What the model in Ollama has to be like.

    Attributes:
        template: as it was sent; empty where Ollama was left to find one.
        stops: the texts that end an answer.
        bos: the token in front of every text, which Ollama adds by itself.
        reading: how the fused model's tokenizer reads.
        spoken: what the fused model answers.
        tokenizer: mlx-lm's.
        quantize: how Ollama was asked to squeeze it.
        thinks: whether the model may think before it answers.
        thoughtless: what it reads at the end where it should not.
    """

    template: str
    stops: tuple[str, ...]
    bos: str
    reading: Reading
    spoken: Sequence[Spoken]
    tokenizer: Any
    quantize: str
    thinks: bool = False
    thoughtless: str = ""

    @property
    def ends(self) -> dict[bool, str]:
        """What a conversation ends with, besides what its template says, where the model may think and where not."""
        return {False: self.thoughtless, **({True: ""} if self.thinks else {})}


def ollama_rows(server: OllamaStore, model: str, wanted: Wanted, stop: StopToken) -> Iterator[ProofRow]:
    """Read the model back, have it render and answer, and compare.

    Raises:
        TeacherError: the server does not answer.
        Stopped: asked to.
    """
    shown = server.show(model)
    template = str(shown.get("template") or "")
    if wanted.template:
        meaning = _("Ollama has kept another one than it was given.")
        finding = _("as it was sent, {size} characters", size=len(template))
        same = template == wanted.template
        yield ProofRow.of(_("template"), same, finding if same else one_line(template, 80), meaning)
    yield _conversations(server, model, wanted, stop)
    told = str(shown.get("parameters") or "")
    missing = [stop_text for stop_text in wanted.stops if stop_text not in told]
    finding = _("stops at {texts}", texts=", ".join(one_line(text, 30) for text in wanted.stops))
    lost = _("{texts} is missing", texts=", ".join(one_line(text, 30) for text in missing))
    yield ProofRow.of(_("end of turn"), not missing, lost if missing else finding, _("It may not stop."))
    answers = []
    for spoken in wanted.spoken:
        stop.check()
        answers.append(server.answer(model, spoken.question, max_tokens=ANSWER_TOKENS, stop=stop))
    yield _tokens(wanted, answers)
    pairs = zip(wanted.spoken, answers, strict=True)
    partings = [(spoken, parting(spoken, said.text, said.ended, wanted.tokenizer)) for spoken, said in pairs]
    yield answers_row(partings, LIMITS.get(wanted.quantize, LIMITS["none"]))


def _conversations(server: OllamaStore, model: str, wanted: Wanted, stop: StopToken) -> ProofRow:
    name, differing, compared = _("chat template"), [], 0
    for conversation, turns in CONVERSATIONS.items():
        expected = wanted.reading.conversations.get(conversation)
        if expected is None or expected.refusal:
            continue
        for think, end in wanted.ends.items():
            stop.check()
            found = server.rendered(model, turns, think=think)
            if found is None:
                why = _("This Ollama cannot show what it puts to a model: only the answers below speak for it.")
                return ProofRow(name, "unproved", _("nobody could look"), why)
            compared += 1
            text = expected.text.removeprefix(wanted.bos) + end
            if found != text:
                differing.append(f"{conversation}: {_first_difference(text, found)}")
    if not compared:
        return ProofRow(name, "unproved", _("the model has none"), _("Ollama puts the question alone to it."))
    same = _("{number} conversations rendered alike, letter by letter", number=compared)
    meaning = _("It would be asked in another form than it learned.")
    return ProofRow.of(name, not differing, "; ".join(differing) or same, meaning)


def _first_difference(wanted: str, found: str) -> str:
    place = next((at for at, pair in enumerate(zip(wanted, found, strict=False)) if pair[0] != pair[1]), None)
    place = min(len(wanted), len(found)) if place is None else place
    texts = {"found": repr(found[place : place + 20]), "wanted": repr(wanted[place : place + 20])}
    return _("letter {place}: {found} instead of {wanted}", place=place + 1, **texts)


def _tokens(wanted: Wanted, answers: Sequence[GreedyAnswer]) -> ProofRow:
    """Whether the server reads as many tokens: it adds the one that begins a text by itself, or not."""
    expected = [len(spoken.prompt) for spoken in wanted.spoken]
    found = [answer.prompt_tokens for answer in answers]
    name = _("tokens")
    if not all(found):
        return ProofRow(name, "unproved", _("the server does not say how many it read"), _("The answers speak for it."))
    finding = _("{tokens} tokens of {number} questions, as many as here", tokens=sum(expected), number=len(expected))
    counts = _("{found} instead of {wanted}", found=found, wanted=expected)
    meaning = _("It reads its prompts in other tokens: one at the beginning may be missing, or there twice.")
    return ProofRow.of(name, found == expected, finding if found == expected else counts, meaning)
