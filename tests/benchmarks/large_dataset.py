"""A large dataset that was brought along, from a foreign file to the training files: time and memory.

    python tests/benchmarks/large_dataset.py [--kind csv] [--rows 50000] [--letters 600] [--rounds 3] [--model starter]

Kinds: `csv` (a table of question and answer), `sharegpt` (a JSON list), `jsonl` (lines of messages), `own` (already in
the project: no import). Each round is a process of its own, so that its peak memory is its own. A tenth of the rows
nearly repeat another one. Asked for: 50,000 rows in less than 60 s and 1 GB; import, checks, near duplicates and split
together. With a base model that is on this machine, lengths are checked in its tokens.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tui_tuner.choices import DatasetChoice, ModelChoice
from tui_tuner.dataset.examples import asked_and_answered
from tui_tuner.dataset.make import make_dataset
from tui_tuner.dataset.plan import IMPORTED, DatasetPlan
from tui_tuner.importing.bring import ImportPlan, import_rows
from tui_tuner.importing.looking import look
from tui_tuner.progress import StopToken, ignore_event

FOREIGN = "foreign"  # its kind is told by its content
SYLLABLES = [first + vowel + last for first in "bdfgklmnprst" for vowel in "aeiou" for last in ("", "n", "r", "s")]


def pairs(rows: int, letters: int) -> Iterator[tuple[str, str]]:
    """Questions and answers of made-up words, a quarter of the letters in the question and the rest in the answer."""
    chance = random.Random(0)
    words = ["".join(chance.choices(SYLLABLES, k=2)) for _word in range(8000)]

    def text(length: int) -> str:
        return " ".join(chance.choices(words, k=max(3, length // 6)))

    questions: list[str] = []
    for number in range(rows):
        again = questions and number % 10 == 0
        questions.append(f"{chance.choice(questions)} now?" if again else f"{text(letters // 4)}?")
        yield questions[-1], f"{text(letters * 3 // 4)}."


def write_rows(path: Path, kind: str, rows: int, letters: int) -> None:
    """The file that is brought along."""
    with path.open("w", newline="") as file:
        if kind == "csv":
            csv.writer(file).writerows([("Frage", "Antwort"), *pairs(rows, letters)])
        elif kind == "sharegpt":
            turns = ([{"from": "human", "value": q}, {"from": "gpt", "value": a}] for q, a in pairs(rows, letters))
            json.dump([{"id": str(number), "conversations": one} for number, one in enumerate(turns)], file)
        else:
            for question, answer in pairs(rows, letters):
                file.write(json.dumps(asked_and_answered(question, answer, "").as_row()) + "\n")


def one_round(data: Path, foreign: Path | None, model: str) -> None:
    """Import and make the dataset; print seconds of both, of the processor too, MB at the peak, how many set aside."""
    began, processor_began = time.perf_counter(), time.process_time()
    if foreign is not None:
        plan = ImportPlan(data, (look(foreign),), replace=True)
        import_rows(plan, emit=ignore_event, stop=StopToken())
    imported, processor_imported = time.perf_counter(), time.process_time()
    base_model = ModelChoice(name=model) if model else None
    report = make_dataset(
        DatasetPlan(data, DatasetChoice(), base_model=base_model), None, emit=ignore_event, stop=StopToken()
    )
    ended, processor_ended = time.perf_counter(), time.process_time()
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes here
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    print(imported - began, ended - imported, peak, sum(report.set_aside.values()))
    print(processor_imported - processor_began, processor_ended - processor_imported)


def main() -> None:
    """Compare the rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=("csv", "sharegpt", "jsonl", "own"), default="csv")
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--letters", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default="", help="the base model whose tokens are counted; none counts words")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    own = arguments.kind == "own"
    if arguments.folder:
        one_round(arguments.folder, None if own else arguments.folder / FOREIGN, arguments.model)
        return
    with tempfile.TemporaryDirectory() as name:
        write_rows(Path(name) / (IMPORTED if own else FOREIGN), arguments.kind, arguments.rows, arguments.letters)
        rounds = []
        for _round in range(arguments.rounds):
            command = [sys.executable, __file__, "--kind", arguments.kind, "--folder", name, "--model", arguments.model]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            rounds.append([float(word) for word in output.split()])
    columns = [statistics.median(column) for column in zip(*rounds, strict=True)]
    importing, making, peak, aside, processor_importing, processor_making = columns
    print(f"{arguments.rows:,} rows of {arguments.letters} letters as {arguments.kind}, medians of {arguments.rounds}:")
    print(f"  {importing:.1f} s to import, {making:.1f} s to check and split, {importing + making:.1f} s in all")
    processor = f"{processor_importing:.1f} + {processor_making:.1f} s"
    print(f"  {processor} of processor time (all threads); load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"  {peak:,.0f} MB at the peak, {aside:,.0f} set aside")


if __name__ == "__main__":
    main()
