"""How models answer: side by side, and in the chat."""

from __future__ import annotations

from dataclasses import dataclass

from tui_tuner.configuration import setting


@dataclass(frozen=True)
class CompareChoice:
    """Who is asked what, side by side."""

    columns: tuple[str, ...] = setting(
        ("base", "tuned"),
        "Who answers: base, tuned (the latest run), a run's name, RUN@STEP for a checkpoint that is kept, fused, "
        "ollama:MODEL; separate them with ;",
        label="who answers",
    )
    prompts: tuple[str, ...] = setting((), "Questions to ask all; empty takes some from the held-out examples.")
    prompts_file: str = setting(
        "",
        'A file of questions: one a line, or in a .jsonl file {"prompt": ..., "expected": ...} a line.',
        label="questions in",
    )
    held_out: int = setting(
        5,
        "How many held-out examples to ask where there are no questions.",
        minimum=1,
        maximum=1000,
        label="held-out ones",
    )
    losses: bool = setting(
        True,
        "Measure loss and perplexity of each model on the held-out answers: test.jsonl, or else valid.jsonl.",
    )
    judge: str = setting(
        "",
        "Who reads both answers blindly, in both orders, and says which is better: mlx (the base model), mlx:MODEL, "
        "ollama:MODEL, openai:MODEL. Empty: nobody.",
    )
    max_tokens: int = setting(256, "Longest answer, in tokens.", minimum=1, maximum=32_768, label="longest answer")
    temperature: float = setting(0.0, "0 makes the comparison repeatable.", minimum=0, maximum=2)
    seed: int = setting(0, "Seed of the sampling where the temperature is above 0.", minimum=0, maximum=2**31)
    thinking: bool = setting(False, "Have models that can think before they answer do so. Some always think.")


@dataclass(frozen=True)
class ChatChoice:
    """How the chat answers."""

    system_prompt: str = setting("", "Told to the model before the conversation; empty tells it nothing.")
    max_tokens: int = setting(512, "Longest answer, in tokens.", minimum=1, maximum=32_768, label="longest answer")
    temperature: float = setting(
        0.0, "0 always gives the likeliest answer; higher is more varied.", minimum=0, maximum=2
    )
    top_p: float = setting(1.0, "Only the likeliest words that together reach this share.", minimum=0.01, maximum=1)
    top_k: int = setting(0, "Only so many of the likeliest words; 0 for all.", minimum=0, maximum=1000)
    min_p: float = setting(
        0.0, "Only words at least this share as likely as the likeliest; 0 for all.", minimum=0, maximum=1
    )
    repetition_penalty: float = setting(
        0.0, "Above 1 makes what was just written less likely; 0 for no penalty.", minimum=0, maximum=2
    )
    seed: int = setting(-1, "The same seed draws the same words; -1 draws anew each time.", minimum=-1, maximum=2**31)
    thinking: bool = setting(
        False, "Have models that can think before they answer do so: slower; what they think is folded. Some always do."
    )
    when_full: str = setting(
        "ask",
        "When the conversation fills the model's context: ask what to do, or leave_out the oldest turns and say so.",
        choices=("ask", "leave_out"),
    )
