"""Opening phrases kept in balance: the one used least so far opens the next question."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence

from tui_tuner.dataset.examples import question_key


class Phrases:
    """Which opening phrase is due.

    A phrase whose questions come back unusable or known counts as used too, though less: otherwise one that never works
    would be asked for over and over.

    Args:
        phrases: the opening phrases; with none of them questions open freely.
        questions: those already there.
        seed: decides between phrases used equally often.
    """

    UNANSWERED = 0.5

    def __init__(self, phrases: Sequence[str], questions: Iterable[str], seed: int) -> None:
        self._phrases = list(dict.fromkeys(phrase.strip() for phrase in phrases if phrase.strip()))
        random.Random(seed).shuffle(self._phrases)
        # "Can I change" has to be recognised before "Can I".
        self._by_length = sorted(((f"{question_key(phrase)} ", phrase) for phrase in self._phrases), key=_longest_first)
        self._keys = {question_key(phrase) for phrase in self._phrases}
        self.used: Counter[str] = Counter()
        self._tried: Counter[str] = Counter()
        for question in questions:
            self.count(question)

    def opening_of(self, question: str) -> str:
        """The phrase that `question` starts with; empty where it is none of them."""
        key = question_key(question)
        return next((phrase for start, phrase in self._by_length if f"{key} ".startswith(start)), "")

    def asks_nothing(self, question: str) -> bool:
        """Whether it is an opening phrase and nothing more, which small models like to list."""
        return question_key(question) in self._keys

    def count(self, question: str) -> None:
        """Count a question that was kept."""
        if opening := self.opening_of(question):
            self.used[opening] += 1

    def due(self, number: int) -> list[str]:
        """The phrases for the next `number` questions, those used least first; empty texts where there are none."""
        if not self._phrases:
            return [""] * number
        load = {phrase: self.used[phrase] + self.UNANSWERED * self._tried[phrase] for phrase in self._phrases}
        chosen = []
        for _place in range(number):
            phrase = min(self._phrases, key=load.__getitem__)
            load[phrase] += 1
            chosen.append(phrase)
        return chosen

    def failed(self, phrase: str) -> None:
        """Count a question asked for with `phrase` that could not be used."""
        self._tried[phrase] += 1


def _longest_first(entry: tuple[str, str]) -> int:
    return -len(entry[0])
