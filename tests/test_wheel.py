"""The wheel holds what the checkout has: themes are found from it as well."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent


@pytest.mark.skipif(not (CHECKOUT / "pyproject.toml").is_file(), reason="there is no checkout to build from")
def test_themes_are_found_from_a_wheel(tmp_path):
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    place = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    names = {path.stem for path in (CHECKOUT / "themes").glob("*.toml")}
    code = (
        f"import sys; sys.path.insert(0, {str(place)!r}); from tui_tuner import theme_files;"
        "print(theme_files.__file__); themes, bad = theme_files.load_themes();"
        "print(*sorted(theme.name for theme in themes)); assert not bad"
    )
    shown = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    where, found = shown.stdout.splitlines()
    assert where.startswith(str(place))
    assert names and set(found.split()) == names
