"""Having a column's model answer: one prompt streamed, or many together. Runs on the engine's thread."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tui_tuner.choices import CompareChoice
from tui_tuner.evaluation.columns import BASE, Column
from tui_tuner.evaluation.comparisons import Answer
from tui_tuner.evaluation.losses import Loss, LossPlan, measure_loss
from tui_tuner.language import _
from tui_tuner.progress import Emit, StopToken

if TYPE_CHECKING:
    from tui_tuner.models.loading import LoadedModel
    from tui_tuner.models.prompts import Message
    from tui_tuner.models.replies import Sampling
    from tui_tuner.teachers.model_in_ollama import ModelInOllama

TOGETHER = 16  # answers written at the same time
TEMPLATE = 512  # tokens; more than what a model's template puts around a prompt


@dataclass(frozen=True)
class Asking:
    """How every column is asked.

    Attributes:
        choice: longest answer, temperature, seed.
        system_prompt: told before each prompt; empty tells nothing.
    """

    choice: CompareChoice
    system_prompt: str

    def messages(self, prompt: str) -> list[Message]:
        """The conversation with `prompt` as its question."""
        from tui_tuner.models.prompts import Message

        first = [Message(role="system", content=self.system_prompt)] if self.system_prompt else []
        return [*first, Message(role="user", content=prompt)]

    @property
    def sampling(self) -> Sampling:
        """How words are chosen."""
        from tui_tuner.models.replies import Sampling

        choice = self.choice
        return Sampling(choice.max_tokens, choice.temperature, seed=choice.seed, thinking=choice.thinking)


class Answerer(Protocol):
    """A column that is ready to answer."""

    def require_room(self, prompt: str, asking: Asking) -> None:
        """Check that `prompt` and the longest answer fit into the model's context.

        Raises:
            ContextFull, TooLong: they do not.
        """

    def answer(self, prompt: str, asking: Asking, on_text: Callable[[str], None], stop: StopToken) -> Answer:
        """Answer `prompt`; each piece is given to `on_text`. Asked to stop, the answer's `finish` is `stopped`."""

    def answer_together(
        self, prompts: Sequence[str], asking: Asking, on_answer: Callable[[int, Answer], None], stop: StopToken
    ) -> bool:
        """Answer all `prompts`, each given to `on_answer` with its place as it ends; False where it cannot do that.

        Raises:
            Stopped: asked to; answers already given are whole.
        """

    def loss(self, plan: LossPlan, emit: Emit, stop: StopToken) -> Loss | None:
        """How well it foretells the held-out answers; None where nobody can look into it."""


def groups(columns: Sequence[Column]) -> list[tuple[Column, ...]]:
    """Which columns are in memory at the same time: the base with the first tuned one, every other alone."""
    base = next((column for column in columns if column.name == BASE), None)
    tuned = next((c for c in columns if base and c.adapter is not None and c.path == base.path), None)
    if base is None or tuned is None:
        return [(column,) for column in columns]
    pair = tuple(column for column in columns if column in (base, tuned))
    return [pair, *((column,) for column in columns if column not in pair)]


def require_servers(waiting: Sequence[Sequence[Column]]) -> None:
    """Check that those who answer on a server are there, before the others take their time.

    Raises:
        TeacherError: Ollama does not answer, or has no such model.
    """
    from tui_tuner.teachers.model_in_ollama import ModelInOllama

    for column in (column for group in waiting for column in group if not column.path):
        with contextlib.closing(ModelInOllama(column.model, column.url)) as model:
            model.find()


@contextmanager
def opened(group: Sequence[Column]) -> Iterator[list[Answerer]]:
    """The answerers of a group, in its order; their memory is given back at the end.

    Raises:
        ModelError: a model or an adapter cannot be loaded.
        TeacherError: Ollama does not answer, or has no such model.
    """
    import mlx.core as mx

    if not group[0].path:
        from tui_tuner.teachers.model_in_ollama import ModelInOllama

        with contextlib.closing(ModelInOllama(group[0].model, group[0].url)) as model:
            model.find()
            yield [InOllama(model)]
        return
    try:
        yield [InThisProcess(loaded) for loaded in _loaded(group)]
    finally:
        mx.clear_cache()


def _loaded(group: Sequence[Column]) -> list[LoadedModel]:
    from tui_tuner.models.loading import load_model, load_pair

    first = group[0]
    assert first.path is not None
    if len(group) == 1:
        return [load_model(first.path, first.adapter, trust_remote_code=first.trust_remote_code)]
    adapter = next(column.adapter for column in group if column.adapter is not None)
    base, tuned = load_pair(first.path, adapter, trust_remote_code=first.trust_remote_code)
    return [base if column.adapter is None else tuned for column in group]


