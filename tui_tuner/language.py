"""Every text a person reads passes through `_`, so that another language is a catalogue and not a rewrite.

Catalogues are gettext's (`locale/<language>/LC_MESSAGES/tuner.mo` beside this file); without one the English text
itself is shown.
"""

from __future__ import annotations

import functools
import gettext
from pathlib import Path

CATALOGUES = Path(__file__).parent / "locale"


@functools.cache
def _catalogue() -> gettext.NullTranslations:
    return gettext.translation("tuner", CATALOGUES, fallback=True)


def _(message: str, /, **values: object) -> str:
    """Translate `message`, then fill its `{names}` with `values`.

    Values are filled in after the look-up, so a catalogue holds one entry per sentence, and a value that itself
    contains braces is never taken for a name.
    """
    translated = _catalogue().gettext(message)
    return translated.format(**values) if values else translated


def ngettext(singular: str, plural: str, number: int, /, **values: object) -> str:
    """As `_`, for a sentence about a number of things: `singular` for one of them, `plural` for any other number.

    A catalogue has as many forms as its language needs. `{number}` is filled in unless `values` bring one of their own.
    """
    translated = _catalogue().ngettext(singular, plural, number)
    return translated.format(**{"number": number, **values})
