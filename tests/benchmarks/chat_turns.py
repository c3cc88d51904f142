"""A conversation of many turns: how soon a reply begins, and how fast it is written, beside mlx-lm's own chat.

    python tests/benchmarks/chat_turns.py [--model FOLDER] [--turns 30] [--tokens 32] [--rounds 3]

Each turn asks a question of the same length. Time to the first token is taken from the question to the first token that
is not the prompt's, as a person waits for it: making the prompt's tokens included. Asked for: that of turn 20 at most
1.5 times that of turn 2. Tokens per second of a whole reply are compared with `mlx_lm.chat`'s way: `stream_generate`
with a prompt cache that is given only the new turn. Both ways answer the same questions, a turn each in turns, in one
process; printed are medians over the rounds, and the ratio found within each round.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from tui_tuner.models.blas import load_fast_blas

load_fast_blas()  # before anything imports MLX

from tui_tuner.chat.conversation import Conversation  # noqa: E402
from tui_tuner.chat.session import ChatSession  # noqa: E402
from tui_tuner.choices import ChatChoice  # noqa: E402
from tui_tuner.models.loading import LoadedModel, load_model  # noqa: E402
from tui_tuner.models.starter import make_starter  # noqa: E402
from tui_tuner.progress import StopToken, ignore_event  # noqa: E402

THINGS = ("bread", "bikes", "songs", "maps", "kites", "boats", "bells", "books", "shoes", "lamps")
EARLY, LATE = 2, 20


class Theirs:
    """As `mlx_lm.chat` does it: one prompt cache, and each turn's own tokens given to `stream_generate`."""

    def __init__(self, loaded: LoadedModel) -> None:
        from mlx_lm.models.cache import make_prompt_cache

        self._loaded = loaded
        self._cache = make_prompt_cache(loaded.model)

    def ask(self, question: str, tokens: int) -> tuple[float, float, int]:
        from mlx_lm.generate import stream_generate

        began = time.perf_counter()
        turn = [{"role": "user", "content": question}]
        prompt = self._loaded.tokenizer.apply_chat_template(turn, add_generation_prompt=True)
        moments = []
        model, tokenizer = self._loaded.model, self._loaded.tokenizer
        for _piece in stream_generate(model, tokenizer, prompt, max_tokens=tokens, prompt_cache=self._cache):
            moments.append(time.perf_counter())
        return moments[0] - began, pace(moments), len(moments)


class Ours:
    """As `tuner chat` and the app do it."""

    def __init__(self, loaded: LoadedModel, folder: Path) -> None:
        self._session = ChatSession(loaded)
        self._conversation = Conversation(folder / "chat.json")

    def ask(self, question: str, tokens: int) -> tuple[float, float, int]:
        began = time.perf_counter()
        self._conversation.ask(question)
        moments: list[float] = []
        choice = ChatChoice(max_tokens=tokens)
        self._session.make_room(self._conversation, choice)
        reply = self._session.reply(
            self._conversation, choice, lambda _text: moments.append(time.perf_counter()), StopToken()
        )
        return moments[0] - began, reply.tokens_per_second, reply.tokens


def pace(moments: list[float]) -> float:
    return (len(moments) - 1) / (moments[-1] - moments[0]) if len(moments) > 1 else 0.0


def play(loaded: LoadedModel, turns: int, tokens: int) -> dict[str, list[tuple[float, float, int]]]:
    told: dict[str, list[tuple[float, float, int]]] = {"ours": [], "theirs": []}
    with tempfile.TemporaryDirectory() as folder:
        sides = {"ours": Ours(loaded, Path(folder)), "theirs": Theirs(loaded)}
        for turn in range(turns):
            question = f"Tell me in a few words why people like {THINGS[turn % len(THINGS)]} so much."
            for name in ("ours", "theirs") if turn % 2 else ("theirs", "ours"):
                told[name].append(sides[name].ask(question, tokens))
    return told


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path)
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    model = arguments.model or make_starter(emit=ignore_event, stop=StopToken())
    loaded = load_model(model)
    play(loaded, 2, 4)  # what is done once
    rounds = [play(loaded, arguments.turns, arguments.tokens) for _round in range(arguments.rounds)]
    print(f"{arguments.turns} turns, {arguments.tokens} tokens at most, medians of {arguments.rounds} rounds")
    for name in ("ours", "theirs"):
        first = {turn: statistics.median(told[name][turn - 1][0] for told in rounds) for turn in (EARLY, LATE)}
        growth = statistics.median(told[name][LATE - 1][0] / told[name][EARLY - 1][0] for told in rounds)
        print(
            f"  {name:7} first token after {first[EARLY]:.3f} s at turn {EARLY}, {first[LATE]:.3f} s at turn {LATE}: "
            f"{growth:.2f} times"
        )
    speeds = {
        name: [statistics.median(speed for _first, speed, written in told[name] if written > 1) for told in rounds]
        for name in ("ours", "theirs")
    }
    ratios = [ours / theirs for ours, theirs in zip(speeds["ours"], speeds["theirs"], strict=True)]
    middle = {name: statistics.median(found) for name, found in speeds.items()}
    print(f"  tokens/s: ours {middle['ours']:.1f}, theirs {middle['theirs']:.1f}")
    print(f"  ours by theirs {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
