"""A large dataset that was brought along, from its file to the training files: time and memory.

    python tests/benchmarks/large_dataset.py [--rows 50000] [--letters 600] [--rounds 3]

Each round is a process of its own, so that its peak memory is its own. A tenth of the rows nearly repeat another one.
Asked for: 50,000 rows in less than 60 s and 1 GB.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tui_tuner.choices import DatasetChoice
from tui_tuner.dataset.make import make_dataset
from tui_tuner.dataset.plan import IMPORTED, DatasetPlan
from tui_tuner.progress import StopToken, ignore_event

SYLLABLES = [first + vowel + last for first in "bdfgklmnprst" for vowel in "aeiou" for last in ("", "n", "r", "s")]


def write_rows(path: Path, rows: int, letters: int) -> None:
    """Conversations of made-up words, a quarter of them question and the rest answer."""
    chance = random.Random(0)
    words = ["".join(chance.choices(SYLLABLES, k=2)) for _word in range(8000)]

    def text(length: int) -> str:
        return " ".join(chance.choices(words, k=max(3, length // 6)))

    questions: list[str] = []
    with path.open("w") as file:
        for number in range(rows):
            again = questions and number % 10 == 0
            questions.append(f"{chance.choice(questions)} now?" if again else f"{text(letters // 4)}?")
            turns = [("user", questions[-1]), ("assistant", f"{text(letters * 3 // 4)}.")]
            messages = [{"role": role, "content": content} for role, content in turns]
            file.write(json.dumps({"messages": messages, "source": f"mine.csv:{number}"}) + "\n")


def one_round(data: Path) -> None:
    """Make the dataset; print seconds, MB at the peak, and how many were set aside."""
    began = time.perf_counter()
    report = make_dataset(DatasetPlan(data, DatasetChoice()), None, emit=ignore_event, stop=StopToken())
    seconds = time.perf_counter() - began
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes here
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    print(seconds, peak, sum(report.set_aside.values()))


def main() -> None:
    """Compare the rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--letters", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.folder:
        one_round(arguments.folder)
        return
    with tempfile.TemporaryDirectory() as name:
        data = Path(name)
        write_rows(data / IMPORTED, arguments.rows, arguments.letters)
        rounds = []
        for _round in range(arguments.rounds):
            command = [sys.executable, __file__, "--folder", name]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            rounds.append([float(word) for word in output.split()])
    seconds, peak, aside = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"{arguments.rows:,} rows of {arguments.letters} letters, medians of {arguments.rounds}:")
    print(f"  {seconds:.1f} s, {peak:,.0f} MB at the peak, {aside:,.0f} set aside")


if __name__ == "__main__":
    main()
