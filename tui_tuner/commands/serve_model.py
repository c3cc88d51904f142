"""tuner serve-model: mlx-lm's own server on the fused, the tuned or the base model, for other programs to talk with."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys

from tui_tuner.chat.models import OLLAMA, ChatModel
from tui_tuner.commands.options import add_project, chosen_project
from tui_tuner.commands.output import Output
from tui_tuner.errors import UsageError
from tui_tuner.language import _

HOST, PORT = "127.0.0.1", 8080
# Not `-m`: that would let a `random.py` in the person's folder stand in for Python's own.
CHILD = """
import sys
sys.path = [place for place in sys.path if place]
from tui_tuner.models.blas import load_fast_blas
load_fast_blas()
from mlx_lm.server import main
sys.argv[0] = "mlx_lm.server"
main()
"""

EXAMPLES = _("""examples:
  tuner serve-model
  tuner serve-model --model tuned --port 9000
  curl http://127.0.0.1:8080/v1/models""")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_project(parser)
    parser.add_argument("--model", help=_("fused, tuned or base; the best there is if not said"))
    parser.add_argument("--host", default=HOST, help=_("where it listens; the default is for this machine alone"))
    parser.add_argument("--port", type=int, default=PORT, help=_("at which port"))


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    from tui_tuner.commands.chat import chosen_model

    model, output = chosen_model(chosen_project(arguments), arguments.model), Output()
    if model.key == OLLAMA:
        raise UsageError(_("Ollama serves that model already"), advice=_("Name fused, tuned or base."))
    output.say(_("{label} at http://{host}:{port}/v1", label=model.label, host=arguments.host, port=arguments.port))
    output.say(_("Paste that address where an OpenAI-compatible server is asked for. Ctrl-C ends it."))
    if arguments.host not in ("127.0.0.1", "localhost", "::1"):
        output.say(_("! Everybody who can reach this machine can use it: it asks for no key."))
    return _serve([sys.executable, "-c", CHILD, *server_arguments(model, arguments.host, arguments.port)])


def server_arguments(model: ChatModel, host: str, port: int) -> list[str]:
    """What `mlx_lm.server` is told, so that it serves `model`."""
    adapter = ["--adapter-path", str(model.adapter)] if model.adapter else []
    trust = ["--trust-remote-code"] if model.trust_remote_code else []
    return ["--model", str(model.path), *adapter, *trust, "--host", host, "--port", str(port)]


def _serve(command: list[str]) -> int:
    with subprocess.Popen(command) as server:
        # A closed terminal or `kill` ends the server too; Ctrl-C reaches it by itself.
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
        for number in before:
            signal.signal(number, lambda *_details: server.terminate())
        try:
            ended = server.wait()
        except KeyboardInterrupt:
            server.terminate()
            server.wait()
            return 0
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    return 0 if ended in (0, -signal.SIGTERM) else ended
