"""llama.cpp behind the four calls of its own server that the proof makes: /health, /props, /tokenize, /completion.

Run in its place: `python small_llama_server.py --model FILE --port N ...`. The variable SMALL_LLAMA_SERVER has it do
wrong: `deaf` never listens, `torn` answers with half of its JSON, `lower` reads small letters, `fatal` ends at the
first question; anything else is said and ends it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--model")
    parser.add_argument("--port", type=int)
    arguments, _others = parser.parse_known_args()
    wrong = os.environ.get("SMALL_LLAMA_SERVER", "")
    if wrong == "deaf":
        time.sleep(600)
    if wrong not in ("", "torn", "lower", "fatal"):
        sys.exit(wrong)
    import llama_cpp

    llama = llama_cpp.Llama(arguments.model, n_ctx=512, n_gpu_layers=0, type_k=0, type_v=0, verbose=False)
    vocabulary = llama_cpp.llama_model_get_vocab(llama.model)

    def tokenize(body):
        text = body["content"].lower() if wrong == "lower" else body["content"]
        return {"tokens": llama.tokenize(text.encode(), add_bos=body["add_special"], special=body["parse_special"])}

    def complete(body):
        if wrong == "fatal":
            os.write(2, b"GGML_ASSERT(n > 0) failed\n")
            os._exit(6)
        tokens = list(itertools.islice(llama.generate(body["prompt"], temp=0), body["n_predict"]))
        ended = [place for place, token in enumerate(tokens) if llama_cpp.llama_vocab_is_eog(vocabulary, token)]
        return {"tokens": tokens[: ended[0]] if ended else tokens, "stop_type": "eos" if ended else "limit"}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            told = {"chat_template": llama.metadata.get("tokenizer.chat_template", "")}
            self.answer(told if self.path == "/props" else {"status": "ok"})

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.answer(complete(body) if self.path == "/completion" else tokenize(body))

        def answer(self, value):
            content = json.dumps(value).encode()
            content = content[: len(content) // 2] if wrong == "torn" and self.path != "/health" else content
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_details):
            pass

    HTTPServer(("127.0.0.1", arguments.port), Handler).serve_forever()


if __name__ == "__main__":
    main()
