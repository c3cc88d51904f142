"""A `Modelfile`: what Ollama is told of the model by those who bring it there by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

MODELFILE = "Modelfile"


def modelfile(template: str, stops: Sequence[str], parameters: Mapping[str, Any], source: str = ".") -> str:
    """Its text.

    Args:
        template: in Ollama's language; empty has Ollama look for one it knows.
        stops: the texts that end an answer.
        parameters: what Ollama is to use unless told otherwise.
        source: the model, as seen from where the file lies.
    """
    lines = [f"FROM {source}"]
    if template:
        lines.append(f'TEMPLATE """{template}"""')
    lines += [f"PARAMETER stop {json.dumps(text, ensure_ascii=False)}" for text in stops]
    lines += [f"PARAMETER {name} {value}" for name, value in parameters.items()]
    return "\n".join(lines) + "\n"
