"""Addresses as people write them: where a relay listens, and where it is dialled. No DNS here."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from devopsclaw.model.errors import BadParams

DEFAULT_PORT = 9443
SCHEMES = ("ws", "wss")
HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]+)?")
"""A host name or an IP address, IPv6 with its zone (RFC 4007 §11)."""
HINT = "write it as ws://HOST:9443, wss://HOST:9443 or HOST:9443"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a relay is dialled. `is_plain`: without TLS, which only `--insecure` on both sides allows."""

    host: str
    port: int
    is_plain: bool = False

    @property
    def place(self) -> str:
        """`HOST:PORT`, an IPv6 address in brackets; the name under which its key is pinned."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The WebSocket address that is really dialled."""
        return f"{'ws' if self.is_plain else 'wss'}://{self.place}/"


def endpoint(url: str, *, insecure: bool = False) -> Endpoint:
    """Where this address leads. `ws://` means TLS all the same, unless `insecure`; the port may be left out.

    Raises BadParams.
    """
    text = url.strip()
    try:
        parts = urlsplit(text if "://" in text else f"ws://{text}")
        host, port = parts.hostname, parts.port
    except ValueError as wrong:
        raise BadParams(f"{url!r} is no address of a relay: {wrong}", hint=HINT) from wrong
    if parts.scheme not in SCHEMES:
        raise BadParams(f"{url!r} is no address of a relay: {parts.scheme}:// is not spoken", hint=HINT)
    if (
        not host
        or not HOST.fullmatch(host)
        or parts.path not in ("", "/")
        or parts.query
        or parts.username is not None
    ):
        raise BadParams(f"{url!r} is no address of a relay", hint=HINT)
    is_plain = insecure and parts.scheme == "ws"
    return Endpoint(host, DEFAULT_PORT if port is None else port, is_plain)


def listen_address(text: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`, `:PORT` (every interface, host empty) or `HOST`. Raises BadParams."""
    try:
        parts = urlsplit(f"//{text.strip()}")
        host, port = parts.hostname or "", parts.port
    except ValueError as wrong:
        raise _bad_listen(text) from wrong
    if parts.path or parts.query or parts.username is not None or not text.strip():
        raise _bad_listen(text)
    if host and not HOST.fullmatch(host):
        raise _bad_listen(text)
    return host, DEFAULT_PORT if port is None else port


def is_loopback(address: str) -> bool:
    """Whether this IP address is of this very machine, also where IPv4 is written in IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback


def _bad_listen(text: str) -> BadParams:
    return BadParams(f"{text!r} is no address to listen on", hint="write it as :9443 or HOST:9443")
