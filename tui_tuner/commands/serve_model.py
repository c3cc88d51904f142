"""tuner serve-model: mlx-lm's own server on the fused, the tuned or the base model, for other programs to talk with."""

from __future__ import annotations

import argparse
import signal
import socket
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
from tui_tuner.models.serving import serve
serve(sys.argv[1:])
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
    require_free_port(arguments.host, arguments.port)
    output.say(_("{label} at {address}", label=model.label, address=address(arguments.host, arguments.port)))
    output.say(_("Paste that address where an OpenAI-compatible server is asked for. Ctrl-C ends it."))
    output.say(_("Any model name will do there."))
    if arguments.host not in ("127.0.0.1", "localhost", "::1"):
        output.say(_("! Everybody who can reach this machine can use it: it asks for no key."))
    return _serve([sys.executable, "-c", CHILD, *server_arguments(model, arguments.host, arguments.port)])


def address(host: str, port: int) -> str:
    """What other programs are told."""
    if host in ("", "0.0.0.0", "::"):  # every network this machine is in: it has a name there
        host = socket.gethostname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/v1"


def require_free_port(host: str, port: int) -> None:
    """Check that a server can listen there, before a model is loaded for it.

    Raises:
        UsageError: another program does, or this machine has no such address or port.
    """
    if not 0 < port < 65536:
        raise UsageError(_("there is no port {port}", port=port), advice=_("Ports go from 1 to 65535."))
    try:
        family, kind, _protocol, _name, place = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as here:
            here.setsockopt(
                socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
            )  # as the server: what has just ended is no hindrance
            here.bind(place)
    except OSError as error:
        raise UsageError(
            _("nothing can be served at port {port} of {host}: {error}", port=port, host=host, error=error.strerror),
            advice=_("Another program may have it: choose another port with --port."),
        ) from error


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
