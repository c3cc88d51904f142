"""A teacher in this process: an MLX model, many answers at once. Runs on the engine's thread."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tui_tuner.errors import ModelError
from tui_tuner.language import _
from tui_tuner.models.catalogue import weights_in
from tui_tuner.models.prompts import Message
from tui_tuner.models.thinking import without_thoughts
from tui_tuner.progress import StopToken
from tui_tuner.teachers.teacher import Answer, OnAnswer, Request

if TYPE_CHECKING:
    from tui_tuner.models.loading import LoadedModel
    from tui_tuner.models.replies import Reply

# A step for many answers takes hardly longer than a step for one, until their prompt caches fill the memory.
AT_ONCE, AT_ONCE_LARGE = 32, 16
LARGE = 2 << 30  # bytes of weights


class MLXTeacher:
    """Implements `tui_tuner.teachers.teacher.Teacher` on a model folder. The model is loaded when first asked.

    Args:
        path: the model's folder.
        trust_remote_code: run Python code that comes with the model.
    """

    continues = True

    def __init__(self, path: Path, *, trust_remote_code: bool = False) -> None:
        self._path = path
        self._trust_remote_code = trust_remote_code
        self._loaded: LoadedModel | None = None
        self._takes_system_turns: bool | None = None
        self.at_once = AT_ONCE_LARGE if weights_in(path) > LARGE else AT_ONCE

    @property
    def name(self) -> str:
        """As a person reads it: "starter in this process"."""
        return _("{model} in this process", model=model_name(self._path))

    def ask(self, requests: Sequence[Request], on_answer: OnAnswer, stop: StopToken) -> None:
        """Answer `requests`, all of one length and temperature together; their schemas are not used.

        The seed of a group is drawn from the seeds of all its requests: the same group gives the same answers, a
        request alone another one than among others.

        Raises:
            ModelError: the model cannot be loaded, or has no chat template.
            Stopped: asked to; takes effect within one token.
        """
        from tui_tuner.models.generation import batch_replies
        from tui_tuner.models.replies import Sampling

        loaded = self._model()
        groups: dict[tuple[int, float], list[int]] = {}
        for place, request in enumerate(requests):
            groups.setdefault((request.max_tokens, request.temperature), []).append(place)
        for (max_tokens, temperature), places in groups.items():
            group = [requests[place] for place in places]
            seed = zlib.crc32(repr([request.seed for request in group]).encode())

            def on_reply(number: int, reply: Reply, places: list[int] = places) -> None:
                finish: Literal["stop", "length"] = "stop" if reply.finish == "stop" else "length"
                said = without_thoughts(reply.text)[1]  # some models think whether they are to or not
                on_answer(places[number], Answer(said, finish, reply.tokens, self.name))

            batch_replies(
                loaded,
                [self._fitting(request.messages) for request in group],
                Sampling(max_tokens, temperature, seed=seed),
                on_reply,
                stop,
                beginnings=[request.beginning for request in group],
                at_once=self.at_once,
            )

    def close(self) -> None:
        """Free the model's memory."""
        if self._loaded is not None:
            import mlx.core as mx

            self._loaded = None
            mx.clear_cache()

    def _model(self) -> LoadedModel:
        from tui_tuner.models.loading import load_model

        if self._loaded is None:
            self._loaded = load_model(self._path, trust_remote_code=self._trust_remote_code)
        return self._loaded

    def _fitting(self, messages: Sequence[Message]) -> list[Message]:
        """The conversation as this model's template takes it: some, such as Mistral's, know no system turn."""
        if not messages or messages[0]["role"] != "system" or self._system_turns():
            return list(messages)
        first = Message(role="user", content=f"{messages[0]['content']}\n\n{messages[1]['content']}")
        return [first, *messages[2:]]

    def _system_turns(self) -> bool:
        from tui_tuner.models.prompts import prompt_tokens

        if self._takes_system_turns is None:
            trial = [Message(role="system", content="a"), Message(role="user", content="b")]
            try:
                prompt_tokens(self._model(), trial)
            except ModelError:
                self._takes_system_turns = False
            else:
                self._takes_system_turns = True
        return self._takes_system_turns


def model_name(path: Path) -> str:
    """A folder's name, or that of the repository where the folder is a snapshot in Hugging Face's cache."""
    repository = re.fullmatch(r"models--(.+?)--(.+)", path.parent.parent.name)
    return "/".join(repository.groups()) if repository and path.parent.name == "snapshots" else path.name
