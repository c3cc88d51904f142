"""What llama.cpp makes of a GGUF file. Run as a process of its own: where it dislikes a file it may end the process.

    python -m tui_tuner.export.gguf.llama_answers questions.json answers.npz

It leaves with code 3 where llama-cpp-python is not to be had.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

NOT_HERE = 3
FLOAT32 = 0  # ggml's number of the type, for what is kept of earlier tokens


def answer(questions: dict[str, Any], answers: Path) -> None:
    """Load the file and write what it says.

    Args:
        questions: `file`; `sequences` of token ids, whose logits are wanted; `texts` and `conversations`, each a list
            of strings to be made into tokens, the latter as a whole prompt, with what llama.cpp puts before it.
        answers: where the arrays go: `logits_0`, ... of shape (length, vocabulary), and `facts`, JSON in bytes.
    """
    import llama_cpp
    import numpy

    longest = max(map(len, questions["sequences"]))
    llama = llama_cpp.Llama(
        questions["file"],
        n_ctx=max(64, longest),
        n_batch=max(64, longest),
        logits_all=True,
        n_gpu_layers=0,
        type_k=FLOAT32,
        type_v=FLOAT32,
        yarn_attn_factor=-1.0,  # what the file says; the binding's own default overrules it
    )
    arrays: dict[str, Any] = {}
    for number, sequence in enumerate(questions["sequences"]):
        llama.reset()
        llama.eval(sequence)
        arrays[f"logits_{number}"] = numpy.array(llama.scores[: len(sequence)], numpy.float32)
    vocabulary = llama_cpp.llama_model_get_vocab(llama.model)
    facts = {
        "texts": [llama.tokenize(text.encode(), add_bos=False, special=True) for text in questions["texts"]],
        "conversations": [llama.tokenize(text.encode(), special=True) for text in questions["conversations"]],
        "ends": [number for number in range(llama.n_vocab()) if llama_cpp.llama_vocab_is_eog(vocabulary, number)],
        "template": llama.metadata.get("tokenizer.chat_template", ""),
        "version": llama_cpp.__version__,
    }
    arrays["facts"] = numpy.frombuffer(json.dumps(facts).encode(), numpy.uint8)
    numpy.savez(answers, **arrays)


def main() -> int:
    """Answer the questions of the command line."""
    try:
        import llama_cpp
    except (ImportError, OSError, RuntimeError) as error:  # a library of its own that is missing is one of the latter
        sys.stderr.write(f"{error}\n")
        return NOT_HERE
    del llama_cpp
    answer(json.loads(Path(sys.argv[1]).read_bytes()), Path(sys.argv[2]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
