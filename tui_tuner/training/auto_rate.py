"""How large adapters should be, how strongly they act, and how far and in which way their steps go.

Where nothing else is said the rules are those of Schulman and others,
LoRA Without Regret (Thinking Machines Lab, 2025).
"""

from __future__ import annotations

import math

RANKS = (8, 16, 32, 64)
BITS_OF_A_NUMBER, BITS_OF_A_TOKEN = 2, 1
STRENGTH = 160  # scale times rank: mlx-lm's 20 at rank 8
FULL_RATE, LORA_TIMES = 5e-5, 10
THEIR_WIDTH, THEIR_STRENGTH, EXPONENT = 2000, 32, 0.781
WARMUP_SHARE, LONGEST_WARMUP = 0.03, 100
FEWEST_UPDATES = 20
# Up to so many examples: how often each is seen. Between LIMA (arXiv 2305.11206), which showed 1,000 examples 15 times,
# and Alpaca, which showed 52,000 three times; patience ends what turns out to be too much.
EPOCHS = ((32, 10), (100, 6), (500, 4), (2_000, 3), (10_000, 2))


def epochs_for(rows: int) -> int:
    """How often each of so many examples is seen."""
    return next((epochs for most, epochs in EPOCHS if rows <= most), 1)


def rank_for(numbers_of_a_rank: int, tokens: int) -> int:
    """The smallest usual rank whose adapters can hold what is to be learned.

    A model holds about two bits in each of its numbers (Allen-Zhu and Li, Physics of Language Models 3.3, arXiv
    2404.05405), and a learned token brings about one. The first paper on LoRA (Hu and others, arXiv 2106.09685, section
    7.2) found ranks of 4 to 8 enough for small tasks.

    Args:
        numbers_of_a_rank: numbers in all adapters at rank 1.
        tokens: learned tokens of the dataset.
    """
    needed = tokens * BITS_OF_A_TOKEN
    return next((rank for rank in RANKS if rank * numbers_of_a_rank * BITS_OF_A_NUMBER >= needed), RANKS[-1])


def scale_for(rank: int) -> float:
    """How strongly adapters act, so that at any rank they begin to learn as fast as mlx-lm's do at its own rank."""
    return STRENGTH / rank


def rate_for(width: int, strength: float, epochs: int, *, full: bool) -> float:
    """The learning rate: wider models learn with smaller steps, adapters with ten times those of the weights.

    Their adapters act with 32 over the rank, so that the rate is less where ours act more strongly. Their examples are
    seen once; those that are seen again and again are learned by heart at such a rate before anything else is, so it is
    divided by how often (tests/benchmarks/auto_against_defaults.py).

    Args:
        width: of the hidden states.
        strength: scale times rank.
        epochs: how often each example is seen.
        full: whether the weights themselves are trained.
    """
    rate = FULL_RATE * (THEIR_WIDTH / max(width, 1)) ** EXPONENT
    if not full:
        rate *= LORA_TIMES * THEIR_STRENGTH / max(strength, 1.0)
    return float(f"{rate / epochs:.2g}")


def warmup_for(updates: int) -> int:
    """Over how many updates the rate rises first: 3 % of them, as for Alpaca and QLoRA; 0 where they are few."""
    if updates < FEWEST_UPDATES:
        return 0
    return min(math.ceil(WARMUP_SHARE * updates), LONGEST_WARMUP)
