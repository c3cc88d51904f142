"""Base and tuned model answer the same prompts, with the same template, seed and sampling. Runs on the engine's thread.

Both share one set of weights in memory; the base is never touched by the adapter (`models.loading.load_pair`).
"""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui_tuner.choices import CompareChoice
from tui_tuner.dataset.held_out import held_out_questions
from tui_tuner.errors import DatasetError
from tui_tuner.evaluation.comparisons import (
    FORMAT,
    Answer,
    Answered,
    answer_ended,
    answered_row,
    list_comparisons,
    new_comparison_path,
    read_comparison,
    told_again,
    unfinished_comparison,
)
from tui_tuner.evaluation.events import AnswerStarted, AnswerText, Column
from tui_tuner.evaluation.tuned import required_run
from tui_tuner.file_versions import fingerprint
from tui_tuner.files import Journal
from tui_tuner.language import _
from tui_tuner.progress import Emit, Notice, Pace, StopToken
from tui_tuner.project import Project

if TYPE_CHECKING:
    from tui_tuner.models.loading import LoadedModel

__all__ = ["Answered", "ComparePlan", "compare", "list_comparisons", "plan_comparison", "read_comparison"]

PROMPTS_FROM_DATA = 5


@dataclass(frozen=True)
class ComparePlan:
    """Everything a comparison depends on.

    Attributes:
        model: the base model's folder.
        run: the training run whose adapter makes the tuned model.
        prompts: what both are asked.
        choice: how they answer.
        system_prompt: told to both before each prompt; empty tells them nothing.
        target: the journal the answers go to.
        trust_remote_code: run Python code that comes with the model.
        kept: what `target` holds already, of a comparison that broke off.
    """

    model: Path
    run: Path
    prompts: tuple[str, ...]
    choice: CompareChoice
    system_prompt: str
    target: Path
    trust_remote_code: bool = False
    kept: tuple[Answered, ...] = ()


def plan_comparison(project: Project, model: Path, run: Path | None = None) -> ComparePlan:
    """Plan to compare `model` as it is with what `run`, or the latest tuned run, made of it.

    The newest comparison is gone on with if it broke off and was made with the same adapter, prompts and settings.

    Raises:
        ProjectError: nothing has been trained yet, or on another base model.
        DatasetError: no prompts were chosen, and there are no held-out examples to take some from.
        StorageError: the newest comparison cannot be read, or was made by a newer version.
    """
    run = required_run(project, run)
    choice = project.choices.compare
    prompts = tuple(prompt for prompt in choice.prompts if prompt.strip())
    prompts = prompts or held_out_questions(project.data, PROMPTS_FROM_DATA)
    if not prompts:
        raise DatasetError(
            _("there is nothing to ask: no prompts were chosen, and there are no held-out examples"),
            where=str(project.data / "valid.jsonl"),
            advice=_('Name some, for example: tuner compare --prompt "How do I start?"'),
        )
    plan = ComparePlan(
        model,
        run,
        prompts,
        choice,
        project.choices.chat.system_prompt,
        new_comparison_path(project),
        project.choices.model.trust_remote_code,
    )
    unfinished = unfinished_comparison(project, _head(plan))
    return dataclasses.replace(plan, target=unfinished.path, kept=unfinished.answers) if unfinished else plan


def compare(plan: ComparePlan, *, emit: Emit, stop: StopToken) -> list[Answered]:
    """Ask both models every prompt, the base first; each prompt both have answered is kept at once.

    Raises:
        ModelError: the model or the adapter cannot be loaded, or its template refuses the prompts.
        StorageError: the journal cannot be written.
        Stopped: asked to; the prompts answered so far are kept.
    """
    from tui_tuner.models.loading import load_pair

    loading = Pace(_("Load the models"), None, "", emit)
    base, tuned = load_pair(plan.model, plan.run, trust_remote_code=plan.trust_remote_code)
    loading.finish()
    stop.check()
    answered = list(plan.kept)
    if plan.kept:
        done, total = len(plan.kept), len(plan.prompts)
        emit(Notice(_("Going on with the comparison that broke off: {done} of {total} kept.", done=done, total=total)))
        for event in told_again(plan.kept, total):
            emit(event)
    pace = Pace(_("Compare"), len(plan.prompts), _("prompts"), emit, done=len(answered))
    begun = plan.target.exists()
    with Journal(plan.target) as journal:
        if not begun:
            journal.append(_head(plan))
        try:
            for index in range(len(answered), len(plan.prompts)):
                answered.append(_ask_both(plan, index, base, tuned, emit, stop))
                journal.append(answered_row(answered[-1]))
                pace.advance()
        finally:
            if not answered:  # a comparison of nothing is not one
                plan.target.unlink(missing_ok=True)
    pace.finish()
    return answered


def _ask_both(
    plan: ComparePlan, index: int, base: LoadedModel, tuned: LoadedModel, emit: Emit, stop: StopToken
) -> Answered:
    by_base = _ask(plan, index, "base", base, emit, stop)
    by_tuned = _ask(plan, index, "tuned", tuned, emit, stop)
    return Answered(plan.prompts[index], by_base, by_tuned)


def _ask(plan: ComparePlan, index: int, column: Column, loaded: LoadedModel, emit: Emit, stop: StopToken) -> Answer:
    from tui_tuner.models.generation import Sampling, stream_reply
    from tui_tuner.models.prompts import Message

    stop.check()
    prompt = plan.prompts[index]
    emit(AnswerStarted(index, len(plan.prompts), prompt, column))
    messages = [Message(role="system", content=plan.system_prompt)] if plan.system_prompt else []
    messages.append(Message(role="user", content=prompt))
    sampling = Sampling(plan.choice.max_tokens, plan.choice.temperature, seed=plan.choice.seed)
    began = time.perf_counter()
    reply = stream_reply(loaded, messages, sampling, lambda text: emit(AnswerText(index, column, text)), stop)
    seconds = time.perf_counter() - began
    answer = Answer(reply.text, reply.tokens, reply.tokens_per_second, seconds, reply.finish)
    emit(answer_ended(index, column, answer))
    if answer.finish == "stopped":
        stop.check()
    return answer


def _head(plan: ComparePlan) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "model": str(plan.model),
        "run": plan.run.name,
        "adapter": fingerprint(plan.run / "adapters.safetensors"),
        "system_prompt": plan.system_prompt,
        "max_tokens": plan.choice.max_tokens,
        "temperature": plan.choice.temperature,
        "seed": plan.choice.seed,
        "prompts": list(plan.prompts),
    }
