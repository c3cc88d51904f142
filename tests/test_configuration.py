from dataclasses import dataclass
from pathlib import Path

import pytest

from tui_tuner.configuration import override, parse_value, read_table, setting, write_table
from tui_tuner.errors import ConfigurationError
from tui_tuner.files import tomllib


@dataclass(frozen=True)
class Sample:
    iters: int = setting(10, "How many steps.", minimum=1)
    rate: float = setting(0.1, "How fast.", minimum=0, maximum=1)
    mask: bool = setting(True, "Whether.")
    kind: str = setting("a", "Which.", choices=("a", "b"))
    words: tuple[str, ...] = setting(("x",), "List.")


def read(text, section="sample"):
    return read_table(Sample, tomllib.loads(text).get(section, {}), path=Path("t.toml"), text=text, section=section)


def test_what_is_written_is_read_back():
    sample = Sample(iters=3, rate=0.5, mask=False, kind="b", words=("y", 'quo"ted'))
    assert read(write_table(sample, "sample")) == sample


def test_a_whole_number_will_do_for_a_number():
    assert read("[sample]\nrate = 1").rate == 1.0


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("iters = 0", "a whole number, at least 1"),
        ("iters = 2.5", "a whole number, at least 1"),
        ("iters = true", "a whole number, at least 1"),
        ('iters = "3"', "a whole number, at least 1"),
        ("rate = nan", "a number from 0 to 1"),
        ('kind = "c"', "one of a, b"),
        ("mask = 1", "true or false"),
        ("words = [1]", "a list of texts"),
    ],
)
def test_a_mistake_names_file_line_and_what_was_expected(line, expected):
    with pytest.raises(ConfigurationError) as caught:
        read(f"# a comment\n[other]\niters = 5\n[sample]\n{line}\n")
    assert caught.value.where == "t.toml:5"
    assert caught.value.what.endswith(f"expected {expected}")


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(ConfigurationError, match="iterz") as caught:
        read("[sample]\niterz = 5")
    assert caught.value.advice == "Did you mean iters?"


def test_settings_given_as_text():
    changed = override(Sample(), {"iters": "1_000", "mask": "off", "words": "a; b;", "rate": "1e-3"})
    assert changed == Sample(iters=1000, mask=False, words=("a", "b"), rate=0.001)
    with pytest.raises(ConfigurationError):
        parse_value(Sample, "iters", "many")
    with pytest.raises(ConfigurationError):
        parse_value(Sample, "nothing", "1")
