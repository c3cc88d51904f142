"""What a person is told once the examples are divided: what is scarce, left out or cut, and what would help."""

from __future__ import annotations

from tui_tuner.dataset.answers import AnswersOutcome
from tui_tuner.dataset.gathering import Gathered
from tui_tuner.dataset.plan import SET_ASIDE, DatasetPlan
from tui_tuner.dataset.review import identity
from tui_tuner.dataset.sequence_length import LengthCheck
from tui_tuner.dataset.split import Split
from tui_tuner.language import _, ngettext
from tui_tuner.progress import Emit, Notice


def say_what_is_scarce(
    plan: DatasetPlan, split: Split, outcome: AnswersOutcome, gathered: Gathered, emit: Emit
) -> None:
    """Too small parts, what was set aside and why, and questions without an answer, each with what would help."""
    if len(split.train) < plan.batch_size:
        text = ngettext(
            "Only {number} example to train on, fewer than one batch of {size}: ask for more questions.",
            "Only {number} examples to train on, fewer than one batch of {size}: ask for more questions.",
            len(split.train),
            size=plan.batch_size,
        )
        emit(Notice(text, "warning"))
    if plan.choice.test_fraction and not split.test:
        emit(Notice(_("Too few examples to keep some for a last test."), "warning"))
    if gathered.set_aside:
        text = _(
            "Set aside and not learned: {reasons}. See data/{file}, or v in the Dataset step.",
            reasons=", ".join(f"{reason} {count}" for reason, count in gathered.reasons.items()),
            file=SET_ASIDE,
        )
        emit(Notice(text))
    if outcome.refused:
        text = ngettext(
            "{number} question got no usable answer.",
            "{number} questions got no usable answer.",
            outcome.refused,
        )
        emit(Notice(f"{text} {what_would_help(outcome)}", "warning" if outcome.refused > outcome.kept else "info"))


def say_what_is_cut(plan: DatasetPlan, lengths: LengthCheck, gathered: Gathered, unlearned: int, emit: Emit) -> None:
    """Examples whose end is not learned, and those that stay although nothing of them is (`unlearned` of them)."""
    if unlearned:
        text = ngettext(
            "{number:,} example that was written or accepted by hand stays, but training cannot learn from it: "
            "r in the tokens (l) shows it with its reason.",
            "{number:,} examples that were written or accepted by hand stay, but training cannot learn from them: "
            "r in the tokens (l) shows each with its reason.",
            unlearned,
        )
        emit(Notice(text, "warning"))
    cut = sum(identity(example) in lengths.cut for example in gathered.kept) if lengths.cut else 0
    if cut:
        text = ngettext(
            "{number:,} example is longer than {longest:,} tokens: what is beyond is not learned. "
            "See it with l in the Dataset step, or raise max_seq_length.",
            "{number:,} examples are longer than {longest:,} tokens: what is beyond is not learned. "
            "See them with l in the Dataset step, or raise max_seq_length.",
            cut,
            longest=plan.max_seq_length,
        )
        emit(Notice(text))


def what_would_help(outcome: AnswersOutcome) -> str:
    """What to do about the commonest reason of refusal."""
    reason = max(outcome.reasons, key=outcome.reasons.__getitem__, default="")
    known = {
        "cut_off": _("Most were cut off: raise the longest answer (max_tokens)."),
        "not_in_style": _("Most missed the style: ask for less in answer_must_contain, or write more seed examples."),
    }
    general = _("Most were refused for this: {reason}. Try another teacher or temperature.", reason=reason)
    again = _("With a setting changed they are asked again; data/rejects.jsonl has every answer with its reason.")
    return f"{known.get(reason, general)} {again}"
