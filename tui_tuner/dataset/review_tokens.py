"""The base model's tokens of the conversations in a review: as many as training would read of each, however long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tui_tuner.dataset.examples import Example as Conversation
from tui_tuner.dataset.learning import row_writer
from tui_tuner.models.loading import load_tokenizer
from tui_tuner.progress import StopToken, ignore_event
from tui_tuner.project import Project
from tui_tuner.training.examples import Encoder, Example, prepared_rows

SLICE = 250  # conversations between two calls


def count_tokens(
    project: Project,
    model: Path,
    conversations: Sequence[tuple[str, Conversation]],
    *,
    take: Callable[[dict[str, int]], None],
    stop: StopToken,
) -> None:
    """Count the tokens of `conversations`, each with the name it is known by.

    Args:
        project: the form of its training files.
        model: the base model's folder.
        conversations: what is counted, in this order.
        take: is called with the tokens of the next ones, by name; 0 for what the model's template refuses.
        stop: looked at before each one.

    Raises:
        ModelError: the tokenizer cannot be read.
        DatasetError: it has no chat template, or the form of the training files needs one that is not here.
        Stopped: asked to.
    """
    tokenizer = load_tokenizer(model, trust_remote_code=project.choices.model.trust_remote_code)
    # Where nothing is masked a conversation is rendered once only, and has the same tokens.
    encoder = Encoder(tokenizer, max_seq_length=project.choices.training.max_seq_length, mask_prompt=False)
    as_row = row_writer(project)
    for start in range(0, len(conversations), SLICE):
        some = conversations[start : start + SLICE]
        rows = [(place, as_row(conversation)) for place, (_name, conversation) in enumerate(some)]
        counted = prepared_rows("", rows, encoder.whole, emit=ignore_event, stop=stop)
        take(
            {
                name: row.length if isinstance(row, Example) else 0
                for (name, _conversation), row in zip(some, counted, strict=True)
            }
        )
