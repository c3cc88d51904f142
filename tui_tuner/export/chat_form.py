"""The form of a chat template: what stands before and after each turn, found out by letting the template render.

Chat templates on Hugging Face are programs in Jinja; Ollama's are programs in Go's template language, and neither can
run the other's. What both can say is a form: ChatML, Llama 3, Mistral, Gemma, Phi-3 and their kin put fixed words
around each turn. The form is read off a few conversations with marked words in them, and counts only if it then
renders every conversation of `reading.CONVERSATIONS` exactly as the template does. Tools and pictures are no part of
it, nor is the white space some templates take off the ends of a text. Of thinking it knows whether the model does, and
what it is told where it should not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from tui_tuner.export.reading import CONVERSATIONS, Reading, render
from tui_tuner.models.prompts import Message
from tui_tuner.models.thinking import CLOSE, OPEN

SYSTEM, USER, ANSWER, NEXT = "Qsystemq", "Quserq", "Qanswerq", "Qnextq"
SystemPlace = Literal["own turn", "first question", "last question", "nowhere"]


@dataclass(frozen=True)
class ChatForm:
    """The fixed words of a chat template.

    Attributes:
        begin: before everything, where the first turn is not the system's; the token that begins every text left out.
        system: before and after a system prompt.
        user: before and after a question.
        assistant: before and after an answer.
        answer: where the model begins to write.
        place: where a system prompt goes: a turn of its own, into a question, or `nowhere` where it is refused.
        bos: the token that begins every text, and that tokenizers add by themselves; a template writes it out.
        thoughtless: after `answer`, where a model that thinks is not to, as Qwen 3's empty thought; empty where it
            does not think, or cannot be told.
    """

    begin: str
    system: tuple[str, str]
    user: tuple[str, str]
    assistant: tuple[str, str]
    answer: str
    place: SystemPlace
    bos: str = ""
    thoughtless: str = ""

    @property
    def thinks(self) -> bool:
        """Whether the model may think before it answers."""
        return bool(self.thoughtless) or self.answer.rstrip().endswith(OPEN)

    def write(self, turns: Sequence[Message]) -> str:
        """The conversation up to where the model's answer begins, without `bos`."""
        system = "".join(turn["content"] for turn in turns if turn["role"] == "system")
        pieces = [] if system and self.place == "own turn" else [self.begin]
        questions = [place for place, turn in enumerate(turns) if turn["role"] == "user"]
        bearer = {"first question": questions[0], "last question": questions[-1]}.get(self.place, -1)
        for place, turn in enumerate(turns):
            before, after = {"system": self.system, "user": self.user, "assistant": self.assistant}[turn["role"]]
            if turn["role"] != "system":
                told = self.system[0] + system + self.system[1] if system and place == bearer else ""
                pieces += [before, told, turn["content"], after]
            elif self.place == "own turn":
                pieces += [before, turn["content"], after]
        return "".join([*pieces, self.answer])


def form_of(tokenizer: Any, reading: Reading) -> ChatForm | None:
    """The form of the tokenizer's chat template; None where it has none, or one that cannot be said in this way.

    Args:
        tokenizer: mlx-lm's wrapper.
        reading: what it makes of the fixed conversations.
    """
    bos = added_bos(tokenizer)
    texts = [one.text for one in reading.conversations.values() if not one.refusal]
    form = _found(tokenizer, bos)
    if form is None:
        return None
    for name, turns in CONVERSATIONS.items():
        wanted = reading.conversations[name]
        if not wanted.refusal and form.write(turns) != wanted.text.removeprefix(bos):
            return None
    return replace(form, thoughtless=_thoughtless(tokenizer, form)) if texts else None


def added_bos(tokenizer: Any) -> str:
    """The token the tokenizer puts in front of every text by itself; empty where it does not."""
    bos, number = getattr(tokenizer, "bos_token", None), getattr(tokenizer, "bos_token_id", None)
    begins = list(tokenizer.encode("a"))[:1]
    return str(bos) if bos and begins == [number] else ""