class InThisProcess:
    """Implements `Answerer` on a model in memory."""

    def __init__(self, loaded: LoadedModel) -> None:
        from tui_tuner.chat.context import context_length

        self._loaded = loaded
        self._limit = context_length(loaded.path)

    def require_room(self, prompt: str, asking: Asking) -> None:
        """See `Answerer`; one whose configuration does not say how much it holds takes everything.

        Raises:
            ContextFull: they do not fit.
            ModelError: the model's template refuses the prompt.
        """
        from tui_tuner.chat.context import ContextFull
        from tui_tuner.models.prompts import prompt_tokens

        answer, letters = asking.choice.max_tokens, len(prompt.encode()) + len(asking.system_prompt.encode())
        if self._limit is None or letters + TEMPLATE + answer <= self._limit:  # a token is at least a byte
            return
        tokens = len(prompt_tokens(self._loaded, asking.messages(prompt), thinking=asking.choice.thinking))
        if tokens + answer > self._limit:
            words = {"tokens": tokens, "answer": answer, "limit": self._limit}
            what = _("{tokens} tokens and an answer of up to {answer} are more than the {limit} it holds", **words)
            raise ContextFull(what)

    def answer(self, prompt: str, asking: Asking, on_text: Callable[[str], None], stop: StopToken) -> Answer:
        """See `Answerer`.

        Raises:
            ModelError: the model's template refuses the prompt.
        """
        from tui_tuner.models.generation import stream_reply

        began = time.perf_counter()
        reply = stream_reply(self._loaded, asking.messages(prompt), asking.sampling, on_text, stop)
        seconds = time.perf_counter() - began
        return Answer(reply.text, reply.tokens, reply.tokens_per_second, seconds, reply.finish)

    def answer_together(
        self, prompts: Sequence[str], asking: Asking, on_answer: Callable[[int, Answer], None], stop: StopToken
    ) -> bool:
        """See `Answerer`; only the likeliest words: with sampling each answer would depend on those beside it.

        Raises:
            ModelError: the model's template refuses a prompt.
            Stopped: asked to; answers already given are whole.
        """
        from tui_tuner.models.generation import batch_replies
        from tui_tuner.models.replies import Reply

        if asking.choice.temperature > 0:
            return False
        began = time.perf_counter()

        def hear(place: int, reply: Reply) -> None:
            seconds = time.perf_counter() - began
            answer = Answer(reply.text, reply.tokens, reply.tokens_per_second, seconds, reply.finish, together=True)
            on_answer(place, answer)

        conversations = [asking.messages(prompt) for prompt in prompts]
        batch_replies(self._loaded, conversations, asking.sampling, hear, stop, at_once=TOGETHER)
        return True

    def loss(self, plan: LossPlan, emit: Emit, stop: StopToken) -> Loss | None:
        """See `Answerer`.

        Raises:
            DatasetError: the rows are conversations and the model has no chat template.
            StorageError: the file cannot be read.
            Stopped: asked to.
        """
        return measure_loss(self._loaded, plan, emit=emit, stop=stop)


class InOllama:
    """Implements `Answerer` on a model that an Ollama server has."""

    def __init__(self, model: ModelInOllama) -> None:
        self._model = model

    def require_room(self, prompt: str, asking: Asking) -> None:
        """See `Answerer`: as far as one can know without its tokenizer.

        Raises:
            TooLong: it does not fit, whatever the tokenizer.
            TeacherError: the server does not answer.
        """
        self._model.make_room(asking.messages(prompt), asking.sampling)

    def answer(self, prompt: str, asking: Asking, on_text: Callable[[str], None], stop: StopToken) -> Answer:
        """See `Answerer`.

        Raises:
            TeacherError: the server does not answer, or refuses.
        """
        began = time.perf_counter()
        reply = self._model.stream_reply(asking.messages(prompt), asking.sampling, on_text, stop)
        seconds = time.perf_counter() - began - self._model.load_seconds
        return Answer(reply.text, reply.tokens, reply.tokens_per_second, seconds, reply.finish)

    def answer_together(
        self, prompts: Sequence[str], asking: Asking, on_answer: Callable[[int, Answer], None], stop: StopToken
    ) -> bool:
        """A server is asked one by one."""
        return False

    def loss(self, plan: LossPlan, emit: Emit, stop: StopToken) -> Loss | None:
        """A server does not say how likely it finds the words of others."""
        return None
