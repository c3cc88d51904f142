"""What is in a run's `metrics.jsonl`: every kind of line, when it is written, and every key with its unit.

The tests hold this against what the trainer writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tui_tuner.language import _

# Units that several keys have.
STEPS, SECONDS, UNIX, BYTES, NATS, TOKENS = _("steps"), "s", _("unix s"), _("bytes"), _("nats/token"), _("tokens")
ROWS, YES = _("rows"), _("true/false")


@dataclass(frozen=True)
class Key:
    """One key.

    Attributes:
        name: as it is in the file.
        unit: of its value; empty for texts.
        about: what it says.
    """

    name: str
    unit: str
    about: str


@dataclass(frozen=True)
class Kind:
    """One kind of line.

    Attributes:
        name: the value of `event` in it.
        when: when such a line is written.
        keys: its own, besides those that every line has.
    """

    name: str
    when: str
    keys: tuple[Key, ...]


EVERY_LINE = (
    Key("event", "", _("which kind of line it is")),
    Key("time", UNIX, _("when it was written")),
)
_DONE = Key("iteration", STEPS, _("steps done by then"))
_ITERS = Key("iters", STEPS, _("steps in all, as planned"))

KINDS: tuple[Kind, ...] = (
    Kind(
        "training_started",
        _("at the beginning of every session: the first one, and each that resumes"),
        (
            Key("run", "", _("the run's name then")),
            _ITERS,
            Key("start_iteration", STEPS, _("steps done by earlier sessions; 0 at the very beginning")),
            Key("train_examples", ROWS, _("usable rows of train.jsonl")),
            Key("valid_examples", ROWS, _("usable rows of valid.jsonl")),
            Key("trainable_parameters", _("numbers"), _("that are trained: the adapter's, or the layers' own")),
            Key("total_parameters", _("numbers"), _("in the model, adapter included")),
            Key("tokens_per_epoch", TOKENS, _("real tokens of all training rows, padding not counted")),
            Key("supervised_tokens_per_epoch", TOKENS, _("those of them that are learned")),
            Key("versions", "", _("what trained in this session")),
        ),
    ),
    Kind(
        "train_step",
        _("every steps_per_report steps, about the steps since the last such line"),
        (
            _DONE,
            _ITERS,
            Key("loss", NATS, _("mean of these steps' losses: cross-entropy per learned token")),
            Key("learning_rate", "", _("of the last step")),
            Key("gradient_norm", "", _("Euclidean norm of the last step's gradient, before clipping")),
            Key("tokens", TOKENS, _("real tokens of these steps")),
            Key("supervised_tokens", TOKENS, _("those of them that are learned")),
            Key("trained_tokens", TOKENS, _("real tokens since the run's first step")),
            Key("tokens_per_second", "tok/s", _("real tokens per second of training; evaluations are not counted")),
            Key("iterations_per_second", _("steps/s"), _("steps per second of training")),
            Key("peak_memory", BYTES, _("the most MLX held at once in this session")),
            Key("padding", "0-1", _("share of computed positions that were padding")),
            Key("epoch", _("epochs"), _("passes through the training rows so far, with fraction")),
            Key("elapsed_seconds", SECONDS, _("all sessions together, pauses and sleep not counted")),
            Key("eta_seconds", SECONDS, _("time left, evaluations included; null before it is known")),
            Key("eta_error_seconds", SECONDS, _("how far off that may be, nine times of ten; null before it is known")),
            Key("examples", ROWS, _("rows of these steps")),
        ),
    ),
    Kind(
        "validation",
        _("before the first step, every steps_per_eval steps, and at the end"),
        (
            _DONE,
            Key("loss", NATS, _("over all learned tokens of the held-out rows")),
            Key("best", YES, _("whether it is lower than after any step before; the adapter is then kept")),
            Key("seconds", SECONDS, _("how long measuring took")),
        ),
    ),
    Kind(
        "sample_answered",
        _("at every evaluation, once for each of the sample questions"),
        (
            _DONE,
            Key("place", "", _("which question, from 0")),
            Key("prompt", "", _("the question")),
            Key("answer", "", _("what the model says to it, always taking the likeliest token")),
            Key("tokens", TOKENS, _("of the answer")),
            Key("cut", YES, _("whether the answer was longer than it may be")),
        ),
    ),
    Kind(
        "checkpoint_saved",
        _("every save_every steps, at a new best, at a pause, and at the end"),
        (_DONE, Key("path", "", _("the checkpoint's folder when it was saved"))),
    ),
    Kind(
        "step_skipped",
        _("when a loss or gradient was not finite; the weights stay as they were"),
        (
            _DONE,
            Key("reason", "", _("what was not finite")),
            Key("rows", _("lines"), _("which lines of train.jsonl were in the batch, from 1")),
        ),
    ),
    Kind(
        "run_extended",
        _("when a person resumes with other settings or data"),
        (
            _DONE,
            Key("changes", "", _("what is other, each in a few words")),
            Key("other_held_out", YES, _("whether held-out losses cannot be compared with those before")),
        ),
    ),
    Kind(
        "micro_batch_halved",
        _("when memory ran short: batches are computed in smaller parts from here on"),
        (
            _DONE,
            Key("micro_batch", ROWS, _("computed at once from now on")),
            Key("before", ROWS, _("computed at once until now")),
            Key("reason", "", _("what ran short")),
        ),
    ),
    Kind(
        "machine_state",
        _("every half minute, and when heat or power changed"),
        (
            _DONE,
            Key("total_memory", BYTES, _("in the machine")),
            Key("free_memory", BYTES, _("that can be had without swapping")),
            Key("swap_used", BYTES, _("swapped out, of all programs together")),
            Key("heat", "", _("how hot it is, in the system's words; empty where it does not say")),
            Key("slowed", YES, _("whether the system holds it back because of that")),
            Key("on_battery", YES, _("whether it drains its battery; null where the system does not say")),
            Key("battery_percent", "%", _("how full that is; null where there is none")),
        ),
    ),
    Kind("training_paused", _("when the run waits; everything is on the disk"), (_DONE,)),
    Kind("training_continued", _("when it goes on after a pause"), (_DONE,)),
    Kind(
        "final_test",
        _("once, after the last step, where there is a test.jsonl"),
        (
            Key("iteration", STEPS, _("after which step the adapter was kept that is measured")),
            Key("loss", NATS, _("over all learned tokens of these rows")),
            Key("perplexity", "", _("e to the loss: among how many tokens the model hesitates")),
            Key("rows", ROWS, _("how many were measured")),
            Key("tokens", TOKENS, _("learned tokens in them")),
        ),
    ),
    Kind(
        "training_ended",
        _("at the end of every session that was not killed"),
        (
            Key("run", "", _("the run's name then")),
            _DONE,
            _ITERS,
            Key("finished", YES, _("whether the run is done; otherwise it can be resumed")),
            Key("early", YES, _("whether it is done before its last step, for want of a lower held-out loss")),
            Key("best_loss", NATS, _("lowest held-out loss after a step; null without held-out rows")),
            Key("best_iteration", STEPS, _("after which step")),
            Key("elapsed_seconds", SECONDS, _("all sessions together, pauses and sleep not counted")),
        ),
    ),
    Kind(
        "notice",
        _("when there is something a person should read"),
        (Key("text", "", _("it")), Key("level", "", _("info or warning"))),
    ),
)


def as_markdown() -> Iterator[str]:
    """The whole of it as lines of Markdown."""
    yield _("One JSON object a line, in the order in which things happened. Every line has:")
    yield ""
    yield from _table(EVERY_LINE)
    for kind in KINDS:
        yield ""
        yield f"### `{kind.name}`: {kind.when}"
        yield ""
        yield from _table(kind.keys)


def _table(keys: tuple[Key, ...]) -> Iterator[str]:
    yield _("| key | unit | what it says |")
    yield "| --- | --- | --- |"
    for key in keys:
        yield f"| `{key.name}` | {key.unit} | {key.about} |"
