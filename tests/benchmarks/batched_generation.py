"""Many answers together against one by one, in this process: the same model, questions and settings, in turns.

    python tests/benchmarks/batched_generation.py [--model FOLDER] [--questions 32] [--alone 8] [--tokens 48]

Three ways: our `batch_replies`, which writes the data, for all questions; our `stream_reply`, one after the other, for
the first few of them; and mlx-lm's own `generate`, likewise. Compared are tokens written per second, so that asking for
fewer favours nobody. Once with the question alone, and once with six examples of style before it, as data is written:
those are read once for all questions together, and one by one each time. Temperature 0, so that the answers can be
compared too: how many begin with the same words, however they were made. Printed are medians over the rounds; how many
times as fast is found within each round, because a busy machine changes its mind between two of them.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tui_tuner.models.blas import load_fast_blas

load_fast_blas()  # before anything imports MLX

from tui_tuner.models.generation import batch_replies, stream_reply  # noqa: E402
from tui_tuner.models.loading import LoadedModel, load_model  # noqa: E402
from tui_tuner.models.prompts import Message, prompt_tokens  # noqa: E402
from tui_tuner.models.replies import Sampling  # noqa: E402
from tui_tuner.models.starter import make_starter  # noqa: E402
from tui_tuner.progress import StopToken, ignore_event  # noqa: E402

SUBJECTS = ("bread", "a bicycle", "a garden", "a letter", "a song", "a shelf", "a map", "a kite")
ASKED = ("How do I make {}?", "What is the best way to keep {}?", "Why does {} matter?", "Where can I learn about {}?")
SAME_WORDS = 8  # of an answer's beginning

Told = tuple[int, dict[int, str]]  # tokens written, and the answers by their place
Conversations = list[list[Message]]


def conversations(number: int, shown: int) -> Conversations:
    """Different questions, each after the same `shown` examples."""
    lesson: list[Message] = []
    for place in range(shown):
        subject = SUBJECTS[-1 - place]
        lesson.append(Message(role="user", content=f"What is {subject} good for?"))
        lesson.append(Message(role="assistant", content=f"In short: {subject} is good for a quiet day. Try one today."))
    questions = [asked.format(subject) for asked in ASKED for subject in SUBJECTS]
    return [[*lesson, Message(role="user", content=questions[place % len(questions)])] for place in range(number)]


def together(loaded: LoadedModel, asked: Conversations, tokens: int) -> Told:
    replies: dict[int, Any] = {}
    batch_replies(loaded, asked, Sampling(tokens, seed=0), replies.__setitem__, StopToken(), at_once=len(asked))
    return sum(reply.tokens for reply in replies.values()), {place: reply.text for place, reply in replies.items()}


def one_by_one(loaded: LoadedModel, asked: Conversations, tokens: int) -> Told:
    replies = [
        stream_reply(loaded, turns, Sampling(tokens, seed=0), lambda _piece: None, StopToken()) for turns in asked
    ]
    return sum(reply.tokens for reply in replies), {place: reply.text for place, reply in enumerate(replies)}


def mlx_lms_own(loaded: LoadedModel, asked: Conversations, tokens: int) -> Told:
    from mlx_lm import stream_generate
    from mlx_lm.sample_utils import make_sampler

    written, answers = 0, {}
    for place, turns in enumerate(asked):
        prompt = prompt_tokens(loaded, turns)
        # What `generate` does, which only joins the pieces and says nothing of their number.
        pieces = list(
            stream_generate(loaded.model, loaded.tokenizer, prompt, max_tokens=tokens, sampler=make_sampler(temp=0.0))
        )
        written += pieces[-1].generation_tokens
        answers[place] = "".join(piece.text for piece in pieces)
    return written, answers


def compare(loaded: LoadedModel, chosen: argparse.Namespace, shown: int) -> None:
    asked = conversations(chosen.questions, shown)
    ways: dict[str, tuple[Callable[[LoadedModel, Conversations, int], Told], Conversations]] = {
        "together": (together, asked),
        "one by one": (one_by_one, asked[: chosen.alone]),
        "mlx-lm's own": (mlx_lms_own, asked[: chosen.alone]),
    }
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    answers: dict[str, dict[int, str]] = {}
    for _round in range(chosen.rounds):
        for name, (way, part) in ways.items():
            began = time.perf_counter()
            written, answers[name] = way(loaded, part, chosen.tokens)
            speeds[name].append(written / (time.perf_counter() - began))
    print(f"{shown} examples before each question, {chosen.questions} questions together, {chosen.alone} one by one")
    for name, figures in speeds.items():
        times = [ours / one for ours, one in zip(speeds["together"], figures, strict=True)]
        print(
            f"  {name:<13} {statistics.median(figures):7.1f} tokens/s ({_listed(figures)})   "
            f"together is {statistics.median(times):.2f} times as fast ({_listed(times)})"
        )
    for name in ("one by one", "mlx-lm's own"):
        same = sum(_begin(answers["together"][place]) == _begin(text) for place, text in answers[name].items())
        print(f"  the first {SAME_WORDS} words are those of {name}: {same} of {len(answers[name])}")


def _listed(figures: list[float]) -> str:
    return " ".join(f"{figure:.1f}" for figure in figures)


def _begin(text: str) -> list[str]:
    return text.split()[:SAME_WORDS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--questions", type=int, default=32)
    parser.add_argument("--alone", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    loaded = load_model(chosen.model or make_starter(emit=ignore_event, stop=StopToken()))
    together(loaded, conversations(2, 0), 4)  # the first use of each kernel belongs to nobody
    for shown in (0, 6):
        compare(loaded, chosen, shown)


if __name__ == "__main__":
    main()
