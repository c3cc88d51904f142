"""The person's own settings and where the program keeps its things on this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from tui_tuner.configuration import read_table, setting, write_table
from tui_tuner.files import read_toml, write_text


def config_folder() -> Path:
    """Where settings and the person's own themes are; `TUNER_CONFIG` moves it."""
    return Path(os.environ.get("TUNER_CONFIG") or platformdirs.user_config_path("tuner"))


def cache_folder() -> Path:
    """Where what can be made again is, such as the starter model; `TUNER_CACHE` moves it."""
    return Path(os.environ.get("TUNER_CACHE") or platformdirs.user_cache_path("tuner"))


def log_folder() -> Path:
    """Where the log is; `TUNER_LOG` moves it."""
    return Path(os.environ.get("TUNER_LOG") or platformdirs.user_log_path("tuner"))


@dataclass(frozen=True)
class Settings:
    """What the program remembers between two starts."""

    theme: str = setting("tuner-dark", "The colour theme.")
    last_project: str = setting("", "The project that was open last.")
    last_step: str = setting("environment", "The step that was on the screen last.")


def settings_file() -> Path:
    """The person's settings file; it need not exist."""
    return config_folder() / "settings.toml"


def load_settings() -> Settings:
    """Read the settings; the defaults where there is no file.

    Raises:
        ConfigurationError: a mistake in the file: line and what was expected.
    """
    path = settings_file()
    if not path.exists():
        return Settings()
    table, text = read_toml(path)
    return read_table(Settings, table, path=path, text=text, section="")


def save_settings(settings: Settings) -> None:
    """Write the settings.

    Raises:
        StorageError: the folder cannot be written.
    """
    write_text(settings_file(), write_table(settings, ""))
