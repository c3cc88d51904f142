import pytest

from tui_tuner.export.licence import licence_of


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: mit\ntags: [a]\n---\n# Model\n", "mit"),
        ('---\ntags:\n- x\nlicense: "llama3.1"\n---', "llama3.1"),
        ("---\nlicense: other\nlicense_name: my-licence\n---\n", "my-licence"),
        ("---\nlicense: other\n---\n", "other"),
        ("# Model\nlicense: mit\n", ""),
        ("---\nlicense: [mit\n---\n", ""),
        ("---\nlicense: mit\nnever ends", ""),
    ],
)
def test_the_card_of_the_base_says_its_licence(card, licence, tmp_path):
    (tmp_path / "README.md").write_text(card)
    assert licence_of("someone/base", tmp_path) == licence


def test_a_licence_file_says_it_too(tmp_path):
    (tmp_path / "LICENSE.txt").write_text("\n    Apache License\n    Version 2.0, January 2004\n")
    assert licence_of("someone/base", tmp_path / "nothing", tmp_path) == "apache-2.0"
    (tmp_path / "LICENSE.txt").write_text("All mine.")
    assert licence_of("someone/base", tmp_path) == ""


def test_the_starter_is_known(tmp_path):
    assert licence_of("starter", tmp_path) == "apache-2.0"
