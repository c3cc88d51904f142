"""Several models answer the same prompts, with the same template, seed and sampling. Runs on the engine's thread.

Base and tuned model share one set of weights in memory; the base is never touched by the adapter
(`models.loading.load_pair`). All others are loaded one after the other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tui_tuner.errors import DatasetError
from tui_tuner.evaluation.answering import Answerer, Asking, groups, opened, require_servers
from tui_tuner.evaluation.columns import Column, find_columns
from tui_tuner.evaluation.comparisons import (
    FORMAT,
    Answer,
    Comparison,
    answer_ended,
    answer_row,
    loss_row,
    new_comparison_path,
    told_again,
)
from tui_tuner.evaluation.events import AnswerStarted, AnswerText
from tui_tuner.evaluation.kept_comparisons import comparison_to_go_on_with, judge_row
from tui_tuner.evaluation.losses import LossPlan
from tui_tuner.evaluation.prompts import prompts_of
from tui_tuner.evaluation.summary import summed
from tui_tuner.file_versions import fingerprint
from tui_tuner.files import write_json_lines
from tui_tuner.journal import Journal
from tui_tuner.language import _, ngettext
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Emit, Notice, Pace, StopToken
from tui_tuner.project import Project

FEW = 8  # prompts that are watched word by word; more are answered together, which takes less time in all


@dataclass(frozen=True)
class ComparePlan:
    """Everything a comparison depends on.

    Attributes:
        columns: who answers.
        asking: how.
        kept: what is asked, the journal the answers go to, and what it holds already of a comparison that broke off.
        loss: what the losses are measured on; None measures none.
        judge: who judges, by its setting; empty for nobody.
    """

    columns: tuple[Column, ...]
    asking: Asking
    kept: Comparison
    loss: LossPlan | None = None
    judge: str = ""

    @property
    def target(self) -> Path:
        """The journal the answers go to."""
        return self.kept.path


def plan_comparison(project: Project, model: Path) -> ComparePlan:
    """Plan to ask the project's prompts of its chosen columns; `model` is the base model's folder.

    The newest comparison is gone on with if it was made with the same weights, prompts and settings, and broke off or
    is now to be judged by somebody else: then nobody has to answer again.

    Raises:
        UsageError: fewer than two columns, or one that nobody knows.
        ProjectError: nothing has been trained yet, or on another base model.
        ModelError: the fused model is to answer, and there is none.
        DatasetError: no prompts were chosen, and there are no held-out examples to take some from.
        StorageError: a file of prompts cannot be read.
    """
    from tui_tuner.chat.models import ollama_url

    columns = find_columns(project, model, project.choices.compare.columns, ollama_url(project))
    asking = Asking(project.choices.compare, project.choices.chat.system_prompt)
    prompts = prompts_of(project)
    loss = _loss_plan(project)
    measured = [column.name for column in columns if loss and column.path]
    made = {
        "format": FORMAT,
        "model": str(model),
        "columns": {column.name: column.made_of() for column in columns},
        "system_prompt": asking.system_prompt,
        "max_tokens": asking.choice.max_tokens,
        "temperature": asking.choice.temperature,
        "seed": asking.choice.seed,
        "thinking": asking.choice.thinking,
        "losses": measured,
        "judge": project.choices.compare.judge.strip(),
        "loss_on": fingerprint(loss.path) if loss else "",
        "prompts": [dataclasses.asdict(prompt) for prompt in prompts],
    }
    labels = {column.name: column.label for column in columns}
    kept = comparison_to_go_on_with(project, made) or Comparison(new_comparison_path(project), made, labels, prompts)
    return ComparePlan(columns, asking, kept, loss, str(made["judge"]))


def _loss_plan(project: Project) -> LossPlan | None:
    """The losses are measured on the test's rows, or else on those that chose the adapter."""
    files = [project.data / name for name in ("test.jsonl", "valid.jsonl")]
    path = next((path for path in files if path.is_file() and path.stat().st_size), None)
    if path is None or not project.choices.compare.losses:
        return None
    training = project.choices.training
    return LossPlan(path, training.max_seq_length, training.mask_prompt)


