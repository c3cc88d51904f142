"""What is asked of an example before it is learned."""

from __future__ import annotations

from dataclasses import dataclass

from tui_tuner.configuration import setting

# How models begin where they will not answer. Other languages can be added in the settings.
REFUSALS = (
    "I'm sorry, but I can't",
    "I'm sorry, but I cannot",
    "I cannot assist",
    "I can't assist",
    "I cannot help with",
    "I can't help with",
    "I'm unable to",
    "As an AI language model",
    "As a language model",
)


@dataclass(frozen=True)
class QualityChoice:
    """Which examples are good enough to learn from. What is set aside is kept with its reason."""

    near_duplicate: float = setting(
        0.8,
        "Questions this much alike count as the same (1: only equal ones). Only the first of them is learned.",
        minimum=0.7,
        maximum=1,
        label="near duplicates",
    )
    shortest_answer: int = setting(1, "Fewest words of an answer.", minimum=1, maximum=1000, label="shortest answer")
    refusals: tuple[str, ...] = setting(
        REFUSALS, "An answer that begins with one of these is a refusal; separate them with ;"
    )
    from_passage: float = setting(
        0.3,
        "Part of the longer words an answer about a document adds to its question that has to be in its passage; "
        "0 allows any.",
        minimum=0,
        maximum=1,
    )
    same_script: float = setting(
        0.5,
        "Part of an answer that has to be in the script of its question, such as Latin or Cyrillic; 0 allows any.",
        minimum=0,
        maximum=1,
    )
