"""Every event as a sentence for someone who reads the terminal."""

from __future__ import annotations

import functools

from tui_tuner import figures
from tui_tuner.chat.context import TurnsLeftOut
from tui_tuner.dataset.events import DatasetReady, ExampleRefused, FollowUpRefused
from tui_tuner.dataset.trying import PromptSent, PromptTried
from tui_tuner.documents.adding import DocumentsAdded
from tui_tuner.documents.telling import documents_told
from tui_tuner.environment.model_offers import ModelOffer, offer_in_words
from tui_tuner.export.proof_rows import MARKS, Proof
from tui_tuner.importing.events import FileImported, ImportEnded, RowRefused
from tui_tuner.language import _, ngettext
from tui_tuner.plain_text import one_line
from tui_tuner.progress import Event, Notice
from tui_tuner.project import ProjectMade
from tui_tuner.training.events import (
    CheckpointSaved,
    FinalTest,
    MicroBatchHalved,
    RunExtended,
    SampleAnswered,
    StepSkipped,
    TrainingEnded,
    TrainingStarted,
    TrainStep,
    Validation,
)
from tui_tuner.training.forecast import Forecast
from tui_tuner.training.memory_check import memory_in_words
from tui_tuner.training.runs import RunSummary
from tui_tuner.training.suggestions import Suggestion, suggestion_in_words


@functools.singledispatch
def sentence(event: Event) -> str:
    """The event in words; empty for one that a progress line already tells."""
    return ""


@sentence.register
def _notice(event: Notice) -> str:
    return f"! {event.text}" if event.level == "warning" else event.text


@sentence.register
def _project_made(event: ProjectMade) -> str:
    return _("Made {folder}.", folder=event.folder)


@sentence.register
def _run(event: RunSummary) -> str:
    best = f"{event.best_loss:.3f}" if event.best_loss is not None else "–"
    test = f"   test {event.test_loss:.3f}" if event.test_loss is not None else ""
    progress = f"{event.iteration:,}/{event.iters:,}"
    note = f"   {one_line(event.note, 80)}" if event.note else ""
    return f"{event.name:<12} {event.state:<24} {progress:>13}   best {best:>7}{test}   {event.model}{note}"


@sentence.register
def _offer(event: ModelOffer) -> str:
    size = figures.size(event.weights) if event.weights else figures.UNKNOWN
    about = size if event.here or not event.weights else f"~{size}"
    mark = "✓" if event.here else "*" if event.suggested else " "
    needed = figures.memory(event.needed) if event.needed else figures.UNKNOWN
    return f" {mark} {one_line(event.name, 60):<50} {about:>9}  {needed:>8}  {offer_in_words(event)}"


@sentence.register
def _refused(event: ExampleRefused) -> str:
    return _("  refused: {question} ({reason})", question=one_line(event.question, 60), reason=event.reason)


@sentence.register
def _documents_added(event: DocumentsAdded) -> str:
    return "\n".join(documents_told(event))


@sentence.register
def _follow_up_refused(event: FollowUpRefused) -> str:
    words = {"question": one_line(event.question, 60), "reason": event.reason}
    return _("  follow-up refused: {question} ({reason})", **words)


@sentence.register
def _prompt_sent(event: PromptSent) -> str:
    return event.prompt


@sentence.register
def _prompt_tried(event: PromptTried) -> str:
    told = _("{teacher} was told:", teacher=event.teacher)
    kept = [f"✓ {one_line(question)}" for question in event.questions]
    dropped = [f"✗ {one_line(text, 200)} ({one_line(why, 200)})" for text, why in event.dropped]
    counts = _("{kept} would be kept, {dropped} dropped", kept=len(kept), dropped=len(dropped))
    return "\n".join([told, "", event.prompt, "", *kept, *dropped, "", counts])


@sentence.register
def _ready(event: DatasetReady) -> str:
    total = max(event.train + event.valid + event.test, 1)
    parts = [
        ngettext(
            "{number:,} example to learn from ({share:.0%}, train.jsonl)",
            "{number:,} examples to learn from ({share:.0%}, train.jsonl)",
            event.train,
            share=event.train / total,
        ),
        _(
            "{number:,} held out to measure progress ({share:.0%}, valid.jsonl)",
            number=event.valid,
            share=event.valid / total,
        ),
    ]
    if event.test:
        parts.append(
            _("{number:,} for a last test ({share:.0%}, test.jsonl)", number=event.test, share=event.test / total)
        )
    if event.refused:
        parts.append(
            ngettext(
                "{number:,} question without an answer",
                "{number:,} questions without an answer",
                event.refused,
            )
        )
    return _("Dataset: {parts}, in {path}", parts=", ".join(parts), path=event.path)


@sentence.register
def _row_refused(event: RowRefused) -> str:
    detail = f" ({one_line(event.detail, 80)})" if event.detail else ""
    return f"  {event.file}:{event.row}  {event.reason}{detail}"


@sentence.register
def _file_imported(event: FileImported) -> str:
    parts = [
        ngettext(
            "{kept:,} of {number:,} row is new", "{kept:,} of {number:,} rows are new", event.rows, kept=event.kept
        )
    ]
    if event.repeated:
        parts.append(_("{number} were there already", number=f"{event.repeated:,}"))
    if event.cut:
        parts.append(_("the last question of {number} had no answer and was left out", number=f"{event.cut:,}"))
    if event.bad:
        why = ", ".join(f"{reason} {number:,}" for reason, number in event.reasons.items())
        parts.append(_("{number} cannot be used: {why}", number=f"{event.bad:,}", why=why))
    return f"{event.file}: {'; '.join(parts)}"