def compare(plan: ComparePlan, *, emit: Emit, stop: StopToken) -> Comparison:
    """Ask every column every prompt; each answer is kept at once.

    Raises:
        DatasetError: a question and its answer do not fit into a model's context.
        ModelError: a model or an adapter cannot be loaded, or its template refuses the prompts.
        TeacherError: Ollama does not answer, or has no such model.
        StorageError: the journal cannot be written.
        Stopped: asked to; the answers so far are kept.
    """
    kept = plan.kept
    done, total = len(kept.answers), len(kept.prompts) * len(plan.columns)
    for event in told_again(kept):
        emit(event)
    if done:
        emit(Notice(_("Going on with the last comparison: {done} of {total} answers kept.", done=done, total=total)))
    if kept.damaged:
        text = ngettext(
            "{number} line of it is damaged: what it held is asked again.",
            "{number} lines of it are damaged: what they held is asked again.",
            kept.damaged,
            number=kept.damaged,
        )
        emit(Notice(text, "warning"))
    waiting = [group for group in groups(plan.columns) if _left(kept, group) or _unmeasured(kept, group)]
    require_servers(waiting)
    pace = Pace(_("Compare"), total, _("answers"), emit, done=done)
    if not plan.target.exists():
        write_json_lines(plan.target, [kept.made])  # whole or not at all: half of it would be no comparison
    with Journal(plan.target) as journal:
        if plan.judge not in ("", kept.made.get("judge")):
            journal.append(judge_row(plan.judge))
            kept.made["judge"] = plan.judge
            kept.judgements.clear()
        try:
            for group in waiting:
                stop.check()
                loading = Pace(_("Load the models"), None, "", emit)
                with opened(group) as answerers:
                    loading.finish(", ".join(column.label for column in group))
                    _Round(plan, group, answerers, journal, pace, emit, stop).ask()
        finally:
            if not kept.answers:  # a comparison of nothing is not one
                plan.target.unlink(missing_ok=True)
    pace.finish()
    emit(summed(kept))
    return kept


def _left(kept: Comparison, group: Sequence[Column]) -> list[int]:
    """The places of the prompts that somebody of the group has not answered."""
    places = range(len(kept.prompts))
    return [place for place in places if any((place, column.name) not in kept.answers for column in group)]


def _unmeasured(kept: Comparison, group: Sequence[Column]) -> list[Column]:
    wanted = kept.made.get("losses", ())
    return [column for column in group if column.name in wanted and column.name not in kept.losses]


@dataclass
class _Round:
    """The questions to those who are in memory together."""

    plan: ComparePlan
    group: Sequence[Column]
    answerers: Sequence[Answerer]
    journal: Journal
    pace: Pace
    emit: Emit
    stop: StopToken

    def ask(self) -> None:
        """Few prompts are asked one after the other, each of all; many of one column together."""
        kept = self.plan.kept
        for column, answerer in zip(self.group, self.answerers, strict=True):
            self._require_room(column, answerer)
        if len(kept.prompts) > FEW:
            for column, answerer in zip(self.group, self.answerers, strict=True):
                self._ask_together(column, answerer, _left(kept, [column]))
        for index in _left(kept, self.group):
            for column, answerer in zip(self.group, self.answerers, strict=True):
                if (index, column.name) not in kept.answers:
                    self._ask(index, column, answerer)
        for column, answerer in zip(self.group, self.answerers, strict=True):
            if self.plan.loss is not None and column in _unmeasured(kept, [column]):
                self._measure(self.plan.loss, column, answerer)

    def _require_room(self, column: Column, answerer: Answerer) -> None:
        """A question that is too long is said before anybody answers."""
        from tui_tuner.chat.context import ContextFull
        from tui_tuner.teachers.server_errors import TooLong

        for place in _left(self.plan.kept, [column]):
            prompt = self.plan.kept.prompts[place].text
            try:
                answerer.require_room(prompt, self.plan.asking)
            except (ContextFull, TooLong) as error:
                words = {"number": place + 1, "column": column.label, "what": error.what}
                raise DatasetError(
                    _("question {number} is too long for {column}: {what}", **words),
                    where=one_line(prompt, 60),
                    advice=_("Shorten it, leave it out, allow shorter answers, or take a model that holds more."),
                ) from error

    def _measure(self, plan: LossPlan, column: Column, answerer: Answerer) -> None:
        loss = answerer.loss(plan, self.emit, self.stop)
        if loss is not None:
            self.journal.append(loss_row(column.name, loss))
            self.plan.kept.losses[column.name] = loss

    def _ask_together(self, column: Column, answerer: Answerer, places: Sequence[int]) -> None:
        prompts = [self.plan.kept.prompts[place].text for place in places]
        if not prompts:
            return

        def hear(number: int, answer: Answer) -> None:
            index = places[number]
            self.emit(AnswerStarted(index, len(self.plan.kept.prompts), prompts[number], column.name))
            self._keep(index, column, answer)

        answerer.answer_together(prompts, self.plan.asking, hear, self.stop)

    def _ask(self, index: int, column: Column, answerer: Answerer) -> None:
        self.stop.check()
        prompts = self.plan.kept.prompts
        self.emit(AnswerStarted(index, len(prompts), prompts[index].text, column.name))

        def hear(text: str) -> None:
            self.emit(AnswerText(index, column.name, text))

        answer = answerer.answer(prompts[index].text, self.plan.asking, hear, self.stop)
        if answer.finish == "stopped":
            self.emit(answer_ended(index, column.name, answer))
            self.stop.check()
        self._keep(index, column, answer)

    def _keep(self, index: int, column: Column, answer: Answer) -> None:
        self.journal.append(answer_row(index, column.name, answer))
        self.plan.kept.answers[index, column.name] = answer
        self.emit(answer_ended(index, column.name, answer))
        self.pace.advance()
