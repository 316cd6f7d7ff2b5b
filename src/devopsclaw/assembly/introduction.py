"""What a relay says when it listens: warnings, then one line to paste on servers and one for the desk.

A line to paste works as it stands, and never holds the token: what it needs beside it is said above it.
"""

from __future__ import annotations

import shlex
import socket

from devopsclaw.assembly.token import Token
from devopsclaw.relay.address import Endpoint, listen_address
from devopsclaw.relay.server import RunningRelay

EVERYWHERE = ("", "0.0.0.0", "::")
"""Hosts to listen on that are no address to dial."""

NO_TOKEN = (
    "on servers: nothing yet, since a new one cannot join without a token; make one:",
    "  (umask 077; head -c 24 /dev/urandom | base64 >~/fleet-token)",
    "then start this relay again with: --token-file ~/fleet-token",
)


def introduction(relay: RunningRelay, token: Token, *, insecure: bool) -> list[str]:
    """The lines, in the order in which they are needed."""
    host, _ = listen_address(relay.address)
    named = socket.gethostname() if host in EVERYWHERE else host
    url = Endpoint(named, relay.port, insecure).url.rstrip("/")
    lines = [f"warning: {warning}" for warning in relay.warnings]
    lines.append(f"relay: listening on {relay.address}, port {relay.port}")
    lines += _for_servers(url, token, insecure) if token.text else NO_TOKEN
    if relay.claim_code:
        lines += _for_desk(url, relay.claim_code, insecure)
    if named != host and (token.text or relay.claim_code):
        lines.append(f"(where the name {named} does not lead to this host, write one that does)")
    return lines


def _for_servers(url: str, token: Token, insecure: bool) -> tuple[str, str]:
    words = ["devopsclaw", "agent-daemon", "--relay", url, *(["--insecure"] if insecure else [])]
    if token.file is None:
        return "on each server, with the fleet token in DEVOPSCLAW_NODE_TOKEN:", f"  {shlex.join(words)}"
    line = shlex.join([*words, "--token-file", str(token.file)])
    return "on each server, with a copy of the token file at the same place:", f"  {line}"


def _for_desk(url: str, claim_code: str, insecure: bool) -> tuple[str, str]:
    plain = "devopsclaw config set relay.insecure true && " if insecure else ""
    return "at your desk:", f"  {plain}devopsclaw relay connect {url} --claim {claim_code}"
