"""Where Ollama listens, read from `OLLAMA_HOST` by Ollama's own rules.

The rules are those of `Host()` in Ollama's `envconfig/config.go`, and of `net.SplitHostPort` under it: whoever has set
the variable for the server finds that this program reads it alike.
"""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass

VARIABLE = "OLLAMA_HOST"
DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 11434
PORTS_OF_SCHEMES = {"http": 80, "https": 443}
CLOUD = "ollama.com"
# Names no public server can have: RFC 6762, RFC 8375, ICANN's reservation of 2024, and what routers use.
HOME_DOMAINS = (".local", ".home.arpa", ".internal", ".lan", ".localhost")


@dataclass(frozen=True)
class Address:
    """A server's address, one that a client can connect to.

    Attributes:
        scheme: "http" or "https" (another one is kept, and refused when it is used).
        host: a name, an IPv4 address, or an IPv6 address without brackets; never empty.
        port: 0 to 65535.
        path: what comes before `/api` behind a proxy: empty, or "/ollama".
    """

    scheme: str = "http"
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    path: str = ""

    @property
    def url(self) -> str:
        """The address as a URL, without a slash at its end."""
        return f"{self.scheme}://{self._bracketed}:{self.port}{self.path}"

    @property
    def loopback(self) -> bool:
        """Whether it is this machine."""
        ip = _ip(self.host)
        return ip.is_loopback if ip is not None else self.host == "localhost"

    @property
    def nearby(self) -> bool:
        """Whether it is this machine or one of the same network, as far as its name or number says."""
        ip = _ip(self.host)
        if ip is not None:
            return ip.is_private or ip.is_loopback or ip.is_link_local
        name = self.host.rstrip(".").lower()
        return "." not in name or name.endswith(HOME_DOMAINS)

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host

    def __str__(self) -> str:
        host = "localhost" if self.host == DEFAULT_HOST else self._bracketed
        return f"{host}:{self.port}{self.path}"


def default_address() -> Address:
    """The address in the environment's `OLLAMA_HOST`, or Ollama's default."""
    return parse_host(os.environ.get(VARIABLE, ""))


def address_for(url: str) -> Address:
    """The address a project names, read like `OLLAMA_HOST`; where it names none, `default_address`."""
    return parse_host(url) if url.strip() else default_address()


def parse_host(text: str, port: int = DEFAULT_PORT) -> Address:
    """Read `text` as Ollama reads `OLLAMA_HOST`. Never fails: what Ollama would replace by a default is replaced here.

    An empty host and the addresses that mean "all of this machine" to a server become loopback, since a client cannot
    connect to them. `port` is the one of an address that names neither port nor scheme.
    """
    text = text.strip().strip("\"'").strip()
    if text == CLOUD:
        return Address("https", CLOUD, PORTS_OF_SCHEMES["https"])
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "http", text
    # A scheme alone means that scheme's own port; only without one it is the server's own.
    fallback = PORTS_OF_SCHEMES.get(scheme, port) if separator else port
    authority, _slash, path = rest.partition("/")
    host, number = _split(authority, fallback)
    path = path.rstrip("/")
    return Address(scheme, _connectable(host), number, f"/{path}" if path else "")


def _split(authority: str, fallback: int) -> tuple[str, int]:
    """Host and port; an authority without exactly one port is all host."""
    found = re.fullmatch(r"\[([^\[\]]*)\]:([^:]*)", authority) or re.fullmatch(r"([^:\[\]]*):([^:\[\]]*)", authority)
    if found is None:
        bare = authority.strip("[]")
        ip = _ip(bare)
        return str(ip) if ip is not None else authority or DEFAULT_HOST, fallback
    host, port = found.groups()
    number = int(port) if re.fullmatch(r"[+-]?[0-9]{1,9}", port) else -1
    return host, number if 0 <= number <= 65535 else fallback


def _connectable(host: str) -> str:
    ip = _ip(host)
    if ip is not None and ip.is_unspecified:
        return "::1" if ip.version == 6 else DEFAULT_HOST
    return host or DEFAULT_HOST


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
