"""What a teacher is told when it is asked for questions: the guide's words, or a person's own.

A prompt has placeholders such as `{topic}`. A paragraph whose placeholders all have nothing to say is left out. What is
said to a teacher is not translated: these are the words that were tried.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tui_tuner.choices import DatasetChoice

EVERYBODY = "people of all levels"
LIST = """\
Please list in JSON format {number} frequently asked questions about {topic} from {audience}.

The questions should start with any of the following: {phrases}.

They should be in the style of these:
{examples}

Do not repeat these:
{known}

You do not need to provide an answer or category to each question. \
The list should be a single dimension array of only questions."""
ONE = "Write one question about {topic}."
ONE_FROM = "Write one question about {topic} that could come from {audience}."
ONE_FREELY = "Write one question."
WITHOUT_TOPIC, WITHOUT_TOPIC_ALONE = "the same subject as the ones below", "the same subject"
_BETWEEN = re.compile(r"\n[ \t]*\n")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def built_in(choice: DatasetChoice, *, continues: bool) -> str:
    """The prompt of a teacher that continues a beginning, or of one that writes lists, where a person gave no own."""
    if not continues:
        return LIST
    if not choice.topic.strip():
        return ONE_FREELY
    return ONE_FROM if choice.audience.strip() else ONE


def prompt_of(choice: DatasetChoice, *, continues: bool) -> str:
    """The prompt as it is chosen, with its placeholders."""
    own = choice.one_question_prompt if continues else choice.question_prompt
    return own.strip() or built_in(choice, continues=continues)


def filled(prompt: str, values: Mapping[str, str]) -> str:
    """`prompt` as it is sent: with `values` in their places, without paragraphs that have none but empty ones."""

    def says_something(paragraph: str) -> bool:
        names = _PLACEHOLDER.findall(paragraph)
        return not names or any(values.get(name, name) for name in names)

    paragraphs = [paragraph for paragraph in _BETWEEN.split(prompt.strip()) if says_something(paragraph)]
    text = "\n\n".join(paragraphs) or prompt.strip()
    return _PLACEHOLDER.sub(lambda place: values.get(place.group(1), place.group(0)), text)