@sentence.register
def _import_ended(event: ImportEnded) -> str:
    text = ngettext("{number:,} example in {path}", "{number:,} examples in {path}", event.there, path=event.path)
    return text if event.problems is None else text + _("; bad rows are listed in {path}", path=event.problems)


@sentence.register
def _training_started(event: TrainingStarted) -> str:
    return ngettext(
        "Training {run}: {train} example, {valid} held out · {trainable} of {total} parameters · "
        "{supervised} of {tokens} tokens are learned per epoch",
        "Training {run}: {train} examples, {valid} held out · {trainable} of {total} parameters · "
        "{supervised} of {tokens} tokens are learned per epoch",
        event.train_examples,
        run=event.run,
        train=event.train_examples,
        valid=event.valid_examples,
        trainable=figures.count(event.trainable_parameters),
        total=figures.count(event.total_parameters),
        supervised=figures.count(event.supervised_tokens_per_epoch),
        tokens=figures.count(event.tokens_per_epoch),
    )


@sentence.register
def _suggestion(event: Suggestion) -> str:
    return f"  {suggestion_in_words(event)}"


@sentence.register
def _forecast(event: Forecast) -> str:
    parts = event.memory
    words = _(
        "memory {memory}: weights {weights}, adapter and optimizer {adapter}, layers {layers}, logits {logits}",
        memory=memory_in_words(event),
        weights=figures.size(parts.weights),
        adapter=figures.size(parts.adapter + parts.optimizer),
        layers=figures.size(parts.activations + parts.states),
        logits=figures.size(parts.logits),
    )
    if event.seconds is None:
        return words
    return _("{words} · about {time}", words=words, time=figures.time_left(event.seconds, event.error))


@sentence.register
def _step(event: TrainStep) -> str:
    # Ten lines in all are enough to follow; a program reads every step from --json or metrics.jsonl.
    if event.iteration % max(event.iters // 10, 1):
        return ""
    return _(
        "  step {step:>5}/{iters} · loss {loss} · {speed} tok/s · {memory} · {left} left",
        step=event.iteration,
        iters=event.iters,
        loss=f"{event.loss:.3f}",
        speed=figures.count(round(event.tokens_per_second)),
        memory=figures.size(event.peak_memory),
        left=figures.time_left(event.eta_seconds, event.eta_error_seconds),
    )


@sentence.register
def _validation(event: Validation) -> str:
    best = _(" (best so far)") if event.best else ""
    return _("  step {step:>5} · held-out loss {loss}", step=event.iteration, loss=f"{event.loss:.3f}") + best


@sentence.register
def _sample(event: SampleAnswered) -> str:
    if event.place:  # the app and metrics.jsonl have all of them
        return ""
    words = {"step": event.iteration, "prompt": one_line(event.prompt, 60), "answer": one_line(event.answer, 120)}
    return _("  step {step:>5} · {prompt} → {answer}", **words)


@sentence.register
def _checkpoint(event: CheckpointSaved) -> str:
    return ""


@sentence.register
def _skipped(event: StepSkipped) -> str:
    rows = ", ".join(map(str, event.rows))
    return _("! step {step} left out: {reason} (lines {rows})", step=event.iteration, reason=event.reason, rows=rows)


@sentence.register
def _extended(event: RunExtended) -> str:
    return f"! {event}"


@sentence.register
def _halved(event: MicroBatchHalved) -> str:
    return f"! {event}"


@sentence.register
def _final_test(event: FinalTest) -> str:
    return ngettext(
        "test loss {loss} (perplexity {perplexity}) on {rows} row, with the adapter of step {step}",
        "test loss {loss} (perplexity {perplexity}) on {rows} rows, with the adapter of step {step}",
        event.rows,
        loss=f"{event.loss:.3f}",
        perplexity=f"{event.perplexity:,.4g}",
        rows=event.rows,
        step=event.iteration,
    )


@sentence.register
def _training_ended(event: TrainingEnded) -> str:
    words = {"run": event.run, "step": event.iteration, "iters": event.iters}
    if not event.finished:
        return _("{run} stopped at step {step} of {iters}; go on with: tuner train --resume", **words)
    time = figures.duration(event.elapsed_seconds)
    if event.best_loss is None:
        return _("{run} finished in {time}", run=event.run, time=time)
    return _(
        "{run} finished in {time}, best held-out loss {loss}", run=event.run, time=time, loss=f"{event.best_loss:.3f}"
    )


@sentence.register
def _left_out(event: TurnsLeftOut) -> str:
    return _("! the context is full: the model no longer sees the first {number} turns", number=event.number)


@sentence.register
def _proof(event: Proof) -> str:
    lines = [_("Proof of {what}:", what=one_line(event.what, 80))]
    for row in event.rows:
        lines.append(f"  {MARKS[row.verdict]} {one_line(row.name, 24):<16} {one_line(row.finding, 300)}")
        lines += [f"    {one_line(row.meaning, 300)}"] if row.meaning else []
    return "\n".join(lines)
