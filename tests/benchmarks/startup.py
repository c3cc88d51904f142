"""How long `tuner` takes to say its version and to paint, next to bare Python and a bare Textual app, in one run.

python tests/benchmarks/startup.py

Run it with an installed `tuner`, whose bytecode pip has written. From a checkout under PYTHONDONTWRITEBYTECODE our
modules are compiled anew at each start and Textual's are not: a tenth more.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from terminal import Terminal

RUNS = 15
BARE_APP = """
from textual.app import App
from textual.widgets import Footer, Static
class Bare(App):
    def compose(self):
        yield Static("bare app")
        yield Footer()
Bare().run()
"""


def command_time(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def paint_time(command: list[str], text: str, env: dict[str, str]) -> float:
    terminal = Terminal(command, env=env)
    try:
        return terminal.wait_for(text)
    finally:
        terminal.end()


def main() -> None:
    tuner = str(Path(sys.executable).with_name("tuner"))
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "TUNER_CONFIG": folder, "TUNER_LOG": folder}
        project = Path(folder) / "p"
        subprocess.run([tuner, "new", str(project), "--topic", "x"], check=True, capture_output=True, env=env)
        bare_python, version, bare_app, app = [], [], [], []
        for _ in range(RUNS):
            bare_python.append(command_time([sys.executable, "-c", "pass"]))
            version.append(command_time([tuner, "--version"]))
            bare_app.append(paint_time([sys.executable, "-c", BARE_APP], "bare app", env))
            app.append(paint_time([tuner, "--project", str(project)], "Environment", env))
    rows = {"python -c pass": bare_python, "tuner --version": version, "bare Textual app": bare_app, "tuner's app": app}
    for name, seconds in rows.items():
        print(f"{name:<20} median {statistics.median(seconds) * 1000:7.1f} ms   min {min(seconds) * 1000:7.1f} ms")
    print(f"--version over bare Python: {(statistics.median(version) - statistics.median(bare_python)) * 1000:.1f} ms")
    pairs = statistics.median(ours / bare for ours, bare in zip(app, bare_app, strict=True))
    medians = statistics.median(app) / statistics.median(bare_app)
    print(f"first paint, ours / bare:   {medians:.2f} (medians), {pairs:.2f} (median of pairs)")


if __name__ == "__main__":
    main()