def _found(tokenizer: Any, bos: str) -> ChatForm | None:
    """Read the fixed words off a few renderings."""
    question: Message = {"role": "user", "content": USER}
    answer: Message = {"role": "assistant", "content": ANSWER}
    following: Message = {"role": "user", "content": NEXT}
    asked = _render(tokenizer, [question], bos)
    alone = _render(tokenizer, [question], bos, generation=False)
    several = _render(tokenizer, [question, answer, following], bos)
    if not asked.startswith(alone):
        # Phi-3's ends the text itself where no answer is asked for.
        alone = alone.removesuffix(str(tokenizer.eos_token or ""))
    if not (alone and asked.startswith(alone) and _in_order(several, USER, ANSWER, NEXT) and USER in alone):
        return None
    head, after_user = alone.split(USER, 1)
    between = several.split(USER, 1)[1].split(ANSWER, 1)[0]
    then = several.split(ANSWER, 1)[1].split(NEXT, 1)[0]
    if not between.startswith(after_user):
        return None
    before_user = _opening(head, then, after_user)
    before_answer, after_answer = between.removeprefix(after_user), then.removesuffix(before_user)
    begin = head.removesuffix(before_user)
    user, assistant = (before_user, after_user), (before_answer, after_answer)
    place, system = _system(tokenizer, bos, begin, before_user)
    return ChatForm(begin, system, user, assistant, asked.removeprefix(alone), place, bos)


def _thoughtless(tokenizer: Any, form: ChatForm) -> str:
    """What the template adds where the model is told not to think; empty where that changes anything else."""
    found: set[str] = set()
    for turns in CONVERSATIONS.values():
        told = render(tokenizer, turns, enable_thinking=False)
        if told.refusal and render(tokenizer, turns).refusal:
            continue
        before, text = form.write(turns), told.text.removeprefix(form.bos)
        found.add(text.removeprefix(before) if text.startswith(before) else "")
    added = found.pop() if len(found) == 1 else ""
    return added if OPEN in form.answer + added and added.rstrip().endswith(CLOSE) else ""


def _opening(head: str, then: str, after_user: str) -> str:
    """What stands before a question: `head` ends with it, and so does `then`, after what closes an answer."""
    if then.startswith(after_user) and head.endswith(then[len(after_user) :]):
        return then[len(after_user) :]  # answers mostly end as questions do
    length = 0
    while length < min(len(head), len(then)) and head[-1 - length] == then[-1 - length]:
        length += 1
    return head[len(head) - length :]


def _system(tokenizer: Any, bos: str, begin: str, before_user: str) -> tuple[SystemPlace, tuple[str, str]]:
    """Where a system prompt goes, and what stands around it."""
    system: Message = {"role": "system", "content": SYSTEM}
    question: Message = {"role": "user", "content": USER}
    answer: Message = {"role": "assistant", "content": ANSWER}
    following: Message = {"role": "user", "content": NEXT}
    short = _render(tokenizer, [system, question], bos)
    several = _render(tokenizer, [system, question, answer, following], bos)
    if not (_in_order(short, SYSTEM, USER) and SYSTEM in several):
        return "nowhere", ("", "")
    before, rest = short.split(SYSTEM, 1)
    after = rest.split(USER, 1)[0]
    if after.endswith(before_user) and before_user:
        return "own turn", (before, after.removesuffix(before_user))
    before = before.removeprefix(begin)
    if not before.startswith(before_user):
        return "nowhere", ("", "")
    first = several.index(SYSTEM) < several.index(USER)
    return ("first question" if first else "last question"), (before.removeprefix(before_user), after)


def _render(tokenizer: Any, turns: list[Message], bos: str, *, generation: bool = True) -> str:
    """The rendered conversation without `bos`; empty where the template refuses it."""
    return render(tokenizer, turns, generation=generation).text.removeprefix(bos)


def _in_order(text: str, *words: str) -> bool:
    places = [text.find(word) for word in words]
    return -1 not in places and places == sorted(places)
