"""Where it learns, and what that machine does meanwhile."""

from __future__ import annotations

from dataclasses import dataclass

from tui_tuner.configuration import setting


@dataclass(frozen=True)
class MachinesChoice:
    """Which machines train, and what is asked of them."""

    hosts: str = setting(
        "",
        "A file that names the machines which train together, as mlx.distributed_config writes it, this one first; "
        "empty trains on this one alone.",
    )
    keep_awake: bool = setting(True, "Keep a Mac from falling asleep while it trains; its display may sleep.")
    free_ollama: bool = setting(
        True, "Before training, have Ollama on this machine take its models out of memory.", label="free Ollama"
    )
