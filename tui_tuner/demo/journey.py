"""The demo: a project that goes through every step by itself. Run again it goes on where it stopped.

It calls the same functions as the steps do; nothing here is shown that did not happen.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tui_tuner.choices import CompareChoice, DatasetChoice, TrainingChoice
from tui_tuner.demo import examples
from tui_tuner.errors import ProjectError
from tui_tuner.files import storage_errors, write_json_lines
from tui_tuner.jobs import Work
from tui_tuner.journey import is_fused, obtain_base_model
from tui_tuner.language import _
from tui_tuner.progress import Emit, Notice, Pace, StopToken
from tui_tuner.project import MANIFEST, Choices, Project, create_project, open_project
from tui_tuner.step_work import comparison_work, dataset_work, fuse_work, training_work

if TYPE_CHECKING:
    from tui_tuner.evaluation.comparisons import Comparison

MADE_BY_THE_DEMO = (MANIFEST, ".lock", "data", "runs", "comparisons", "models", "chats", "exports")


@dataclass(frozen=True)
class DemoAnswers:
    """What the demo ends with.

    Attributes:
        compared: base and tuned answers to each unseen question.
        fused_answer: the fused model's answer to the last one.
    """

    compared: Comparison
    fused_answer: str


def demo_choices(*, slow: bool = False) -> Choices:
    """What the demo chooses at each step: enough to change every answer, quick on two cores.

    Args:
        slow: MLX multiplies without a fast BLAS here, many times slower: fewer examples, layers and steps.
    """
    return Choices(
        dataset=DatasetChoice(
            topic=examples.TOPIC,
            instructions=6 if slow else 24,
            opening_phrases=examples.OPENING_PHRASES,
            style=examples.STYLE,
            answer_beginning=examples.ANSWER_BEGINNING,
            answer_must_contain=examples.ANSWER_MUST_CONTAIN,
            max_tokens=72,
            temperature=0.5,
        ),
        training=TrainingChoice(
            iters=13 if slow else 40,
            batch_size=4,
            num_layers=8 if slow else 16,
            learning_rate=4e-4 if slow else 2e-4,
            rank=8,
            max_seq_length=256,
            steps_per_eval=13 if slow else 20,
            samples=1 if slow else 3,
        ),
        compare=CompareChoice(prompts=examples.UNSEEN_QUESTIONS, max_tokens=40 if slow else 80),
    )


def prepare_demo(folder: Path, *, fresh: bool) -> Project:
    """Make the demo's project in `folder`, or open the one that is there.

    Raises:
        ProjectError: there is another project, which the demo must not touch.
        StorageError: the folder cannot be written.
    """
    folder = folder.expanduser().absolute()
    if (folder / MANIFEST).is_file():
        _require_demo(folder)
        if not fresh:
            return open_project(folder)
        with storage_errors(folder):
            for name in MADE_BY_THE_DEMO:
                path = folder / name
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    # The examples come first: with them in place, a half-made folder is still known as the demo's.
    write_json_lines(
        folder / "data" / "seeds.jsonl",
        (
            {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}
            for question, answer in examples.EXAMPLES
        ),
    )
    return create_project(folder, choices=demo_choices(slow=_multiplies_slowly()))


def _multiplies_slowly() -> bool:
    from tui_tuner.models.blas import load_fast_blas

    return sys.platform == "linux" and load_fast_blas().name is None


def _require_demo(folder: Path) -> None:
    seeds = folder / "data" / "seeds.jsonl"
    if not seeds.is_file() or examples.EXAMPLES[0][0] not in seeds.read_text(encoding="utf-8"):
        raise ProjectError(
            _("this project is yours, not the demo's"),
            where=str(folder),
            advice=_("Give the demo a folder of its own: tuner demo DIR"),
        )


def demo_work(project: Project) -> Work:
    """Every step of the journey, one after the other; what is done already is not done again."""

    def work(emit: Emit, stop: StopToken) -> DemoAnswers:
        obtain_base_model(project, emit, stop)
        dataset_work(project)(emit, stop)
        _train(project, emit, stop)
        compared = _compare(project, emit, stop)
        if not is_fused(project):
            fuse_work(project)(emit, stop)
        return DemoAnswers(compared, _ask_fused(project, emit, stop))

    return work


def _train(project: Project, emit: Emit, stop: StopToken) -> None:
    from tui_tuner.training.runs import list_runs

    runs = list_runs(project)
    if any(run.finished for run in runs):
        emit(Notice(_("Training: done already.")))
        return
    training_work(project, resume=bool(runs))(emit, stop)


def _compare(project: Project, emit: Emit, stop: StopToken) -> Comparison:
    from tui_tuner.evaluation.comparisons import Comparison
    from tui_tuner.evaluation.kept_comparisons import list_comparisons, read_comparison

    for kept in list_comparisons(project):
        comparison = read_comparison(kept)
        if comparison.finished:
            emit(Notice(_("Comparison: done already.")))
            return comparison
    made = comparison_work(project)(emit, stop)
    assert isinstance(made, Comparison)
    return made


def _ask_fused(project: Project, emit: Emit, stop: StopToken) -> str:
    from tui_tuner.models.generation import stream_reply
    from tui_tuner.models.loading import load_model
    from tui_tuner.models.prompts import Message
    from tui_tuner.models.replies import Sampling

    pace = Pace(_("Asking"), 1, _("questions"), emit)
    loaded = load_model(project.fused_model)
    question = Message(role="user", content=examples.UNSEEN_QUESTIONS[-1])
    reply = stream_reply(loaded, [question], Sampling(max_tokens=80), lambda _text: None, stop)
    stop.check()
    pace.advance()
    pace.finish()
    return reply.text
