"""Our dataset run against the guide's `generate.py`: the same questions, the same server on loopback, in turns.

    python tests/benchmarks/data_generation.py [--slots 4] [--seconds 0.25] [--questions 80] [--rounds 3]

The server has so many slots, and each answer takes so long in its slot; more requests queue. The guide's script asks
for an answer and a follow-up question, one request after the other; ours asks for an answer. Compared are requests per
second, so that neither gains by asking for less, and the ideal is slots / seconds. Ours is the whole run, questions
brought along, with journals, checks and split: once with a server that streams, once with one that answers as a whole.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from teachers.server_with_slots import ServerWithSlots

from tui_tuner.choices import DatasetChoice
from tui_tuner.dataset.make import make_dataset
from tui_tuner.dataset.plan import DatasetPlan
from tui_tuner.progress import StopToken, ignore_event
from tui_tuner.teachers.ollama import OllamaServer
from tui_tuner.teachers.ollama_address import Address
from tui_tuner.teachers.ollama_teacher import OllamaTeacher

FOLLOW_UP = "What is a likely follow-up question or request? Return just the text of one question or request."


def guide(server: ServerWithSlots, questions: list[str], folder: Path) -> float:
    """What generate.py does; requests per second."""

    def post(prompt: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        body = json.dumps({"model": "mistral", "stream": False, "prompt": prompt})
        connection.request("POST", "/api/generate", body)
        return str(json.loads(connection.getresponse().read())["response"]).strip()

    began = time.perf_counter()
    for question in questions:
        answer = post(question)
        follow_up = post(answer + FOLLOW_UP)
        row = {"text": f"<s>[INST] {question}[/INST] {answer}</s>[INST]{follow_up}[/INST]"}
        with (folder / "train.jsonl").open("a") as file:
            file.write(json.dumps(row) + "\n")
    return 2 * len(questions) / (time.perf_counter() - began)


def ours(server: ServerWithSlots, questions: list[str], folder: Path) -> float:
    """`make_dataset` with the questions there already; requests per second."""
    (folder / "instructions.json").write_text(json.dumps(questions))
    plan = DatasetPlan(folder, DatasetChoice(topic="", instructions=len(questions)), (), 4)
    teacher = OllamaTeacher(OllamaServer(Address(port=server.port)), "mistral")
    began = time.perf_counter()
    report = make_dataset(plan, teacher, emit=ignore_event, stop=StopToken())
    took = time.perf_counter() - began
    assert report.answers == len(questions), report
    return len(questions) / took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=0.25)
    parser.add_argument("--questions", type=int, default=80)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    questions = [f"How do I change part {number} of my site?" for number in range(chosen.questions)]
    # What is imported at the first request belongs to neither.
    import httpx  # noqa: F401

    speeds: dict[str, list[float]] = {}
    for _round in range(chosen.rounds):
        for name, run, streams in (("guide", guide, True), ("streamed", ours, True), ("whole", ours, False)):
            with (
                ServerWithSlots(chosen.slots, chosen.seconds, streams=streams) as server,
                tempfile.TemporaryDirectory() as folder,
            ):
                speeds.setdefault(name, []).append(run(server, questions, Path(folder)))
    ideal, guides = chosen.slots / chosen.seconds, statistics.median(speeds["guide"])
    print(f"ideal     {ideal:6.2f} requests/s")
    for name, figures in speeds.items():
        median = statistics.median(figures)
        each = " ".join(f"{figure:.2f}" for figure in figures)
        of_ideal, of_guide = f"{median / ideal:.3f} of the ideal", f"{median / guides:.2f} x guide"
        print(f"{name:<9} {median:6.2f} requests/s   {of_ideal}   {of_guide}   ({each})")


if __name__ == "__main__":
    main()
