import pytest

from tui_tuner.errors import ConfigurationError
from tui_tuner.settings import Settings, load_settings, save_settings, settings_file


def test_settings_are_remembered():
    assert load_settings() == Settings()
    save_settings(Settings(last_project="/somewhere", last_step="train"))
    assert load_settings() == Settings(last_project="/somewhere", last_step="train")


def test_a_mistake_has_its_line():
    settings_file().parent.mkdir(parents=True)
    settings_file().write_text("\ntheme = 3\n")
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert caught.value.where.endswith("settings.toml:2")
