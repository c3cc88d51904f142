"""What `data/report.json` says beyond the counts: where the examples came from, what was asked, how long they are."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from tui_tuner.dataset.examples import SEED, Example
from tui_tuner.dataset.plan import DatasetPlan
from tui_tuner.dataset.prompts_used import prompts_used
from tui_tuner.dataset.review import identity
from tui_tuner.dataset.sequence_length import InTokens, LengthCheck
from tui_tuner.dataset.split import Split

HELD_OUT_QUESTIONS = 20  # named, so that they can be asked again whatever format the files have
_PLACE = re.compile(r"(:\d+)+$")  # where in its file an example was


def facts(plan: DatasetPlan, split: Split, imported: Iterable[Example], lengths: LengthCheck) -> dict[str, Any]:
    """The facts as plain JSON.

    Args:
        plan: what the dataset was made from.
        split: the examples that were kept.
        imported: the examples that were brought along.
        lengths: knows which of them are cut.
    """
    kept = (*split.train, *split.valid, *split.test)
    sources, teachers = _origins(kept, {example.source for example in imported})
    return {
        "sources": sources,
        "teachers": teachers,
        "from_documents": dict(Counter(one.passage.file for one in kept if one.passage).most_common()),
        "held_out_questions": [example.question for example in split.valid[:HELD_OUT_QUESTIONS]],
        "prompts": prompts_used(plan.data),
        "batch_size": plan.batch_size,
        "base_model": plan.base_model.name if plan.base_model else "",
        "sequence_length": plan.max_seq_length,
        "cut": sum(identity(example) in lengths.cut for example in kept) if lengths.cut else 0,
        "tokens": _tokens(plan, split, lengths),
    }


def _origins(kept: Iterable[Example], brought: Collection[str]) -> tuple[dict[str, int], dict[str, int]]:
    """How many examples each file gave, seed examples among them, and how many each teacher wrote."""
    sources: Counter[str] = Counter()
    teachers: Counter[str] = Counter()
    for source, number in Counter(example.source for example in kept).items():
        if source == SEED:
            sources[SEED] += number
        elif source in brought:
            sources[_PLACE.sub("", source)] += number
        else:
            teachers[source] += number
    return dict(sources.most_common()), dict(teachers.most_common())


def _tokens(plan: DatasetPlan, split: Split, lengths: LengthCheck) -> dict[str, int] | None:
    """The examples to learn from in tokens; None where nobody could count."""
    if not isinstance(lengths, InTokens):
        return None
    return dataclasses.asdict(lengths.figures(split.train, plan.choice.seed))
